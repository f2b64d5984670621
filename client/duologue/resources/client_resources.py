"""`ClientResources`: the attributes of a client that are resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duologue.contract.lazy_property import lazy_property

if TYPE_CHECKING:
    from duologue.http.api_requestor import APIRequestor
    from duologue.resources.auth import Auth
    from duologue.resources.chats import Chats
    from duologue.resources.health import HealthChecks
    from duologue.resources.messages import Messages
    from duologue.resources.smart_chat import SmartChat
    from duologue.resources.users import Users


class ClientResources:
    """Base of `Client`: its resources. Each is imported on first use, with its part of the contract.

    A program that imports the client pays for the models and schemas of those resources only that it uses.
    """

    _requestor: APIRequestor

    @lazy_property
    def users(self) -> Users:
        """The users of the platform."""
        from duologue.resources.users import Users

        return Users(self._requestor)

    @lazy_property
    def auth(self) -> Auth:
        """Logging in to the platform, and out of it."""
        from duologue.resources.auth import Auth

        return Auth(self._requestor)

    @lazy_property
    def chats(self) -> Chats:
        """The chat sessions of the user."""
        from duologue.resources.chats import Chats

        return Chats(self._requestor)

    @lazy_property
    def messages(self) -> Messages:
        """The messages of a chat session."""
        from duologue.resources.messages import Messages

        return Messages(self._requestor)

    @lazy_property
    def smart_chat(self) -> SmartChat:
        """The assistant."""
        from duologue.resources.smart_chat import SmartChat

        return SmartChat(self._requestor)

    @lazy_property
    def health(self) -> HealthChecks:
        """Whether the services are up."""
        from duologue.resources.health import HealthChecks

        return HealthChecks(self._requestor)

    def _use_requestor(self, requestor: APIRequestor) -> None:
        """Call through another requestor from now on, with the resources that exist already as views of themselves."""
        from duologue.resources.resource import Resource

        self._requestor = requestor
        for name, value in tuple(vars(self).items()):
            if isinstance(value, Resource):
                setattr(self, name, value._with_requestor(requestor))

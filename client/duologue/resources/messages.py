"""Messages of a chat session."""

from __future__ import annotations

from collections.abc import Mapping

from duologue.contract import messages
from duologue.contract.messages import ChatMessage, MessageCreate, MessageQuery, Sender
from duologue.resources.page import Page
from duologue.resources.raw_response import RawMethod, RawMethods
from duologue.resources.resource import Resource


class Messages(Resource):
    """`api.messages`: list the messages of a session, and store one."""

    def list(self, session_id: str, *, page: int = 1, limit: int = 50) -> Page[ChatMessage]:
        """Return a page of a session's messages, oldest first; iterating over it requests the pages after it.

        Args:
            session_id: the session.
            page: which page, from 1.
            limit: how many messages a page has, 1 to 100.

        Raises:
            NotFoundError: the user has no such session.
            BadRequestError: the page or the limit is out of bounds.
        """
        return self._list(messages.LIST, MessageQuery(page, limit), id=session_id)

    def send(
        self,
        session_id: str,
        *,
        content: str,
        sender: Sender = "user",
        context: Mapping[str, object] | None = None,
    ) -> ChatMessage:
        """Store a message; the assistant does not reply to it.

        Args:
            session_id: the session.
            content: 1 to 10,000 characters.
            sender: `user`, `assistant` or `system`.
            context: a JSON object to store with it.
        """
        stored_context = None if context is None else dict(context)
        return self._request(messages.SEND, MessageCreate(content, sender, stored_context), id=session_id)

    @property
    def with_raw_response(self) -> MessagesWithRawResponse:
        """The same methods, returning the HTTP response besides the result: status, headers, body and attempts."""
        return MessagesWithRawResponse(self)


class MessagesWithRawResponse(RawMethods[Messages]):
    """`api.messages.with_raw_response`: the methods of `Messages`, each returning a `RawResponse` of its result."""

    list = RawMethod(Messages.list)
    send = RawMethod(Messages.send)

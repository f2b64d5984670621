"""The server under test: its callers, and what they created there."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import requests

from duologue.conformance.target.caller import Api, Record
from duologue.conformance.target.raw import open_connection
from duologue.conformance.target.target import get_origin
from duologue.contract import CHAT, PLATFORM, Operation


class TokenSource(Protocol):
    """Knows who calls the platform."""

    def get_token(self) -> str | None:
        """Return the caller's token; None for an anonymous one."""

    def note(self, response: requests.Response) -> None:
        """Take note of a response to the caller."""

    def note_anonymous(self, response: requests.Response) -> None:
        """Take note of a response to a caller without a token."""

    def make_room(self) -> None:
        """Wait until a caller without a token has some requests left."""


@dataclass(frozen=True)
class Server:
    """A server under test."""

    base_url: str
    chat_base_url: str
    api_key: str
    obeys_limits: bool = True
    """Whether its callers repeat what is over the server's limit as late as it says."""
    is_checked: bool = True
    """Whether each response is checked for the rules that hold for every one."""
    record: Record = field(default_factory=Record)
    administrators: TokenSource | None = None
    """Who calls the platform; None for an anonymous caller."""
    session: requests.Session = field(default_factory=lambda: _session())

    @property
    def platform_origin(self) -> str:
        """Scheme, host and port of the platform."""
        return get_origin(self.base_url)

    @property
    def chat_origin(self) -> str:
        """Scheme, host and port of the chat service."""
        return get_origin(self.chat_base_url)

    @property
    def anonymous(self) -> Api:
        """The platform, for a caller without a token."""
        note = self.administrators.note_anonymous if self.administrators else None
        return Api(self.base_url, self.session, self.record, {}, True, self.obeys_limits, note, self.is_checked)

    @property
    def platform(self) -> Api:
        """The platform, for a caller who may do everything: an administrator where anonymous callers are refused."""
        token = self.administrators.get_token() if self.administrators else None
        if self.administrators is None or token is None:
            return self.anonymous
        return replace(self.anonymous.with_token(token), on_response=self.administrators.note)

    @property
    def authorization(self) -> str:
        """The line, with its line feed, by which bare bytes are that caller's; empty for an anonymous one."""
        value = self.platform.headers.get("Authorization")
        return f"Authorization: {value}\n" if value else ""

    @property
    def default_auth(self) -> dict[str, str] | None:
        """With what a Socket.IO connection of the same caller identifies itself; None for an anonymous one."""
        token = self.administrators.get_token() if self.administrators else None
        return None if token is None else {"token": token}

    @property
    def chat(self) -> Api:
        """The chat service, for a new user."""
        headers = {"x-api-key": self.api_key}
        options = (headers, True, self.obeys_limits, None, self.is_checked)
        return Api(self.chat_base_url, self.session, self.record, *options).as_user()

    def get_api(self, operation: Operation[Any]) -> Api:
        """Return the service that has `operation`."""
        return self.chat if operation.service is CHAT else self.platform

    def get_service(self, name: str) -> Api:
        """Return the service with a name."""
        return self.chat if name == CHAT.name else self.platform

    def at_origin(self, service: str) -> Api:
        """Return a caller that sends nothing of its own, for paths from the root of a service's origin."""
        origin = self.platform_origin if service == PLATFORM.name else self.chat_origin
        return Api(origin, self.session, self.record, is_checked=self.is_checked)

    @contextmanager
    def open_connection(self) -> Iterator[socket.socket]:
        """A bare TCP connection to the platform, on which some requests can be sent without being over a limit."""
        if self.administrators:
            self.administrators.make_room()
        with open_connection(self.platform_origin) as connection:
            yield connection

    def connect(self) -> Server:
        """Return the same server with a connection of its own, for another thread; what it does is recorded here."""
        return replace(self, session=_session())

    def close(self) -> None:
        """Delete what was created and close the connections."""
        try:
            self.record.clean_up()
        finally:
            self.session.close()


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session

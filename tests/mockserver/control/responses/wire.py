"""Requests over bare connections to a running mock that is steered."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from duologue_mock import MockServer
from tests.mockserver.raw import Peer, RawResponse, ask, head


class Wire:
    """A namespace of a running mock, and connections to it, which are closed at the end.

    Args:
        server: the mock.
        namespace: the namespace's name.
    """

    def __init__(self, server: MockServer, namespace: str) -> None:
        self.server = server
        self._header = f"X-Mock-Namespace: {namespace}"
        self._peers = contextlib.ExitStack()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self._peers.close()

    def control(self, line: str, body: Any = None) -> RawResponse:
        """Call the control API: `control("DELETE /mappings")`."""
        method, _, path = line.partition(" ")
        data = b"" if body is None else json.dumps(body).encode()
        length = f"Content-Length: {len(data)}"
        return ask(self.server.port, f"{method} /__admin{path} HTTP/1.1", self._header, length, body=data)

    def stub(self, response: Any, url: str | None = "/x", **fields: Any) -> None:
        """Add a stub; without a URL, it is for every request."""
        request = {**({} if url is None else {"url": url}), **fields.pop("request", {})}
        body = {"request": request, "response": response, **fields}
        added = self.control("POST /mappings", body)
        assert added.status == 201, added.body

    def connect(self) -> Peer:
        peer = Peer(self.server.port)
        self._peers.callback(peer.close)
        return peer

    def send(self, line: str = "GET /x HTTP/1.1", *headers: str, body: bytes = b"", peer: Peer | None = None) -> Peer:
        """Send a request, over a new connection or another one, and return it."""
        peer = peer or self.connect()
        peer.send(head(line, self._header, *headers) + body)
        return peer

    def ask(self, line: str = "GET /x HTTP/1.1", *headers: str, body: bytes = b"") -> RawResponse:
        return self.send(line, *headers, body=body).read_response(to=line.partition(" ")[0])

    def count(self, path: str = "/api/users") -> int:
        """Return the total of a list."""
        return int(self.ask(f"GET {path} HTTP/1.1").json["total"])

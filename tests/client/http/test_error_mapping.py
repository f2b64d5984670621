"""No exception of another library escapes: those of each library below us are listed and mapped."""

from __future__ import annotations

import http.client
import inspect
import json
import socket
import ssl
import zlib
from collections.abc import Callable
from types import ModuleType

import marshmallow
import pytest
import requests
import urllib3

from duologue import APIError, Client, HTTPTransport, Request, Response
from duologue.http.error_mapping import TRANSPORT_ERRORS, map_exception
from tests.client.servers import ScriptedServer, respond, send


def list_exceptions(*modules: ModuleType) -> list[type[BaseException]]:
    exceptions = {
        kind
        for module in modules
        for name, kind in inspect.getmembers(module, inspect.isclass)
        if not name.startswith("_")
        and issubclass(kind, Exception)
        and not issubclass(kind, Warning)
        and kind.__module__ != "builtins"
    }
    return sorted(exceptions, key=lambda kind: f"{kind.__module__}.{kind.__qualname__}")


NETWORK = list_exceptions(requests.exceptions, urllib3.exceptions, http.client, ssl, socket)


def create_exception(kind: type[BaseException]) -> BaseException:
    """An instance, whatever its constructor wants."""
    one = kind.__new__(kind)
    one.args = ("something",)
    return one


@pytest.mark.parametrize("kind", NETWORK, ids=lambda kind: f"{kind.__module__}.{kind.__qualname__}")
def test_every_class_is_mapped(kind: type[BaseException]) -> None:
    assert issubclass(kind, (*TRANSPORT_ERRORS, ValueError))
    ours = map_exception(create_exception(kind))
    assert isinstance(ours, APIError)
    assert not isinstance(ours, (*TRANSPORT_ERRORS, ValueError))
    assert ours.details["reason"]


def test_enough_classes() -> None:
    assert len(NETWORK) > 60


class Breaking(HTTPTransport):
    """The real transport, whose network raises what a test wants: while sending, or while reading."""

    def __init__(self, kind: type[BaseException], *, reading: bool) -> None:
        super().__init__()
        self.kind, self.reading = kind, reading

    def _exchange(self, request: Request, deadline: float | None) -> urllib3.BaseHTTPResponse:
        if not self.reading:
            raise create_exception(self.kind)
        raw = super()._exchange(request, deadline)
        raw.read1 = self._fail  # type: ignore[method-assign]
        return raw

    def _fail(self, *_: object, **__: object) -> bytes:
        raise create_exception(self.kind)


@pytest.mark.parametrize("reading", [False, True], ids=["sending", "reading"])
def test_none_escapes_a_call(reading: bool) -> None:
    with ScriptedServer(respond(200, {})) as server:
        for kind in NETWORK:
            if issubclass(kind, ValueError) and not issubclass(kind, TRANSPORT_ERRORS):
                continue
            transport = Breaking(kind, reading=reading)
            with Client(base_url=server.origin, transport=transport, max_retries=0, timeout=5) as api:
                with pytest.raises(APIError) as caught:
                    api.users.get("1")
                assert caught.value.__cause__ is caught.value.__context__ is None
            transport.close()


DECODING = list_exceptions(json, json.decoder, marshmallow.exceptions, zlib)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff",
        b'{"id": 1}',
        b'{"users": {}}',
        b"[" * 9_999,
        b"1" * 9_999,
        b'"\\ud800"',
        b"null",
        b'{"data": 0}',
    ],
)
def test_decoding_errors(raw: bytes) -> None:
    with (
        ScriptedServer(respond(200, raw=raw)) as server,
        Client(base_url=server.origin, chat_base_url=server.origin, max_retries=0, timeout=5) as api,
    ):
        calls: list[Callable[[], object]] = [
            lambda: api.users.get("1"),
            lambda: api.users.list(),
            lambda: api.chats.list(),
            lambda: api.messages.list("1"),
            lambda: api.health.platform(),
            lambda: api.smart_chat.stream("1", message="m").read(),
        ]
        for call in calls:
            with pytest.raises(APIError) as caught:
                call()
            assert not isinstance(caught.value, tuple(DECODING))


def test_real_response() -> None:
    """What other tests show with a `Response` in memory holds for one from a socket."""
    with ScriptedServer(send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\n{}")) as server:
        transport = HTTPTransport()
        got = transport.send(Request("GET", server.origin, timeout=5))
        transport.close()
        assert (got.status, got.header("x-a"), got.read()) == (200, "b", b"{}")
        assert type(got) is Response

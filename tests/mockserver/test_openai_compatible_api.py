"""Replies by an OpenAI-compatible API, which a small HTTP server stands in for."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from duologue_mock import Settings
from duologue_mock.assistant import ReplyEngine
from duologue_mock.errors import HTTPError
from tests.mockserver.http_errors import raises_http_error
from tests.mockserver.test_assistant import SHIPPED_RULES, Sleeper, request


class API:
    """An HTTP server that stands in for the API: `respond` sends the responses; requests are recorded."""

    def __init__(self, respond: Callable[[BaseHTTPRequestHandler], None]) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.free = threading.Event()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                api.paths.append(self.path)
                api.headers.append(dict(self.headers))
                api.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.close_connection = True
                respond(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> API:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.free.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()  # waits for the handlers' threads


def chunk(content: str | None) -> bytes:
    return sse(
        json.dumps({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": content}}]})
    )


def sse(data: str) -> bytes:
    return f"data: {data}\n\n".encode()


def respond_with_stream(
    *parts: bytes, ending: bytes = b"0\r\n\r\n", status: int = 200
) -> Callable[[BaseHTTPRequestHandler], None]:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for part in parts:
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
        handler.wfile.write(ending)

    return respond


def respond_with_bytes(data: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(data)

    return respond


def call_api(url: str, *, timeout: float = 5.0, key: str | None = None, context: str | None = None) -> Iterator[str]:
    settings = Settings(reply_url=url, reply_model="tiny", reply_api_key=key, reply_timeout=timeout)
    engine = ReplyEngine(settings, SHIPPED_RULES, run_in_thread=lambda run: run(), sleep=Sleeper())
    return engine.stream(request("Hello", "Hi!", "How are roses cut?", context=context))


ROLE = sse(json.dumps({"choices": [{"delta": {"role": "assistant", "content": ""}}]}))
DONE = sse("[DONE]")


@pytest.mark.parametrize(
    "parts",
    [
        [ROLE, chunk("At "), chunk("an "), chunk("angle."), DONE],
        [ROLE + chunk("At ") + chunk("an ") + chunk("angle.") + DONE],
        [
            (chunk("At ") + chunk("an ") + chunk("angle."))[:40],
            (chunk("At ") + chunk("an ") + chunk("angle."))[40:],
            DONE,
        ],
        [b": keep-alive\n\n", chunk("At an "), b"event: x\nid: 5\n", chunk("angle."), DONE, chunk("never read")],
        [chunk("At an "), chunk("angle."), sse('{"choices": []}'), sse('{"usage": {"total_tokens": 5}}'), DONE],
        [chunk("At an "), chunk(None), chunk("angle.")],
        [part.replace(b"\n", b"\r\n") for part in (chunk("At an "), chunk("angle."), DONE)],
        [chunk("At an angle.").replace(b"data: ", b"data:"), DONE],
    ],
    ids=["one by one", "at once", "cut anywhere", "with comments", "with usage", "without an end", "crlf", "no space"],
)
def test_stream(parts: list[bytes]) -> None:
    with API(respond_with_stream(*parts)) as api:
        assert "".join(call_api(api.url)) == "At an angle."


def test_non_ascii_text() -> None:
    with API(respond_with_stream(chunk("schräg 🌹"), DONE)) as api:
        assert list(call_api(api.url)) == ["schräg 🌹"]


def test_request() -> None:
    with API(respond_with_stream(chunk("x"), DONE)) as api:
        list(call_api(api.url + "/", key="sk-test", context="Be brief."))
        list(call_api(api.url))
    assert api.paths == ["/v1/chat/completions"] * 2
    history = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi!"},
        {"role": "user", "content": "How are roses cut?"},
    ]
    system = {"role": "system", "content": "Be brief."}
    assert api.bodies[0] == {"model": "tiny", "stream": True, "messages": [system, *history]}
    assert api.bodies[1]["messages"] == history
    assert api.headers[0]["Authorization"] == "Bearer sk-test"
    assert "Authorization" not in api.headers[1]


def respond_with_error(status: int) -> Callable[[BaseHTTPRequestHandler], None]:
    return respond_with_stream(b'{"error": {"message": "no"}}', status=status)


@pytest.mark.parametrize(
    "respond",
    [
        respond_with_error(401),
        respond_with_error(404),
        respond_with_error(429),
        respond_with_error(500),
        respond_with_stream(b"<html>a page</html>"),
        respond_with_stream(),
        respond_with_stream(sse("{not json")),
        respond_with_stream(sse("[1, 2]")),
        respond_with_stream(sse('"text"')),
        respond_with_stream(sse('{"choices": null}')),
        respond_with_stream(sse('{"choices": [5]}')),
        respond_with_stream(sse('{"error": {"message": "overloaded"}}')),
        respond_with_stream(chunk("cut"), ending=b"zz\r\n"),
        respond_with_bytes(b"no HTTP at all\r\n\r\n"),
        respond_with_bytes(b""),
        respond_with_bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + chunk("cut")),
    ],
    ids=[
        "401", "404", "429", "500", "html", "empty", "bad json", "list", "text", "no choices", "odd choices",
        "error chunk", "bad chunk", "no http", "hangs up", "cut off",
    ],
)  # fmt: skip
def test_failing_api(respond: Callable[[BaseHTTPRequestHandler], None]) -> None:
    with API(respond) as api, raises_http_error(502):
        list(call_api(api.url, key="sk-hidden"))


def test_stream_breaks_off() -> None:
    with API(respond_with_stream(chunk("At "), chunk("an "), ending=b"")) as api:
        chunks = call_api(api.url)
        with raises_http_error(502):
            assert [next(chunks), next(chunks)] == ["At ", "an "]
            next(chunks)


def test_connection_refused() -> None:
    with reserve_closed_port() as port, raises_http_error(502):
        list(call_api(f"http://127.0.0.1:{port}/v1"))


@contextmanager
def reserve_closed_port() -> Iterator[int]:
    """A port that is bound, so that no other process gets it, but that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.mark.parametrize("begins", [False, True], ids=["no response", "stops midway"])
def test_timeout(begins: bool) -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        if begins:
            respond_with_stream(chunk("At "), ending=b"")(handler)
        api.free.wait(5)

    with API(respond) as api:
        chunks = call_api(api.url, timeout=0.2)
        if begins:
            assert next(chunks) == "At "
        with raises_http_error(504):
            next(chunks)
        api.free.set()


def test_key_is_not_in_errors() -> None:
    with API(respond_with_error(500)) as api, pytest.raises(HTTPError) as caught:
        list(call_api(api.url, key="sk-hidden"))
    assert "sk-hidden" not in f"{caught.value.hint}{caught.value}"

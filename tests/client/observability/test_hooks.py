"""Hooks and the log: they see everything but secrets, and change nothing."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable

import pytest

from duologue import (
    Client,
    ConnectionLostError,
    HookEvent,
    MemoryTokenStorage,
    NotFoundError,
    Request,
    Response,
    ServerError,
    StoredTokens,
)
from duologue.observability.logging_setup import configure_from_env
from tests.client.fakes import TOKENS, USER, FakeTransport, reply

Talk = Callable[..., tuple[Client, FakeTransport]]


def connect(talk: Talk, *outcomes: object, **options: object) -> tuple[Client, list[tuple[str, HookEvent]]]:
    events: list[tuple[str, HookEvent]] = []
    names = ("on_request", "on_response", "on_retry", "on_error")
    api, _ = talk(*outcomes, **{name: lambda one, n=name: events.append((n, one)) for name in names}, **options)
    return api, events


def test_steps_of_a_call(talk: Talk) -> None:
    busy = reply(503, {"message": "busy"}, {"X-A": "b"})
    api, events = connect(
        talk, busy, ConnectionLostError(), reply(200, USER), retry_delay=0, access_token="secret-token"
    )
    api.users.get("1")
    assert [name for name, _ in events] == [
        *("on_request", "on_response", "on_retry"),
        *("on_request", "on_retry"),
        *("on_request", "on_response"),
    ]
    assert [one.attempt for _, one in events] == [1, 1, 1, 2, 2, 3, 3]
    assert {(one.operation, one.method, one.path) for _, one in events} == {("users.GET", "GET", "/users/1")}
    assert len({one.request_id for _, one in events}) == 1
    (_, first), (_, response), (_, again) = events[:3]
    assert first.headers["X-Attempt"] == "1"
    assert first.headers["Authorization"] == "***"
    assert (response.status, response.response_headers) == (503, {"x-a": "b"})
    assert (type(again.error), again.delay) == (ServerError, 0)
    assert type(events[4][1].error) is ConnectionLostError


def test_on_error(talk: Talk) -> None:
    api, events = connect(talk, reply(503), max_retries=2, retry_delay=0)
    with pytest.raises(ServerError) as caught:
        api.users.get("1")
    errors = [one for name, one in events if name == "on_error"]
    assert [one.error for one in errors] == [caught.value]
    assert errors[0].attempt == len(caught.value.attempts) == 3
    assert caught.value.path == "/users/1"


@pytest.mark.parametrize("name", ["on_request", "on_response", "on_retry", "on_error"])
def test_failing_hook(talk: Talk, name: str, caplog: pytest.LogCaptureFixture) -> None:
    def bad(_: HookEvent) -> None:
        raise RuntimeError("the hook's own fault")

    api, _ = talk(reply(503), reply(404, {"message": "no"}), **{name: bad}, retry_delay=0)
    with pytest.raises(NotFoundError):
        api.users.get("1")
    assert "A hook failed: RuntimeError" in caplog.messages


def test_no_hooks(talk: Talk) -> None:
    api, _ = talk(reply(200, USER), on_request=None)
    assert api.users.get("1").id == "1"


def test_interrupt_in_hook(talk: Talk) -> None:
    """Ctrl-C in a hook is for the program, not for the log."""

    def interrupt(_: HookEvent) -> None:
        raise KeyboardInterrupt

    api, _ = talk(reply(200, USER), on_request=interrupt)
    with pytest.raises(KeyboardInterrupt):
        api.users.get("1")


def test_log(talk: Talk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "duologue")
    api, net = talk(reply(503, None, {"Retry-After": "1.5"}), reply(200, USER), access_token="secret-token")
    api.users.get("1")
    code = net.last.headers["Unique-Reference-Code"]
    records = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert ("INFO", "GET /users/1: 503; retrying in 1.5 s") in records
    assert any(text.startswith(f"GET /users/1: 200 in 0 ms (attempt 2 of {code}, ") for _, text in records)
    assert "secret-token" not in str(records)


def test_refreshed_token_is_masked(talk: Talk) -> None:
    """Secrets are computed for each attempt: the token of the second one was not known at the first."""

    def echo(request: Request) -> Response:
        if request.url.endswith("/auth/refresh"):
            return reply(200, TOKENS)
        return reply(401 if request.headers["X-Attempt"] == "1" else 404, {"message": request.headers["Authorization"]})

    storage = MemoryTokenStorage(StoredTokens("token-1", "refresh-1"))
    api, _ = talk(echo, token_storage=storage, on_request=repr)
    with pytest.raises(NotFoundError) as caught:
        api.users.get("1")
    assert caught.value.message == "Bearer ***"


SCRIPT = """
import os, sys
from duologue import Client, Request, Response
class Net:
    def send(self, request): return Response(404, {}, b'{}')
for _ in range(2):
    with Client(transport=Net(), user_id="u") as api:
        try: api.users.get("1")
        except Exception: pass
"""


@pytest.mark.parametrize(("level", "lines"), [("debug", 2), ("info", 0), ("", 0), ("DEBUG ", 2)])
def test_log_variable(level: str, lines: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env={"DUOLOGUE_LOG": level}, capture_output=True, text=True, check=True
    )
    assert done.stderr.count("GET /users/1: 404") == lines


def test_invalid_log_variable() -> None:
    with pytest.raises(ValueError, match="DUOLOGUE_LOG must be one of debug, info, warning, not 'loud'"):
        configure_from_env({"DUOLOGUE_LOG": "loud"})

"""The API key: validated every five minutes, rotated without a restart."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from duologue import (
    APIError,
    ApiKeyInvalidEvent,
    Client,
    ConnectError,
    Request,
    RequestTimeout,
    Response,
    ServerError,
)
from tests.client.fakes import SESSION, FakeClock, FakeTransport, enveloped, reply

Talk = Callable[..., tuple[Client, FakeTransport]]

HEALTH = {"status": "ok", "timestamp": "2024-01-01T00:00:00.000Z"}


class Service:
    """A chat service that knows some keys."""

    def __init__(self, *keys: str) -> None:
        self.keys = set(keys)
        self.failing: APIError | None = None

    def __call__(self, request: Request) -> Response:
        if self.failing is not None:
            raise self.failing
        if request.headers.get("x-api-key") not in self.keys:
            return reply(401, {"message": "Invalid API key"})
        return reply(200, HEALTH) if request.url.endswith("/health") else enveloped(SESSION)


def keys_sent(net: FakeTransport) -> list[str | None]:
    return [request.headers.get("x-api-key") for request in net.requests]


def test_validated_every_five_minutes(talk: Talk, clock: FakeClock) -> None:
    api, net = talk(Service("k"), api_key="k")
    assert [api.validate_api_key() for _ in range(3)] == [True] * 3
    assert len(net.requests) == 1
    clock.time += timedelta(seconds=299)
    assert api.validate_api_key()
    assert len(net.requests) == 1
    clock.time += timedelta(seconds=1)
    assert api.validate_api_key()
    assert len(net.requests) == 2


def test_invalid_key_event(talk: Talk) -> None:
    api, net = talk(Service("other"), api_key="k")
    events: list[ApiKeyInvalidEvent] = []
    api.api_keys.on("api_key_invalid", events.append)
    assert [api.validate_api_key() for _ in range(3)] == [False] * 3
    assert len(net.requests) == 1
    assert [event.error.message for event in events] == ["Invalid API key"]


@pytest.mark.parametrize("failing", [ConnectError(), RequestTimeout(), ServerError(status=503)])
def test_other_failure(talk: Talk, clock: FakeClock, failing: APIError) -> None:
    service = Service("k")
    api, net = talk(service, api_key="k", max_retries=0)
    events: list[ApiKeyInvalidEvent] = []
    api.api_keys.on("api_key_invalid", events.append)
    service.failing = failing
    assert api.validate_api_key()
    service.failing, service.keys = None, set()
    assert not api.validate_api_key()
    clock.time += timedelta(minutes=5)
    service.failing = failing
    assert not api.validate_api_key()
    assert len(net.requests) == 3
    assert len(events) == 1


def test_uncached_validation(talk: Talk) -> None:
    """Each is a request, and a failure other than 401 is raised."""
    service = Service("k")
    api, net = talk(service, api_key="k", max_retries=0)
    events: list[ApiKeyInvalidEvent] = []
    api.api_keys.on("api_key_invalid", events.append)
    assert [api.validate_api_key(cached=False) for _ in range(2)] == [True] * 2
    service.keys = set()
    assert api.validate_api_key()
    assert not api.validate_api_key(cached=False)
    assert not api.validate_api_key()
    assert (len(net.requests), len(events)) == (3, 1)
    service.failing = ServerError(status=503)
    with pytest.raises(ServerError):
        api.validate_api_key(cached=False)


def test_view_options(talk: Talk) -> None:
    api, net = talk(Service("k"), api_key="k")
    assert api.with_options(timeout=1).validate_api_key()
    assert net.last.timeout == 1
    assert api.validate_api_key()
    assert len(net.requests) == 1


def test_rotate(talk: Talk) -> None:
    api, net = talk(Service("new"), api_key="old")
    assert not api.validate_api_key()
    api.api_keys.rotate("new")
    assert api.api_keys.current == "new"
    assert api.validate_api_key()
    assert api.chats.get("1").id == "test-session-1"
    assert keys_sent(net) == ["old", "new", "new"]


def test_key_function(talk: Talk) -> None:
    keys = iter(["k1", "k2", None])
    api, net = talk(enveloped(SESSION), api_key=lambda: next(keys))
    for _ in range(3):
        api.chats.get("1")
    assert keys_sent(net) == ["k1", "k2", None]
    api.api_keys.rotate(lambda: "k4")
    api.chats.get("1")
    assert keys_sent(net)[-1] == "k4"


def test_rotate_before_retry(talk: Talk) -> None:
    def rotating(request: Request) -> Response:
        api.api_keys.rotate("new")
        return reply(503)

    api: Client
    api, net = talk(rotating, enveloped(SESSION), api_key="old")
    api.chats.get("1")
    assert keys_sent(net) == ["old", "new"]


def test_rotate_during_validation(talk: Talk) -> None:
    def rotating(request: Request) -> Response:
        api.api_keys.rotate("new")
        return reply(401)

    api: Client
    api, _ = talk(rotating, reply(200, HEALTH), api_key="old")
    events: list[ApiKeyInvalidEvent] = []
    api.api_keys.on("api_key_invalid", events.append)
    assert api.validate_api_key()
    assert events == []
    assert api.validate_api_key()


def test_rotate_in_callback(talk: Talk, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: ApiKeyInvalidEvent) -> None:
        raise RuntimeError("my own mistake")

    api, _ = talk(Service("new"), api_key="old")
    api.api_keys.on("api_key_invalid", fail)
    api.api_keys.on("api_key_invalid", lambda _: api.api_keys.rotate("new"))
    with caplog.at_level(logging.ERROR, logger="duologue"):
        assert not api.validate_api_key()
    assert "my own mistake" in caplog.text
    assert api.validate_api_key()
    api.api_keys.off("api_key_invalid", fail)


def test_concurrent_validation(talk: Talk) -> None:
    api, net = talk(Service("k"), api_key="k")
    start = threading.Barrier(8)
    results: list[bool] = []

    def validate() -> None:
        start.wait(5)
        results.append(api.validate_api_key())

    threads = [threading.Thread(target=validate) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert results == [True] * 8
    assert len(net.requests) == 1


@pytest.mark.parametrize("bad", ["a\r\nb", " a", "ü"])
def test_malformed_key(talk: Talk, bad: str) -> None:
    api, net = talk(reply(), api_key="good")
    with pytest.raises(ValueError, match=r"api.key must be printable ASCII") as caught:
        api.api_keys.rotate(bad)
    assert bad not in str(caught.value)
    assert api.api_keys.current == "good"
    api.api_keys.rotate(lambda: bad)
    with pytest.raises(ValueError, match=r"api.key must be printable ASCII"):
        api.chats.get("1")
    assert net.requests == []


def test_repr_hides_key(talk: Talk) -> None:
    api, _ = talk(Service("secret-key"), api_key="secret-key")
    api.validate_api_key()
    assert "secret-key" not in f"{api.api_keys} {api.api_keys._verdict} {api} {api.config}"

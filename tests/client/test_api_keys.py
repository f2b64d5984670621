"""The API key: checked now and then, changed without a restart."""

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
    validate_headers,
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


def test_a_key_is_asked_about_at_most_every_five_minutes(talk: Talk, clock: FakeClock) -> None:
    api, net = talk(Service("k"), api_key="k")
    assert [api.api_keys.validate() for _ in range(3)] == [True] * 3
    assert len(net.requests) == 1
    clock.time += timedelta(seconds=299)
    assert api.api_keys.validate()
    assert len(net.requests) == 1
    clock.time += timedelta(seconds=1)
    assert api.api_keys.validate()
    assert len(net.requests) == 2


def test_an_unknown_key_is_told_once_and_not_asked_about_again(talk: Talk) -> None:
    api, net = talk(Service("other"), api_key="k")
    told: list[ApiKeyInvalidEvent] = []
    api.api_keys.on("api_key_invalid", told.append)
    assert [api.api_keys.validate() for _ in range(3)] == [False] * 3
    assert len(net.requests) == 1
    assert [event.error.message for event in told] == ["Invalid API key"]


@pytest.mark.parametrize("failing", [ConnectError(), RequestTimeout(), ServerError(status=503)])
def test_another_failure_says_nothing_about_the_key(talk: Talk, clock: FakeClock, failing: APIError) -> None:
    service = Service("k")
    api, net = talk(service, api_key="k", max_retries=0)
    told: list[ApiKeyInvalidEvent] = []
    api.api_keys.on("api_key_invalid", told.append)
    service.failing = failing
    assert api.api_keys.validate()
    service.failing, service.keys = None, set()
    assert not api.api_keys.validate()
    clock.time += timedelta(minutes=5)
    service.failing = failing
    assert not api.api_keys.validate()
    assert len(net.requests) == 3
    assert len(told) == 1


def test_a_new_key_is_used_by_the_next_request_and_asked_about_anew(talk: Talk) -> None:
    api, net = talk(Service("new"), api_key="old")
    assert not api.api_keys.validate()
    api.api_keys.rotate("new")
    assert api.api_keys.current == "new"
    assert api.api_keys.validate()
    assert api.chats.get("1").id == "test-session-1"
    assert keys_sent(net) == ["old", "new", "new"]


def test_a_function_is_asked_before_each_request(talk: Talk) -> None:
    made = iter(["k1", "k2", None])
    api, net = talk(enveloped(SESSION), api_key=lambda: next(made))
    for _ in range(3):
        api.chats.get("1")
    assert keys_sent(net) == ["k1", "k2", None]
    api.api_keys.rotate(lambda: "k4")
    api.chats.get("1")
    assert keys_sent(net)[-1] == "k4"


def test_a_retry_carries_the_new_key(talk: Talk) -> None:
    def rotating(request: Request) -> Response:
        api.api_keys.rotate("new")
        return reply(503)

    api: Client
    api, net = talk(rotating, enveloped(SESSION), api_key="old")
    api.chats.get("1")
    assert keys_sent(net) == ["old", "new"]


def test_a_verdict_about_a_key_that_was_changed_meanwhile_is_dropped(talk: Talk) -> None:
    def rotating(request: Request) -> Response:
        api.api_keys.rotate("new")
        return reply(401)

    api: Client
    api, _ = talk(rotating, reply(200, HEALTH), api_key="old")
    told: list[ApiKeyInvalidEvent] = []
    api.api_keys.on("api_key_invalid", told.append)
    assert api.api_keys.validate()
    assert told == []
    assert api.api_keys.validate()


def test_the_callback_may_bring_the_new_key(talk: Talk, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: ApiKeyInvalidEvent) -> None:
        raise RuntimeError("my own mistake")

    api, _ = talk(Service("new"), api_key="old")
    api.api_keys.on("api_key_invalid", fail)
    api.api_keys.on("api_key_invalid", lambda _: api.api_keys.rotate("new"))
    with caplog.at_level(logging.ERROR, logger="duologue"):
        assert not api.api_keys.validate()
    assert "my own mistake" in caplog.text
    assert api.api_keys.validate()
    api.api_keys.off("api_key_invalid", fail)


def test_threads_that_ask_together_are_one_request(talk: Talk) -> None:
    api, net = talk(Service("k"), api_key="k")
    together = threading.Barrier(8)
    said: list[bool] = []

    def ask() -> None:
        together.wait(5)
        said.append(api.api_keys.validate())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert said == [True] * 8
    assert len(net.requests) == 1


@pytest.mark.parametrize("bad", ["a\r\nb", " a", "ü"])
def test_a_key_that_no_header_can_carry_is_refused(talk: Talk, bad: str) -> None:
    api, net = talk(reply(), api_key="good")
    with pytest.raises(ValueError, match=r"api.key must be printable ASCII") as caught:
        api.api_keys.rotate(bad)
    assert bad not in str(caught.value)
    assert api.api_keys.current == "good"
    api.api_keys.rotate(lambda: bad)
    with pytest.raises(ValueError, match=r"api.key must be printable ASCII"):
        api.chats.get("1")
    assert net.requests == []


def test_a_key_does_not_show(talk: Talk) -> None:
    api, _ = talk(Service("secret-key"), api_key="secret-key")
    api.api_keys.validate()
    assert "secret-key" not in f"{api.api_keys} {api.api_keys._verdict} {api} {api.config}"


def test_every_chat_call_has_what_is_required(talk: Talk) -> None:
    api, net = talk(enveloped(SESSION))
    api.chats.get("1")
    assert validate_headers(net.last.headers)


GOOD = {"x-api-key": "k", "Unique-Reference-Code": "urc-1", "x-user-id": "u"}


@pytest.mark.parametrize(
    ("headers", "enough"),
    [
        (GOOD, True),
        ({name.upper(): value for name, value in GOOD.items()}, True),
        ({**GOOD, "x-user-id": ""}, False),
        ({**GOOD, "x-api-key": " \t"}, False),
        ({"x-api-key": "k", "x-user-id": "u"}, False),
        ({}, False),
    ],
)
def test_headers_are_judged_as_the_document_does(headers: dict[str, str], enough: bool) -> None:
    assert validate_headers(headers) is enough

"""Secrets through every fault and every operation that has one: nothing that a tool could show has them."""

from __future__ import annotations

import gc
import json
import logging
import os
import pickle
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from duologue import (
    APIError,
    Client,
    FileTokenStorage,
    MemoryTokenStorage,
    Request,
    Response,
    StoredTokens,
    TokenFileError,
)
from tests.client.fakes import USER, FakeClock, FakeTransport, reply
from tests.client.faults.acts import CUT_OFF, NOT_HTTP, UNREADABLE, hang_up, reset, respond, send, silence
from tests.client.servers import Act, Received, ScriptedServer

pytestmark = pytest.mark.slow

Serve = Callable[..., ScriptedServer]

PASSWORD, ACCESS, REFRESH, KEY, HEADER = (
    f"canary-{name}-qz-vx-kj" for name in ("pw", "access", "refresh", "key", "hd")
)
FRESH, NEXT = "canary-fresh-qz-vx-kj", "canary-next-qz-vx-kj"
"""Tokens that the server issues."""
CANARY = "qz-vx-kj"

CALLS: dict[str, Callable[[Client], object]] = {
    "login": lambda api: api.auth.login(email="john@example.com", password=PASSWORD),
    "raw login": lambda api: api.auth.with_raw_response.login(email="john@example.com", password=PASSWORD),
    "refresh": lambda api: api.auth.refresh(),
    "logout": lambda api: api.auth.logout(),
    "login mutation": lambda api: api.mutations.login(email="john@example.com", password=PASSWORD),
    "create mutation": lambda api: api.mutations.create_user(name="a", email="a@example.com", password=PASSWORD),
    "me": lambda api: api.auth.me(),
    "current user": lambda api: api.auth.current_user,
    "create": lambda api: api.users.create(name="a", email="a@example.com", password=PASSWORD),
    "raw create": lambda api: api.users.with_raw_response.create(name="a", email="a@example.com", password=PASSWORD),
    "get": lambda api: api.users.get("1"),
    "list": lambda api: list(api.users.list()),
    "chats": lambda api: api.chats.list(),
    "validated key": lambda api: api.validate_api_key(cached=False),
    "stream": lambda api: api.smart_chat.stream("s", message="m").read(),
}


def find_secrets(request: Received) -> list[str]:
    """The secrets that a request carries."""
    text = " ".join([*request.headers.values(), request.body.decode()])
    return [secret for secret in (PASSWORD, ACCESS, REFRESH, KEY, HEADER) if secret in text]


def echo(request: Received) -> dict[str, object]:
    """A body with everything that was sent, and with new tokens."""
    secrets = find_secrets(request)
    sent = [request.target, *request.headers.values(), request.body.decode(), *secrets]
    return {
        "message": " ".join(sent),
        "code": sent[-1],
        "errors": sent,
        "details": {"message": sent, "fields": {text: [text] for text in sent}},
        "token": FRESH,
        "refreshToken": NEXT,
        "expiresIn": -1,
        "user": {**USER, **{secret: secret for secret in secrets}},
        **{secret: secret for secret in secrets},
    }


def echoing(status: int) -> Callable[[Received], Act]:
    return lambda request: respond(
        status, echo(request), headers={"X-Request-Id": find_secrets(request)[-1], "X-Echo": str(find_secrets(request))}
    )


def echoing_text(status: int, padding: int) -> Callable[[Received], Act]:
    """A page that is cut somewhere inside a secret before it is shown."""

    def handle(request: Received) -> Act:
        body = "".join("x" * padding + secret for secret in find_secrets(request))
        return respond(status, raw=body.encode(), headers={"Content-Type": "text/html"})

    return handle


def echoing_key(padding: int) -> Callable[[Received], Act]:
    def handle(request: Received) -> Act:
        key = "k" * padding + find_secrets(request)[0]
        return respond(200, raw=f'{{"{key}": 1, "{key}": 2}}'.encode())

    return handle


def doing(act: Act) -> Callable[[Received], Act]:
    return lambda _: act


FAULTS: dict[str, Callable[[Received], Act]] = {
    **{f"echo {status}": echoing(status) for status in (200, 201, 400, 401, 404, 409, 429, 500)},
    **{f"page {status} {n}": echoing_text(status, n) for status in (200, 500) for n in (*range(95, 115), 900, 4_990)},
    "reset": doing(reset),
    "close": doing(hang_up),
    "silence": doing(silence),
    "cut off": doing(CUT_OFF["inside a chunk"]),
    "not HTTP": doing(NOT_HTTP["binary"]),
    "not JSON": doing(UNREADABLE["absurd nesting"]),
    "echo before HTTP": lambda request: send(request.body + json.dumps(request.headers).encode() + b"\r\n\r\n"),
    "elsewhere": lambda request: respond(
        307, echo(request), headers={"Location": f"http://other.invalid/{find_secrets(request)[0]}"}
    ),
    **{f"a key twice {n}": echoing_key(n) for n in range(50, 80)},
}


def show(error: BaseException) -> Iterator[str]:
    """Everything that a tool could show of an exception: texts, attributes, and the variables of its frames."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        waiting += [one.__cause__, one.__context__]
        yield from (str(one), repr(one), repr(one.args), repr(vars(one)))
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if "tests" not in Path(frame.f_code.co_filename).parts:
                yield from show_frame(frame)
        if isinstance(one, APIError):
            yield from (one.user_message, repr(pickle.dumps(one)))


def show_frame(frame: FrameType) -> Iterator[str]:
    for name, value in frame.f_locals.items():
        with suppress(AttributeError):  # an object whose constructor has failed
            yield f"{frame.f_code.co_qualname} {name} = {value!r}"


def show_objects() -> Iterator[str]:
    """The reprs of all objects of ours that there are."""
    for one in gc.get_objects():
        if str(type(one).__module__).startswith("duologue") and not isinstance(one, type):
            yield f"{type(one).__qualname__}: {one!r}"


def find_leaks(texts: Iterator[str]) -> list[str]:
    return [text[:2_000] for text in texts if CANARY in text or "qz-v" in text or "canary-" in text]


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, "duologue")
    return caplog


def create_client(server: ScriptedServer, **options: Any) -> Client:
    storage = MemoryTokenStorage(StoredTokens(ACCESS, REFRESH))
    return Client(
        base_url=server.origin,
        chat_base_url=server.origin,
        api_key=KEY,
        headers={"X-Custom-Auth": HEADER},
        token_storage=storage,
        **{"timeout": 0.5, "max_retries": 1, "clock": FakeClock(), "retry_budget": None, **options},
    )


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_each_fault(serve: Serve, records: pytest.LogCaptureFixture, call: Callable[[Client], object]) -> None:
    events: list[object] = []
    server = serve()
    options = dict.fromkeys(("on_request", "on_response", "on_retry", "on_error"), events.append)
    for name, fault in FAULTS.items():
        if name == "silence" and call is not CALLS["login"]:
            continue  # it takes its time
        server.handler = fault
        with create_client(server, **options) as api:
            api.on_call(events.append)
            shown: list[str] = []
            try:
                call(api)
            except APIError as error:
                shown += show(error)
            shown += [text for event in events for text in (repr(event), repr(getattr(event, "__dict__", "")))]
            shown += records.messages
            assert find_leaks(iter(shown)) == [], name
            events.clear()
            records.clear()


def test_reprs_of_all_objects(serve: Serve) -> None:
    tokens = {"token": FRESH, "refreshToken": NEXT, "expiresIn": 900}
    server = serve(handler=lambda request: respond(200, {**tokens, "user": USER, **USER}))
    with create_client(server, max_retries=0) as api:
        results = [CALLS[name](api) for name in ("raw login", "refresh", "raw create", "get")]
        server.handler = doing(respond(500, {"message": "Down"}))
        for call in CALLS.values():
            with suppress(APIError):
                call(api)
        assert find_leaks(show_objects()) == []
        assert (
            find_leaks(map(repr, (results, api, api.config, api.config.options, api._requestor.tokens.current))) == []
        )


ARGUMENTS: dict[str, Callable[[], object]] = {
    "an option beside it": lambda: Client(api_key=KEY, access_token=ACCESS, headers={"X": HEADER}, timeout=-1),
    "a variable beside it": lambda: Client(environ={"DUOLOGUE_API_KEY": KEY, "DUOLOGUE_TIMEOUT": "x"}),
    "the variable itself": lambda: Client(environ={"DUOLOGUE_API_KEY": f"{KEY}\x7f"}),
    "a key with a line break": lambda: Client(api_key=f"{KEY}\n"),
    "a header with a line break": lambda: Client(headers={"X-Custom": f"{HEADER}\n"}),
    "no such option": lambda: Client(api_key=KEY, tiemout=1),  # type: ignore[call-arg]
    "a view": lambda: Client().with_options(headers={"X-Custom": f"{HEADER}\n"}),
    "a view's other option": lambda: Client().with_options(headers={"X-Custom": HEADER}, timeout=-1),
    "a rotated key": lambda: Client().api_keys.rotate(f"{KEY}\n"),
    "a key from a function": lambda: Client(api_key=lambda: f"{KEY}\n").chats.list(),
    "a stored token": lambda: Client(token_storage=MemoryTokenStorage(StoredTokens(f"{ACCESS}\n"))).users.get("1"),
    "a password": lambda: Client().auth.login(email="john@example.com", password=f"{PASSWORD}\ud800"),
    "a raw password": lambda: Client().users.with_raw_response.create(
        name="a", email="a@example.com", password=f"{PASSWORD}\ud800"
    ),
    "a proxy": lambda: Client(
        base_url="http://x.invalid", proxies={"http": f"http://user:{PASSWORD}@[::bad"}, max_retries=0
    ).users.get("1"),
}


@pytest.mark.parametrize("call", ARGUMENTS.values(), ids=ARGUMENTS.keys())
def test_invalid_arguments(call: Callable[[], object]) -> None:
    with pytest.raises((APIError, ValueError, TypeError)) as caught:
        call()
    assert find_leaks(show(caught.value)) == []


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """A shell ignores Ctrl-C for what it runs in the background."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
@pytest.mark.usefixtures("ctrl_c")
def test_interrupted_call(serve: Serve) -> None:
    """Ctrl-C while the client waits for a response: the frames of urllib3 hold the whole request."""
    main = threading.main_thread().ident
    assert main is not None

    def interrupt(connection: socket.socket) -> bool:
        signal.pthread_kill(main, signal.SIGINT)
        return silence(connection)

    with create_client(serve(interrupt), timeout=30) as api:
        for name in ("login", "create", "get", "chats"):
            with pytest.raises(KeyboardInterrupt) as caught:
                CALLS[name](api)
            assert find_leaks(show(caught.value)) == []


def test_unwritable_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    tokens = {"token": FRESH, "refreshToken": NEXT, "expiresIn": 900, "user": USER}
    storage = FileTokenStorage("http://localhost:3001/api", folder=tmp_path)
    with (
        Client(transport=FakeTransport(reply(200, tokens)), token_storage=storage) as api,
        pytest.raises(TokenFileError) as caught,
    ):
        api.auth.login(email="john@example.com", password=PASSWORD)
    assert find_leaks(show(caught.value)) == []


def test_field_named_by_secret(records: pytest.LogCaptureFixture) -> None:
    def respond_with_secret(request: Request) -> Response:
        return reply(200, {**USER, f"x{request.headers['Authorization'][7:]}": 1})

    with Client(transport=FakeTransport(respond_with_secret), access_token=ACCESS) as api:
        api.users.get("1")
    assert len(records.messages) >= 1
    assert find_leaks(iter(records.messages)) == []

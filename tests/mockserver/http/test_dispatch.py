"""The dispatcher: every operation has a handler, and responses are what the contract says."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import duologue_mock
from duologue.contract import Operation, operations
from duologue.contract.core import Access
from duologue.contract.error_body import ErrorBodySchema
from duologue.contract.messages import MessagePageSchema
from duologue_mock import ReplyRequest, Settings, create_app, handler_registry
from duologue_mock.handler_registry import Principal, get_handler, handler
from duologue_mock.http.dispatch import HANDLER_MODULES
from duologue_mock.http.messages import Request, Response, json_bytes
from duologue_mock.store import State
from duologue_mock.store.seed import Fixtures
from tests.mockserver.clocks import ManualClock
from tests.mockserver.mocks import CHAT_HEADERS, REQUESTS, Mock
from tests.mockserver.requests import get_operation


@pytest.fixture
def mock(clock: ManualClock) -> Mock:
    return Mock(clock)


@pytest.fixture
def mocks(clock: ManualClock) -> Callable[..., Mock]:
    return lambda **settings: Mock(clock, **settings)


# --- every operation


@pytest.mark.parametrize("one", operations(), ids=lambda one: one.id)
def test_handler_module(one: Operation[Any]) -> None:
    """Every operation is handled in the module of its resource."""
    handler = get_handler(one)
    assert handler.function.__module__ == f"duologue_mock.{one.resource}"
    assert handler.function.__doc__, "a handler says what it does"
    assert set(one.parameters) <= set(handler.parameters) | {"id"}


def test_handlers_are_for_operations() -> None:
    assert set(handler_registry._handlers) == set(operations())


def test_handler_modules_are_listed() -> None:
    package = Path(duologue_mock.__file__).parent
    registering = {path.stem for path in package.glob("*.py") if "@handler(" in path.read_text("utf-8")}
    registering |= {path.stem for path in package.glob("*.py") if "@stream_handler(" in path.read_text("utf-8")}
    assert registering - {"handler_registry"} == {module.__name__.rpartition(".")[2] for module in HANDLER_MODULES}


def test_missing_handler() -> None:
    with pytest.raises(LookupError, match="GET /api/nowhere"):
        get_handler(Operation[None]("GET", "/nowhere"))


def test_unknown_parameter() -> None:
    with pytest.raises(TypeError, match="weather"):
        handler(Operation[None]("GET", "/nowhere"))(lambda weather: None)


@pytest.mark.parametrize("one", operations(), ids=lambda one: one.id)
def test_success(mock: Mock, one: Operation[Any]) -> None:
    """Every operation's response is what the contract says."""
    assert one.id in REQUESTS, "add a request for it to mocks.py"
    body, args = REQUESTS[one.id]
    login = mock.call("auth.LOGIN", REQUESTS["auth.LOGIN"][0]).json
    assert login is not None
    headers = {"Authorization": f"Bearer {login['token']}"} if one.access is Access.AUTHENTICATED else {}
    if one.id == "auth.REFRESH":
        body = {"refreshToken": login["refreshToken"]}
    response = mock.call(one.id, body, args=args, **headers)
    assert response.status_code == one.status
    assert ("ETag" in response.headers) == (one.has_etag and one.status < 400)
    if one.response is None:
        assert one.status >= 400 or response.data == b""
        return
    data = response.json
    assert data is not None
    if one.enveloped:
        assert set(data) - {"pagination"} == {"data", "message", "metadata"}
        assert data["message"] == one.message
        data = {key: value for key, value in data.items() if key not in ("message", "metadata")}
        data = data if one.paged else data["data"]
    model = one.response.load(data)
    assert one.response.dump(model) == data


@pytest.mark.parametrize("one", operations(), ids=lambda one: one.id)
def test_error_body(mock: Mock, one: Operation[Any]) -> None:
    """Without credentials, with an unknown id and a malformed body."""
    path = one.route.format_map(dict.fromkeys(one.parameters, "unknown"))
    response = mock.app.test_client().open(path, method=one.method, data=b"{", content_type="application/json")
    if response.status_code == one.status and one.status < 400:
        return  # an operation without input has no invalid input
    assert response.status_code in one.failures
    ErrorBodySchema().load(response.json)


# --- headers


@pytest.mark.parametrize(
    ("id", "body"), [("users.CREATE", REQUESTS["users.CREATE"][0]), ("chats.CREATE", {"title": "x"})]
)
def test_location(mock: Mock, id: str, body: Any) -> None:
    created = mock.call(id, body)
    fetched = mock.app.test_client().get(created.headers["Location"], headers=CHAT_HEADERS)
    assert fetched.status_code == 200
    assert fetched.headers["ETag"] == created.headers["ETag"]


@pytest.mark.parametrize("id", ["messages.SEND", "smart_chat.ASK", "auth.LOGIN"])
def test_no_location(mock: Mock, id: str) -> None:
    """What no operation gets by its id has none."""
    body, args = REQUESTS[id]
    assert "Location" not in mock.call(id, body, args=args).headers


@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ("{tag}", 304),
        ("W/{tag}", 304),
        ('"other", {tag}', 304),
        ("*", 304),
        ('"other"', 200),
        ("", 200),
        ("{tag}x", 400),
    ],
)
@pytest.mark.parametrize("id", ["users.LIST", "users.GET", "chats.LIST", "chats.GET", "messages.LIST"])
def test_if_none_match(mock: Mock, id: str, tags: str, status: int) -> None:
    _, args = REQUESTS[id]
    first = mock.call(id, args=args)
    again = mock.call(id, args=args, If_None_Match=tags.format(tag=first.headers["ETag"]))
    assert again.status_code == status
    if status == 304:
        for name in ("ETag", "Cache-Control", "Vary"):
            assert again.headers[name] == first.headers[name]
        assert again.data == b""
        assert "Content-Type" not in again.headers


@pytest.mark.parametrize(
    ("tags", "passes"),
    [("{tag}", True), ('"other", {tag}', True), ("*", True), ('"other"', False), ("W/{tag}", False), ("", False)],
)
@pytest.mark.parametrize("id", ["users.UPDATE", "users.DELETE", "chats.RENAME", "chats.FAVORITE", "chats.DELETE"])
def test_if_match(mock: Mock, id: str, tags: str, passes: bool) -> None:
    one = get_operation(id)
    body, args = REQUESTS[id]
    got = mock.call("users.GET" if one.resource == "users" else "chats.GET", args=args)
    response = mock.call(id, body, args=args, If_Match=tags.format(tag=got.headers["ETag"]))
    assert response.status_code == (one.status if passes else 412)
    again = mock.call("users.GET" if one.resource == "users" else "chats.GET", args=args)
    assert (again.headers.get("ETag") != got.headers["ETag"]) == passes, "a refused change changes nothing"


def test_if_match_not_found(mock: Mock) -> None:
    assert mock.call("users.UPDATE", {}, args="unknown", If_Match="*").status_code == 404


@pytest.mark.parametrize("id", ["users.CREATE", "chats.CREATE", "chats.FAVORITE", "messages.SEND", "smart_chat.ASK"])
def test_idempotency_key(mock: Mock, id: str) -> None:
    body, args = REQUESTS[id]
    first, second = (mock.call(id, body, args=args, Idempotency_Key="k-1") for _ in range(2))
    assert second.status_code == first.status_code
    assert second.data == first.data
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len(mock.state.users) == (3 if id == "users.CREATE" else 2)
    assert len(mock.state.chats) == (2 if id == "chats.CREATE" else 1)


def test_replayed_error(mock: Mock) -> None:
    taken = {"name": "J", "email": "john@example.com"}
    responses = [mock.call("users.CREATE", taken, Idempotency_Key="k-1") for _ in range(2)]
    assert [response.status_code for response in responses] == [409, 409]
    assert responses[1].headers["Idempotency-Replayed"] == "true"


def test_malformed_request_keeps_key(mock: Mock) -> None:
    assert mock.call("users.CREATE", {"name": ""}, Idempotency_Key="k-1").status_code == 400
    assert mock.call("users.CREATE", REQUESTS["users.CREATE"][0], Idempotency_Key="k-1").status_code == 201


def test_replayed_stream(mock: Mock) -> None:
    """A response is replayed in the form that the retry accepts."""
    body, args = REQUESTS["smart_chat.ASK"]
    streamed = mock.call("smart_chat.ASK", body, args=args, Idempotency_Key="k", Accept="text/event-stream")
    completed = json.loads(streamed.text.strip().rpartition("data: ")[2])
    again = mock.call("smart_chat.ASK", body, args=args, Idempotency_Key="k", Accept="text/event-stream")
    assert again.headers["Content-Type"].startswith("text/event-stream")
    assert json.loads(again.text.strip().rpartition("data: ")[2]) == completed
    whole = mock.call("smart_chat.ASK", body, args=args, Idempotency_Key="k")
    assert whole.json is not None
    assert (whole.status_code, whole.json["data"]) == (201, completed)
    assert len(mock.state.chats.messages(args)) == 3


@pytest.mark.parametrize("accept", [None, "text/event-stream"])
def test_failed_reply_releases_key(mocks: Callable[..., Mock], accept: str | None) -> None:
    tries: list[int] = []

    def reply(request: ReplyRequest) -> Iterator[str]:
        tries.append(1)
        yield "One"
        if len(tries) == 1:
            raise ZeroDivisionError
        yield " two"

    mock = mocks(reply_function=reply)
    headers = {"Idempotency_Key": "k"} | ({"Accept": accept} if accept else {})
    body, args = REQUESTS["smart_chat.ASK"]
    first = mock.call("smart_chat.ASK", body, args=args, **headers)
    assert first.status_code == (200 if accept else 502)
    assert ("event: error" in first.text) == bool(accept)
    second = mock.call("smart_chat.ASK", body, args=args, **headers)
    assert "One two" in second.text
    assert "Idempotency-Replayed" not in second.headers


@pytest.mark.parametrize("accept", [None, "text/event-stream"])
def test_second_attempt_condition(mocks: Callable[..., Mock], accept: str | None) -> None:
    """The first attempt met the condition, and changed what it is about."""
    replies = iter([ZeroDivisionError(), None])

    def reply(request: ReplyRequest) -> str:
        if error := next(replies):
            raise error
        return "Yes."

    mock = mocks(reply_function=reply)
    body, args = REQUESTS["smart_chat.ASK"]
    headers = {"Idempotency_Key": "k", "If_Match": mock.call("chats.GET", args=args).headers["ETag"]}
    headers |= {"Accept": accept} if accept else {}
    assert mock.call("smart_chat.ASK", body, args=args, **headers).status_code >= 500
    assert "Yes." in mock.call("smart_chat.ASK", body, args=args, **headers).text
    assert len(mock.state.chats.messages(args)) == 3


def test_unsent_stream_frees_key(clock: ManualClock) -> None:
    """Whatever fails between the stream's making and its first byte."""
    failures = [ZeroDivisionError()]

    def observe(request: Request, response: Response) -> None:
        if failures:
            raise failures.pop()

    state = State(clock=clock)
    Fixtures().seed(state)
    client = create_app(Settings(), state=state, request_hooks=[observe], sleep=lambda seconds: None).test_client()
    body, args = REQUESTS["smart_chat.ASK"]
    path = f"/chats-service/api/v1/chats/{args}/smart-chat"
    headers = {**CHAT_HEADERS, "Idempotency-Key": "k", "Accept": "text/event-stream"}
    with pytest.raises(ZeroDivisionError):
        client.post(path, json=body, headers=headers)
    assert "message.completed" in client.post(path, json=body, headers=headers).text
    assert len(state.chats.messages(args)) == 3


@pytest.mark.parametrize("accept", [None, "text/event-stream", "application/json;q=0.5, Text/Event-Stream ;q=0.1"])
@pytest.mark.parametrize("reply", ["", "  ", iter([])], ids=["empty", "blank", "no pieces"])
def test_empty_reply(mocks: Callable[..., Mock], accept: str | None, reply: Any) -> None:
    mock = mocks(reply_function=lambda request: reply)
    body, args = REQUESTS["smart_chat.ASK"]
    response = mock.call("smart_chat.ASK", body, args=args, **({"Accept": accept} if accept else {}))
    assert response.status_code == (200 if accept else 201)
    assert "…" in response.text
    assert ("message.completed" in response.text) == bool(accept)


@pytest.mark.parametrize("reply", ["lone \ud800 half", "\x00", "bell\x07"], ids=["surrogate", "NUL", "bell"])
def test_reply_of_wrong_type(mocks: Callable[..., Mock], reply: str) -> None:
    mock = mocks(reply_function=lambda request: reply)
    body, args = REQUESTS["smart_chat.ASK"]
    created = mock.call("smart_chat.ASK", body, args=args)
    assert created.status_code == 201
    listed = mock.call("messages.LIST", args=args)
    assert listed.status_code == 200
    assert listed.json is not None
    MessagePageSchema().load({key: listed.json[key] for key in ("data", "pagination")})


@pytest.mark.parametrize(
    "accept",
    ["*/*", "application/json", "", "text/event-stream;q=0", "application/json, text/event-stream ; q=0.000",
     "text/event-streams", "text/*"],
)  # fmt: skip
def test_stream_needs_accept(mock: Mock, accept: str) -> None:
    body, args = REQUESTS["smart_chat.ASK"]
    assert mock.call("smart_chat.ASK", body, args=args, Accept=accept).status_code == 201


def test_unexpected_error(mock: Mock, caplog: pytest.LogCaptureFixture) -> None:
    """The response says nothing of the inside."""

    class Broken:
        def page(self, **_: Any) -> None:
            raise ZeroDivisionError("a secret of the inside")

    mock.state.users = Broken()  # type: ignore[assignment]  # broken on purpose
    response = mock.call("users.LIST")
    assert response.status_code == 500
    error = ErrorBodySchema().load(response.json)
    assert error.code == "SERVER_ERROR"
    assert "secret" not in response.text
    assert error.metadata.request_id in response.text
    assert "a secret of the inside" in caplog.text


def test_principal() -> None:
    assert not Principal(key="x").is_admin
    assert Principal(key="x").user_id == ""


def test_body_takes_its_length() -> None:
    """What is stored of a response (journals, idempotency keys) takes as much memory as is counted."""
    tracemalloc.start()
    try:
        bodies = [json_bytes({"number": number}) for number in range(100)]
        size = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert size < sum(len(body) + 100 for body in bodies)

"""The smart-chat handler: what it stores and publishes, in which order, and what it leaves behind when it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from duologue.contract import Model
from duologue.contract.messages import MAX_CONTENT, ChatMessage, MessageCreate
from duologue.contract.smart_chat import Delta, SmartChatRequest
from duologue_mock import ReplyRequest, Settings, chats, messages, smart_chat
from duologue_mock.assistant import ReplyEngine, load_rules
from duologue_mock.errors import HTTPError
from duologue_mock.handler_registry import Principal, Progress
from duologue_mock.store import State
from duologue_mock.store.seed import Fixtures
from tests.mockserver.clocks import ManualClock
from tests.mockserver.event_recorder import EventRecorder
from tests.mockserver.http_errors import raises_http_error

FIXTURE = "test-session-1"


def replies(reply: Callable[[ReplyRequest], Any]) -> ReplyEngine:
    return ReplyEngine(
        Settings(reply_function=reply),
        load_rules(Fixtures()),
        run_in_thread=lambda run: run(),
        sleep=lambda seconds: None,
    )


def ask(
    state: State,
    principal: Principal,
    reply: Callable[[ReplyRequest], Any],
    message: str = "Hi",
    *,
    context: str | None = None,
    id: str = FIXTURE,
    streaming: bool = False,
    progress: Progress | None = None,
) -> Iterator[Model]:
    body = SmartChatRequest(message, context)
    return smart_chat.ask(state, replies(reply), principal, id, body, streaming, progress or Progress())


def contents(state: State) -> list[str]:
    return [message.content for message in state.chats.messages(FIXTURE)]


def test_pieces_then_message(state: State, visitor: Principal) -> None:
    *pieces, last = ask(state, visitor, lambda request: "One two  three")
    assert all(isinstance(piece, Delta) for piece in pieces)
    assert isinstance(last, ChatMessage)
    assert [piece.delta for piece in pieces if isinstance(piece, Delta)] == ["One", " two", "  three"]
    assert {piece.id for piece in pieces if isinstance(piece, Delta)} == {last.id}
    assert (last.sender, last.content) == ("assistant", "One two  three")
    assert state.chats.messages(FIXTURE)[-1] == last


def test_question_is_stored_first(state: State, visitor: Principal) -> None:
    stream = ask(state, visitor, lambda request: "Yes.", "Are you there?")
    next(stream)
    assert contents(state) == ["Hello, world!", "Are you there?"]
    list(stream)
    assert contents(state) == ["Hello, world!", "Are you there?", "Yes."]


def test_reply_request(state: State, visitor: Principal) -> None:
    requests: list[ReplyRequest] = []

    def reply(request: ReplyRequest) -> str:
        requests.append(request)
        return "Yes."

    list(ask(state, visitor, reply, "First", context="about tests"))
    list(ask(state, visitor, reply, "Second"))
    assert [message.content for message in requests[0].history] == ["Hello, world!", "First"]
    assert [message.content for message in requests[1].history] == ["Hello, world!", "First", "Yes.", "Second"]
    assert (requests[0].message, requests[0].context, requests[1].context) == ("First", "about tests", None)
    assert [request.session.id for request in requests] == [FIXTURE, FIXTURE]


@pytest.mark.parametrize("streaming", [True, False])
def test_events(state: State, visitor: Principal, recorder: EventRecorder, streaming: bool) -> None:
    *_, reply = ask(state, visitor, lambda request: "One two", streaming=streaming)
    deltas = ["message:delta", "message:delta"] if streaming else []
    assert recorder.names == [
        "message:created",
        "chat:updated",
        "chat:typing",
        *deltas,
        "chat:typing",
        "message:created",
        "chat:updated",
        "notification:new",
    ]
    assert [one.typing for one in recorder.payloads("chat:typing")] == [True, False]
    assert "".join(one.delta for one in recorder.payloads("message:delta")) == ("One two" if streaming else "")
    assert recorder.payloads("message:created")[1].message == reply
    assert {user_id for _, _, user_id in recorder.all} == {"anonymous-user", "chat:anonymous-user"}
    assert recorder.all[-1][2] == "chat:anonymous-user"


def test_reply_moves_session(state: State, visitor: Principal, clock: ManualClock) -> None:
    stream = ask(state, visitor, lambda request: "Yes.")
    next(stream)
    clock.advance(5)
    *_, reply = stream
    assert isinstance(reply, ChatMessage)
    assert chats.get(state, visitor, FIXTURE).last_message_at == clock.now() == reply.created_at


def fail_midway(request: ReplyRequest) -> Iterator[str]:
    yield "Half "
    raise ZeroDivisionError("of a reply")


def test_engine_fails(state: State, visitor: Principal, recorder: EventRecorder) -> None:
    stream = ask(state, visitor, fail_midway, streaming=True)
    assert isinstance(next(stream), Delta)
    with raises_http_error(502):
        next(stream)
    assert contents(state) == ["Hello, world!", "Hi"]
    assert [one.typing for one in recorder.payloads("chat:typing")] == [True, False]
    assert recorder.payloads("notification:new") == []


def test_client_disconnects(state: State, visitor: Principal, recorder: EventRecorder) -> None:
    stream = ask(state, visitor, lambda request: "One two three")
    next(stream)
    stream.close()  # type: ignore[attr-defined]  # it is a generator
    assert contents(state) == ["Hello, world!", "Hi"]
    assert [one.typing for one in recorder.payloads("chat:typing")] == [True, False]


@pytest.mark.parametrize("sent_meanwhile", [False, True])
def test_second_attempt(state: State, visitor: Principal, recorder: EventRecorder, sent_meanwhile: bool) -> None:
    """An attempt that broke off has stored the question; the next one goes on from there, with the same history."""
    requests: list[ReplyRequest] = []

    def reply(request: ReplyRequest) -> str:
        requests.append(request)
        return "One two"

    progress = Progress()
    stream = ask(state, visitor, reply, progress=progress)
    next(stream)
    stream.close()  # type: ignore[attr-defined]  # it is a generator
    if sent_meanwhile:
        messages.send(state, visitor, FIXTURE, MessageCreate("Meanwhile", "user"))
    list(ask(state, visitor, reply, progress=progress))

    meanwhile = ["Meanwhile"] * sent_meanwhile
    assert contents(state) == ["Hello, world!", "Hi", *meanwhile, "One two"]
    assert requests[0].history == requests[1].history
    assert len(recorder.payloads("message:created")) == 2 + sent_meanwhile


def test_second_attempt_elsewhere(state: State, visitor: Principal) -> None:
    """What is not in the session any more is stored again."""
    list(ask(state, visitor, lambda request: "Yes.", progress=Progress("forgotten")))
    assert contents(state) == ["Hello, world!", "Hi", "Yes."]


def test_session_deleted_meanwhile(state: State, visitor: Principal) -> None:
    stream = ask(state, visitor, lambda request: "One two")
    next(stream)
    chats.delete(state, visitor, FIXTURE)
    with raises_http_error(404):
        list(stream)
    assert len(state.chats) == 0


@pytest.mark.parametrize(("who", "id"), [("visitor", "unknown"), ("stranger", FIXTURE)])
def test_not_found(state: State, recorder: EventRecorder, who: str, id: str, request: pytest.FixtureRequest) -> None:
    stream = ask(state, request.getfixturevalue(who), lambda request: "Yes.", id=id)
    with raises_http_error(404):
        next(stream)
    assert contents(state) == ["Hello, world!"]
    assert recorder.all == []


@pytest.mark.parametrize(
    "reply", ["", "   ", "\n", iter(()), iter([""])], ids=["empty", "blank", "a line", "no pieces", "an empty piece"]
)
def test_empty_reply(state: State, visitor: Principal, reply: Any) -> None:
    *pieces, last = ask(state, visitor, lambda request: reply)
    assert isinstance(last, ChatMessage)
    assert last.content == "…"
    assert pieces == []


def test_empty_piece(state: State, visitor: Principal) -> None:
    *_, last = ask(state, visitor, lambda request: iter(["One", "", " two"]))
    assert isinstance(last, ChatMessage)
    assert last.content == "One two"


def test_longest_reply(state: State, visitor: Principal) -> None:
    requested: list[int] = []

    def long(request: ReplyRequest) -> Iterator[str]:
        for number in range(100):
            requested.append(number)
            yield "x" * 999

    *pieces, last = ask(state, visitor, long)
    assert isinstance(last, ChatMessage)
    assert last.content == "x" * MAX_CONTENT
    assert sum(len(piece.delta) for piece in pieces if isinstance(piece, Delta)) == MAX_CONTENT
    assert len(requested) < 15, "pieces beyond the limit are not requested"


def test_state_is_free_during_reply(state: State, visitor: Principal) -> None:
    """Between the pieces the state is free: nothing holds its lock."""
    stream = ask(state, visitor, lambda request: "One two")
    next(stream)
    assert state._lock.acquire(blocking=False)
    state._lock.release()
    list(stream)


@pytest.mark.parametrize("error", [HTTPError(429, "Slow down"), HTTPError(503, "Out of order")])
def test_engine_raises_http_error(state: State, visitor: Principal, error: HTTPError) -> None:
    def reply(request: ReplyRequest) -> str:
        raise error

    with raises_http_error(error.status):
        list(ask(state, visitor, reply))

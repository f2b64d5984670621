"""Messages' handlers, called as the plain functions they are."""

from __future__ import annotations

from typing import Any

import pytest

from duologue.contract.messages import ChatMessage, MessageCreate, MessageQuery
from duologue_mock import chats, messages
from duologue_mock.handler_registry import Principal
from duologue_mock.store import State
from tests.mockserver.clocks import ManualClock
from tests.mockserver.event_recorder import EventRecorder
from tests.mockserver.http_errors import raises_http_error

FIXTURE = "test-session-1"


def say(state: State, principal: Principal, content: str) -> ChatMessage:
    return messages.send(state, principal, FIXTURE, MessageCreate(content, "user"))


def test_list_fixture(state: State, visitor: Principal) -> None:
    page = messages.list_(state, visitor, FIXTURE, MessageQuery())
    assert [message.content for message in page.data] == ["Hello, world!"]
    assert (page.pagination.total, page.pagination.limit) == (1, 50)


@pytest.mark.parametrize("context", [None, {}, {"page": "home", "n": 2**70, "deep": {"list": [1, None, "ü"]}}])
@pytest.mark.parametrize("sender", ["user", "assistant", "system"])
def test_send(
    state: State, visitor: Principal, clock: ManualClock, sender: Any, context: dict[str, Any] | None
) -> None:
    sent = messages.send(state, visitor, FIXTURE, MessageCreate("Hi\nthere", sender, context))
    assert (sent.sender, sent.content, sent.context, sent.session_id) == (sender, "Hi\nthere", context, FIXTURE)
    assert sent.created_at == clock.now()
    assert messages.list_(state, visitor, FIXTURE, MessageQuery()).data[-1] == sent


def test_send_publishes(state: State, visitor: Principal, recorder: EventRecorder, clock: ManualClock) -> None:
    sent = say(state, visitor, "Hi")
    session = chats.get(state, visitor, FIXTURE)
    assert session.last_message_at == session.updated_at == clock.now()
    assert [(name, user_id) for name, _, user_id in recorder.all] == [
        ("message:created", "anonymous-user"),
        ("chat:updated", "anonymous-user"),
    ]
    assert recorder.payloads("message:created")[0].message == sent
    assert recorder.payloads("chat:updated")[0].session == session


@pytest.mark.parametrize(
    ("page", "limit", "shown"),
    [(1, 2, ["Hello, world!", "1"]), (2, 2, ["2", "3"]), (3, 2, ["4"]), (4, 2, []), (1, 5, ["Hello, world!", *"1234"])],
)
def test_list_pages(state: State, visitor: Principal, page: int, limit: int, shown: list[str]) -> None:
    for text in "1234":
        say(state, visitor, text)
    response = messages.list_(state, visitor, FIXTURE, MessageQuery(page, limit))
    assert [message.content for message in response.data] == shown
    assert response.pagination.total == 5
    assert response.pagination.has_prev == (page > 1)
    assert response.pagination.has_next == (page * limit < 5)


@pytest.mark.parametrize(("who", "id"), [("visitor", "unknown"), ("stranger", FIXTURE)])
def test_not_found(state: State, recorder: EventRecorder, who: str, id: str, request: pytest.FixtureRequest) -> None:
    principal: Principal = request.getfixturevalue(who)
    with raises_http_error(404):
        messages.list_(state, principal, id, MessageQuery())
    with raises_http_error(404):
        messages.send(state, principal, id, MessageCreate("Hi", "user"))
    assert len(state.chats.messages(FIXTURE)) == 1
    assert recorder.all == []


def test_page_is_a_copy(state: State, visitor: Principal) -> None:
    page = messages.list_(state, visitor, FIXTURE, MessageQuery())
    say(state, visitor, "later")
    assert len(page.data) == 1

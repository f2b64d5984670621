"""Chat sessions' handlers, called as the plain functions they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.contract.chats import ChatQuery, ChatSession, ChatTitle, Favorite, Pagination
from duologue.contract.messages import MessageCreate, MessageQuery
from duologue_mock import chats, messages
from duologue_mock.handler_registry import Principal
from duologue_mock.store import State
from tests.mockserver.clocks import ManualClock
from tests.mockserver.event_recorder import EventRecorder
from tests.mockserver.http_errors import raises_http_error

FIXTURE = "test-session-1"
MILLISECOND = timedelta(milliseconds=1)


@pytest.fixture
def three(state: State, clock: ManualClock, stranger: Principal) -> list[ChatSession]:
    """Three sessions of the stranger's, made a second apart; the middle one is a favorite."""
    sessions = []
    for title in ("Alpha", "Beta", "Gamma"):
        sessions.append(chats.create(state, stranger, ChatTitle(title)))
        clock.advance(1)
    sessions[1] = chats.favorite(state, stranger, sessions[1].id, Favorite(True))
    return sessions


def titles(state: State, principal: Principal, query: ChatQuery) -> list[str]:
    return [session.title for session in chats.list_(state, principal, query).data]


def test_create(state: State, stranger: Principal, recorder: EventRecorder, clock: ManualClock) -> None:
    session = chats.create(state, stranger, ChatTitle("Plans"))
    assert session == chats.get(state, stranger, session.id)
    assert (session.title, session.is_favorite) == ("Plans", False)
    assert session.created_at == session.updated_at == session.last_message_at == clock.now()
    assert len(session.id) == 24
    assert int(session.id, 16)
    assert [(name, user_id) for name, _, user_id in recorder.all] == [("chat:created", "stranger")]
    assert recorder.payloads("chat:created")[0].session == session


def test_order_of_equal_times(state: State, stranger: Principal) -> None:
    for title in "ABCDE":
        chats.create(state, stranger, ChatTitle(title))
    assert titles(state, stranger, ChatQuery()) == list("EDCBA")


def test_list_without_page(state: State, stranger: Principal) -> None:
    for number in range(120):
        chats.create(state, stranger, ChatTitle(str(number)))
    everything = chats.list_(state, stranger, ChatQuery())
    assert len(everything.data) == 120
    assert everything.pagination is None


@pytest.mark.parametrize(
    ("query", "shown", "pagination"),
    [
        (ChatQuery(page=1, limit=2), ["Gamma", "Beta"], Pagination(1, 2, 3, 2, has_next=True, has_prev=False)),
        (ChatQuery(page=2, limit=2), ["Alpha"], Pagination(2, 2, 3, 2, has_next=False, has_prev=True)),
        (ChatQuery(page=3, limit=2), [], Pagination(3, 2, 3, 2, has_next=False, has_prev=True)),
        (ChatQuery(page=1), ["Gamma", "Beta", "Alpha"], Pagination(1, 50, 3, 1, has_next=False, has_prev=False)),
        (ChatQuery(limit=1), ["Gamma"], Pagination(1, 1, 3, 3, has_next=True, has_prev=False)),
        (ChatQuery(limit=1, search="b"), ["Beta"], Pagination(1, 1, 1, 1, has_next=False, has_prev=False)),
        (ChatQuery(limit=5, search="zz"), [], Pagination(1, 5, 0, 0, has_next=False, has_prev=False)),
    ],
)
@pytest.mark.usefixtures("three")
def test_list_page(
    state: State, stranger: Principal, query: ChatQuery, shown: list[str], pagination: Pagination
) -> None:
    response = chats.list_(state, stranger, query)
    assert [session.title for session in response.data] == shown
    assert response.pagination == pagination


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        (ChatQuery(search="ALPHA"), ["Alpha"]),
        (ChatQuery(search=" a "), ["Gamma", "Beta", "Alpha"]),
        (ChatQuery(search="."), []),
        (ChatQuery(favorite=True), ["Beta"]),
        (ChatQuery(favorite=False), ["Gamma", "Alpha"]),
        (ChatQuery(favorite=True, search="alpha"), []),
        (ChatQuery(favorite=False, search="mm"), ["Gamma"]),
    ],
)
@pytest.mark.usefixtures("three")
def test_search_and_favorite(state: State, stranger: Principal, query: ChatQuery, shown: list[str]) -> None:
    assert titles(state, stranger, query) == shown


def test_message_moves_session(state: State, stranger: Principal, three: list[ChatSession]) -> None:
    messages.send(state, stranger, three[0].id, MessageCreate("hello", "user"))
    assert titles(state, stranger, ChatQuery()) == ["Alpha", "Gamma", "Beta"]


def test_rename_keeps_order(state: State, stranger: Principal, three: list[ChatSession]) -> None:
    chats.rename(state, stranger, three[0].id, ChatTitle("Zed"))
    chats.favorite(state, stranger, three[0].id, None)
    assert titles(state, stranger, ChatQuery()) == ["Gamma", "Beta", "Zed"]


def test_rename(state: State, visitor: Principal, recorder: EventRecorder, clock: ManualClock) -> None:
    before = chats.get(state, visitor, FIXTURE)
    after = chats.rename(state, visitor, FIXTURE, ChatTitle("Another"))
    assert after == replace(before, title="Another", updated_at=clock.now())
    assert chats.get(state, visitor, FIXTURE) == after
    assert recorder.names == ["chat:updated"]
    assert recorder.payloads("chat:updated")[0].session == after


def test_updated_at_only_grows(state: State, visitor: Principal, clock: ManualClock) -> None:
    first = chats.rename(state, visitor, FIXTURE, ChatTitle("A"))
    second = chats.rename(state, visitor, FIXTURE, ChatTitle("B"))
    assert second.updated_at == first.updated_at + MILLISECOND
    clock.advance(-3600)
    third = chats.rename(state, visitor, FIXTURE, ChatTitle("C"))
    assert third.updated_at == second.updated_at + MILLISECOND


@pytest.mark.parametrize(
    ("before", "body", "after"),
    [
        (False, None, True),
        (True, None, False),
        (False, Favorite(), True),
        (True, Favorite(), False),
        (False, Favorite(True), True),
        (True, Favorite(True), True),
        (True, Favorite(False), False),
        (False, Favorite(False), False),
    ],
)
def test_favorite(state: State, visitor: Principal, before: bool, body: Favorite | None, after: bool) -> None:
    chats.favorite(state, visitor, FIXTURE, Favorite(before))
    assert chats.favorite(state, visitor, FIXTURE, body).is_favorite is after
    assert chats.get(state, visitor, FIXTURE).is_favorite is after


def test_delete(state: State, visitor: Principal, recorder: EventRecorder) -> None:
    chats.delete(state, visitor, FIXTURE)
    with raises_http_error(404):
        chats.get(state, visitor, FIXTURE)
    with raises_http_error(404):
        messages.list_(state, visitor, FIXTURE, MessageQuery())
    assert titles(state, visitor, ChatQuery()) == []
    assert [(name, user_id) for name, _, user_id in recorder.all] == [("chat:deleted", "anonymous-user")]
    assert recorder.payloads("chat:deleted")[0].session_id == FIXTURE


@pytest.mark.parametrize("who", ["visitor", "stranger"])
@pytest.mark.parametrize("call", ["get", "rename", "favorite", "delete"])
def test_not_found(state: State, recorder: EventRecorder, who: str, call: str, request: pytest.FixtureRequest) -> None:
    """To its owner an unknown id, to a stranger the owner's session: the same response, and nothing happens."""
    principal: Principal = request.getfixturevalue(who)
    id = "unknown" if who == "visitor" else FIXTURE
    before = state.chats.get("anonymous-user", FIXTURE)
    calls: dict[str, Callable[[], object]] = {
        "get": lambda: chats.get(state, principal, id),
        "rename": lambda: chats.rename(state, principal, id, ChatTitle("Mine")),
        "favorite": lambda: chats.favorite(state, principal, id, None),
        "delete": lambda: chats.delete(state, principal, id),
    }
    with raises_http_error(404):
        calls[call]()
    assert state.chats.get("anonymous-user", FIXTURE) == before
    assert recorder.all == []


def test_list_is_per_user(state: State, stranger: Principal) -> None:
    assert titles(state, stranger, ChatQuery()) == []
    assert titles(state, Principal(key="x", user_id="Anonymous-User"), ChatQuery()) == [], "user ids keep their case"


@pytest.mark.parametrize(
    ("total", "limit", "pages"), [(0, 50, 0), (1, 50, 1), (50, 50, 1), (51, 50, 2), (100, 50, 2), (3, 1, 3)]
)
def test_total_pages(total: int, limit: int, pages: int) -> None:
    assert chats.build_pagination(1, limit, total).total_pages == pages

"""The state: its lock, and the events that it publishes."""

from __future__ import annotations

import threading

import pytest

from duologue.contract import users as contract_users
from duologue.contract.chats import ChatSession
from duologue.contract.users import User, UserDeleted
from duologue_mock.store import State
from duologue_mock.store.clock import IdGenerator, SystemClock
from tests.mockserver.clocks import START, ManualClock


def test_subscribers_in_order() -> None:
    state = State(clock=ManualClock())
    received: list[tuple[str, str, UserDeleted, str | None]] = []
    state.subscribe(lambda event, payload, user_id: received.append(("one", event.name, payload, user_id)))
    state.subscribe(lambda event, payload, user_id: received.append(("two", event.name, payload, user_id)))
    state.publish(contract_users.DELETED, UserDeleted("5"))
    state.publish(contract_users.DELETED, UserDeleted("6"), user_id="6")
    assert received == [
        ("one", "user:deleted", UserDeleted("5"), None),
        ("two", "user:deleted", UserDeleted("5"), None),
        ("one", "user:deleted", UserDeleted("6"), "6"),
        ("two", "user:deleted", UserDeleted("6"), "6"),
    ]


def test_clock_and_ids() -> None:
    ids = IdGenerator(7)
    state = State(clock=ManualClock(), ids=ids)
    assert (state.started, state.ids) == (START.timestamp(), ids)


def test_default_clock_and_ids() -> None:
    state = State()
    assert isinstance(state.clock.base, SystemClock)
    assert state.started <= state.clock.seconds()
    assert state.ids.token_id() != State().ids.token_id()
    assert not state.logins.is_active("unknown")


def test_lock_excludes_other_threads() -> None:
    state = State()
    order: list[str] = []
    waiting = threading.Event()

    def other() -> None:
        waiting.set()
        with state:
            order.append("other")

    thread = threading.Thread(target=other)
    with state, state:  # the same thread may come in again
        thread.start()
        assert waiting.wait(5)
        order.append("first")
    thread.join(5)
    assert order == ["first", "other"]


def test_lock_is_released_on_error() -> None:
    state = State()
    with pytest.raises(ZeroDivisionError), state:
        raise ZeroDivisionError
    assert state._lock.acquire(blocking=False)
    state._lock.release()


def test_unsubscribe() -> None:
    state = State(clock=ManualClock())
    received: list[str] = []
    unsubscribe = state.subscribe(lambda event, payload, user_id: received.append(event.name))
    before = state.has_subscribers
    unsubscribe()
    assert (before, state.has_subscribers) == (True, False)
    state.publish(contract_users.DELETED, UserDeleted("5"))
    assert received == []


def test_is_empty() -> None:
    state = State()
    observed = [state.is_empty]
    state.users.add(User("1", "Ada", "ada@example.com", "user"))
    observed.append(state.is_empty)
    state.users.remove("1")
    observed.append(state.is_empty)
    state.chats.add("ann", ChatSession("a", "Title", False, START, START, START))
    observed.append(state.is_empty)
    assert observed == [True, False, True, False]

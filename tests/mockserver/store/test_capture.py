"""Captures: a state returns to any of them, none changes with the state; compared with copies of all data."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from duologue.contract.chats import ChatSession
from duologue.contract.messages import ChatMessage
from duologue.contract.users import User
from duologue_mock.store import State
from duologue_mock.store.clock import IdGenerator
from duologue_mock.store.state import Capture
from tests.mockserver.clocks import START, ManualClock
from tests.mockserver.event_recorder import EventRecorder

OWNERS = ("ann", "bob")
IDS = st.sampled_from(["1", "2", "3"])


def read_users(state: State) -> Any:
    """All that can be read of users, in every way it can be read."""
    users = list(state.users)
    return {
        "users": users,
        "pages": [state.users.page(page=page, limit=2) for page in (1, 2, 3)],
        "by id": [state.users.get(id) for id in "123"],
        "by email": [state.users.get_by_email(f"{id}@example.com") for id in "123"],
        "passwords": [state.users.get_password(id) for id in "123"],
        "next id": state.users.next_id(),
    }


def read_chats(state: State) -> Any:
    pages = {owner: state.chats.page(owner, page=1, limit=None) for owner in OWNERS}
    return {
        "pages": pages,
        "messages": {chat.id: list(state.chats.messages(chat.id)) for items, _ in pages.values() for chat in items},
        "by id": [state.chats.get(owner, id) for owner in OWNERS for id in "123"],
    }


def read_logins(state: State) -> Any:
    return {
        "active": [state.logins.is_active(id) for id in "123"],
        "tables": [dict(table) for table in vars(state.logins).values() if isinstance(table, dict)],
    }


def read_all(state: State) -> Any:
    return read_users(state), read_chats(state), read_logins(state), state.ids.capture(), state.started


class CaptureMachine(RuleBasedStateMachine):
    """Two states, changes of both, captures of both restored in both."""

    captures = Bundle("captures")
    states = st.sampled_from([0, 1])

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.states_ = [State(clock=self.clock, ids=IdGenerator(number)) for number in (1, 2)]
        self.count = 0
        self.held: list[tuple[Capture, Any]] = []

    @initialize(target=captures)
    def begin(self) -> tuple[Capture, Any]:
        return self.capture_state(0)

    @rule(target=captures, which=states)
    def capture(self, which: int) -> tuple[Capture, Any]:
        return self.capture_state(which)

    def capture_state(self, which: int) -> tuple[Capture, Any]:
        entry = self.states_[which].capture(), read_all(self.states_[which])
        self.held.append(entry)
        return entry

    @rule(which=states, entry=captures)
    def restore(self, which: int, entry: tuple[Capture, Any]) -> None:
        self.states_[which].restore(entry[0])
        assert read_all(self.states_[which]) == entry[1]

    @rule(which=states, id=IDS, change=st.sampled_from(["add", "replace", "remove"]))
    def change_user(self, which: int, id: str, change: str) -> None:
        users = self.states_[which].users
        self.count += 1
        user = User(id, f"Name {self.count}", f"{id}@example.com", "user")
        if (users.get(id) is None) == (change == "add"):
            {"add": lambda: users.add(user, f"secret-{self.count}"),
             "replace": lambda: users.replace(user),
             "remove": lambda: users.remove(id)}[change]()  # fmt: skip

    @rule(
        which=states, id=IDS, owner=st.sampled_from(OWNERS), change=st.sampled_from(["add", "move", "rename", "remove"])
    )
    def change_chat(self, which: int, id: str, owner: str, change: str) -> None:
        chats = self.states_[which].chats
        self.count += 1
        chat = next((one for each in OWNERS if (one := chats.get(each, id))), None)
        if chat is None:
            chats.add(owner, ChatSession(id, f"Title {self.count}", False, START, START, START))
        elif change == "remove":
            chats.remove(id)
        elif change == "move":
            chats.replace(replace(chat, last_message_at=START + timedelta(seconds=self.count)))
        else:
            chats.replace(replace(chat, title=f"Title {self.count}"))

    @rule(which=states, id=IDS)
    def add_message(self, which: int, id: str) -> None:
        chats = self.states_[which].chats
        self.count += 1
        if any(chats.get(owner, id) for owner in OWNERS):
            chats.add_message(ChatMessage(f"m{self.count}", id, "user", f"Text {self.count}", START))

    @rule(which=states, id=IDS, change=st.sampled_from(["create", "rotate", "reuse", "end"]))
    def change_login(self, which: int, id: str, change: str) -> None:
        logins = self.states_[which].logins
        self.count += 1
        if change == "create" and not logins.is_active(id):
            logins.create(session_id=id, user_id=id, refresh_token=f"token-{self.count}", expires_at=1000)
        elif change == "end":
            logins.end(id)
        else:
            table = "_by_refresh_token" if change == "rotate" else "_used_tokens"
            for token in list(vars(logins)[table])[:1]:
                logins.rotate(token, new_token=f"token-{self.count}", now=0, expires_at=1000 + self.count)

    @rule(which=states)
    def generate_ids(self, which: int) -> None:
        ids = self.states_[which].ids
        assert len({ids.object_id(), ids.notification_id(), ids.token_id(), ids.request_id()}) == 4

    @invariant()
    def captures_stay(self) -> None:
        """Restored in a third state, each capture is what it was when it was made."""
        for capture, contents in self.held[-3:]:
            third = State(clock=self.clock, ids=IdGenerator(3))
            third.restore(capture)
            assert read_all(third) == contents


CaptureMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestCaptures = CaptureMachine.TestCase


@pytest.fixture
def ended(state: State) -> list[str]:
    """The logins that ended."""
    ended: list[str] = []
    state.logins.on_end(ended.append)
    return ended


def create_login(state: State, id: str, user_id: str = "1") -> None:
    state.logins.create(session_id=id, user_id=user_id, refresh_token=f"{id}-{user_id}", expires_at=1e12)


def test_restore_ends_newer_logins(state: State, ended: list[str]) -> None:
    create_login(state, "old")
    capture = state.capture()
    create_login(state, "new")
    state.logins.on_end(lambda id: ended.append(f"{id} is active: {state.logins.is_active(id)}"))
    state.restore(capture)
    assert ended == ["new", "new is active: False"]
    assert state.logins.is_active("old")


def test_restore_returns_ended_login(state: State, ended: list[str]) -> None:
    create_login(state, "old")
    capture = state.capture()
    state.logins.end("old")
    state.restore(capture)
    assert (ended, state.logins.is_active("old")) == (["old"], True)
    state.restore(capture)
    assert ended == ["old"]


def test_login_of_another_user_ends(state: State, ended: list[str]) -> None:
    other = State()
    create_login(other, "same", "2")
    create_login(state, "same", "1")
    state.restore(other.capture())
    assert ended == ["same"]


def test_restore_publishes_no_event(state: State, recorder: EventRecorder) -> None:
    capture = state.capture()
    state.users.remove("1")
    state.restore(capture)
    assert recorder.all == []


def test_same_seed_after_restore(state: State) -> None:
    capture = state.capture()
    kinds = (IdGenerator.object_id, IdGenerator.notification_id, IdGenerator.token_id)
    first = [generate(state.ids) for generate in kinds]
    request_id = state.ids.request_id()
    state.restore(capture)
    assert [generate(state.ids) for generate in kinds] == first
    assert state.ids.request_id() != request_id
    state.ids.restart_requests()
    assert state.ids.request_id() == request_id


def test_random_ids_never_return() -> None:
    state = State()
    capture = state.capture()
    first = state.ids.token_id(), state.ids.object_id()
    state.restore(capture)
    assert {state.ids.token_id(), state.ids.object_id()}.isdisjoint(first)


def test_tokens_differ_by_namespace() -> None:
    one, other = IdGenerator(7, namespace="one"), IdGenerator(7, namespace="other")
    assert one.object_id() == other.object_id()
    assert one.token_id() != other.token_id()

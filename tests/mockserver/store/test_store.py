"""The store: pages, order, uniqueness, ids, logins; checked against plain lists and dictionaries."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, precondition, rule

from duologue.contract import users as contract_users
from duologue.contract.chats import ChatSession
from duologue.contract.messages import ChatMessage
from duologue.contract.users import User, UserDeleted
from duologue_mock.store import State
from duologue_mock.store.chats import Chats
from duologue_mock.store.sessions import MAX_LOGINS, LoginSessions
from duologue_mock.store.users import EmailTakenError, Users
from tests.mockserver.clocks import START, ManualClock

# --- users


def user(id: str, email: str | None = None, name: str = "Name") -> User:
    return User(id=id, name=name, email=email or f"u{id}@example.com", role="user")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a@example.com", "a@example.com"),
        ("a@example.com", "A@EXAMPLE.COM"),
        ("STRASSE@example.com", "straße@example.com"),
        ("ΣΑΣ@example.com", "σας@example.com"),
    ],
)
def test_an_email_is_unique_ignoring_case(first: str, second: str) -> None:
    users = Users()
    users.add(user("1", first))
    with pytest.raises(EmailTakenError):
        users.add(user("2", second))
    assert users.get_by_email(second) == user("1", first)
    assert len(users) == 1
    assert users.get("2") is None


def test_a_taken_id_is_refused_and_changes_nothing() -> None:
    users = Users()
    users.add(user("1"))
    with pytest.raises(ValueError, match="'1'"):
        users.add(user("1", "other@example.com"))
    assert users.get_by_email("other@example.com") is None
    assert list(users) == [user("1")]


def test_replacing_frees_the_old_email_and_claims_the_new() -> None:
    users = Users()
    users.add(user("1", "old@example.com"))
    users.replace(user("1", "new@example.com"))
    assert users.get_by_email("old@example.com") is None
    assert users.get_by_email("NEW@example.com") == user("1", "new@example.com")
    users.add(user("2", "old@example.com"))


def test_replacing_with_a_taken_email_changes_nothing() -> None:
    users = Users()
    users.add(user("1", "a@example.com"))
    users.add(user("2", "b@example.com"))
    with pytest.raises(EmailTakenError):
        users.replace(user("2", "A@example.com"))
    assert list(users) == [user("1", "a@example.com"), user("2", "b@example.com")]
    assert users.get_by_email("b@example.com") == user("2", "b@example.com")


@pytest.mark.parametrize("act", ["replace", "remove"])
def test_who_is_not_there_cannot_be_changed(act: str) -> None:
    users = Users()
    with pytest.raises(KeyError):
        users.replace(user("1")) if act == "replace" else users.remove("1")
    assert users.get_by_email("u1@example.com") is None
    assert len(users) == 0


@pytest.mark.parametrize(
    ("known", "next_id"),
    [
        ([], "1"),
        (["1", "2"], "3"),
        (["7"], "8"),
        (["7", "3"], "8"),
        (["abc", "u-9"], "1"),
        (["007"], "8"),
        (["٣"], "1"),
        (["²"], "1"),
        (["-5"], "1"),
        (["9" * 18], "1" + "0" * 18),
        (["9" * 30], "1" + "0" * 30),
    ],
)
def test_the_next_id_is_above_every_number_so_far(known: list[str], next_id: str) -> None:
    users = Users()
    for number, id in enumerate(known):
        users.add(user(id, f"known{number}@example.com"))
    for _ in range(3):
        assert users.next_id() == next_id
        users.add(user(next_id))
        next_id = str(int(next_id) + 1)


def test_a_removed_users_id_does_not_come_back() -> None:
    users = Users()
    for _ in range(3):
        users.add(user(users.next_id()))
    users.remove("3")
    assert users.next_id() == "4"


def test_passwords() -> None:
    users = Users()
    users.add(user("1"), "sesam öffne dich")
    users.add(user("2"))
    assert users.password_matches(user("1"), "sesam öffne dich")
    assert not users.password_matches(user("1"), "sesam")
    assert not users.password_matches(user("2"), "")
    users.replace(user("1", "new@example.com"))
    assert users.password_matches(user("1"), "sesam öffne dich"), "a change of address keeps the password"
    users.remove("1")
    users.add(user("1"))
    assert not users.password_matches(user("1"), "sesam öffne dich"), "another user of that id starts afresh"


EMAILS = st.sampled_from([f"{name}@example.com" for name in ("ann", "ANN", "Bob", "bob", "cy", "dee")])
NAMES = st.sampled_from(["Ann", "bob", "Straße", "STRASSE", "Æsa"])


class UsersMachine(RuleBasedStateMachine):
    """Users against a plain list."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.users = Users()
        self.model: list[User] = []
        self.ever: set[str] = set()

    def taken(self, email: str, but: str = "") -> bool:
        return any(one.email.casefold() == email.casefold() and one.id != but for one in self.model)

    @rule(target=ids, email=EMAILS, name=NAMES)
    def add(self, email: str, name: str) -> str:
        made = User(self.users.next_id(), name, email, "user")
        assert made.id not in self.ever
        if self.taken(email):
            with pytest.raises(EmailTakenError):
                self.users.add(made)
        else:
            self.users.add(made)
            self.model.append(made)
            self.ever.add(made.id)
        return made.id

    @rule(id=ids, email=EMAILS, name=NAMES)
    def change(self, id: str, email: str, name: str) -> None:
        made = User(id, name, email, "admin")
        place = next((index for index, one in enumerate(self.model) if one.id == id), None)
        if place is None:
            with pytest.raises(KeyError):
                self.users.replace(made)
        elif self.taken(email, but=id):
            with pytest.raises(EmailTakenError):
                self.users.replace(made)
        else:
            self.users.replace(made)
            self.model[place] = made

    @rule(id=consumes(ids))
    def remove(self, id: str) -> None:
        if any(one.id == id for one in self.model):
            self.users.remove(id)
            self.model = [one for one in self.model if one.id != id]

    @rule(page=st.integers(1, 4), limit=st.integers(1, 4), search=st.sampled_from(["", "N", "straSSe", "@EX", "zz"]))
    def look(self, page: int, limit: int, search: str) -> None:
        part = search.casefold()
        matching = [one for one in self.model if part in one.name.casefold() or part in one.email.casefold()]
        start = (page - 1) * limit
        assert self.users.page(page=page, limit=limit, search=search) == (
            matching[start : start + limit],
            len(matching),
        )

    @invariant()
    def is_the_same(self) -> None:
        assert list(self.users) == self.model
        assert len(self.users) == len(self.model)
        assert all(self.users.get(one.id) == one == self.users.get_by_email(one.email.upper()) for one in self.model)


TestUsersAgainstAList = UsersMachine.TestCase


# --- chats


def session(id: str, seconds: float = 0, title: str = "Title", *, is_favorite: bool = False) -> ChatSession:
    moment = START + timedelta(seconds=seconds)
    return ChatSession(id, title, is_favorite, moment, START, moment)


def message(session_id: str, content: str = "Hi") -> ChatMessage:
    return ChatMessage(content, session_id, "user", content, START)


def test_a_session_belongs_to_its_owner() -> None:
    chats = Chats()
    chats.add("ann", session("a"))
    assert chats.get("ann", "a") == session("a")
    assert chats.get("bob", "a") is None
    assert chats.get("", "a") is None
    assert chats.page("bob", page=1, limit=None) == ([], 0)


def test_a_session_id_is_unique_over_all_owners() -> None:
    chats = Chats()
    chats.add("ann", session("a"))
    with pytest.raises(ValueError, match="'a'"):
        chats.add("bob", session("a"))
    assert chats.page("bob", page=1, limit=None) == ([], 0)


def test_messages_stay_in_order_and_go_with_their_session() -> None:
    chats = Chats()
    chats.add("ann", session("a"))
    for text in "123":
        chats.add_message(message("a", text))
    chats.replace(session("a", 5))
    assert [one.content for one in chats.messages("a")] == ["1", "2", "3"]
    chats.remove("a")
    chats.add("ann", session("a"))
    assert chats.messages("a") == []


@pytest.mark.parametrize("act", [lambda c: c.remove("x"), lambda c: c.messages("x"), lambda c: c.replace(session("x"))])
def test_what_is_not_there_cannot_be_asked_for(act: Any) -> None:
    with pytest.raises(KeyError):
        act(Chats())


class ChatsMachine(RuleBasedStateMachine):
    """Sessions against a plain list that is sorted whenever somebody looks."""

    ids = Bundle("ids")
    owners = st.sampled_from(["ann", "bob"])
    moments = st.integers(0, 3)

    def __init__(self) -> None:
        super().__init__()
        self.chats = Chats()
        self.model: list[tuple[str, ChatSession]] = []
        self.made = 0

    @initialize(target=ids)
    def first(self) -> str:
        return self.add("ann", 0, "Alpha", False)

    @rule(target=ids, owner=owners, seconds=moments, title=st.sampled_from(["Alpha", "BETA"]), favorite=st.booleans())
    def add_one(self, owner: str, seconds: int, title: str, favorite: bool) -> str:
        return self.add(owner, seconds, title, favorite)

    def add(self, owner: str, seconds: int, title: str, favorite: bool) -> str:
        self.made += 1
        made = session(str(self.made), seconds, title, is_favorite=favorite)
        self.chats.add(owner, made)
        self.model.append((owner, made))
        return made.id

    @rule(id=ids, seconds=moments, favorite=st.booleans())
    def change(self, id: str, seconds: int, favorite: bool) -> None:
        moment = START + timedelta(seconds=seconds)
        place, (owner, one) = next(found for found in enumerate(self.model) if found[1][1].id == id)
        changed = replace(one, last_message_at=moment, is_favorite=favorite)
        self.chats.replace(changed)
        self.model[place] = owner, changed
        if changed.last_message_at != one.last_message_at:
            self.model.append(self.model.pop(place))  # the last that moved

    @rule(id=consumes(ids))
    def remove(self, id: str) -> None:
        self.chats.remove(id)
        self.model = [(owner, one) for owner, one in self.model if one.id != id]

    @precondition(lambda self: self.model)
    @rule(
        owner=owners,
        page=st.integers(1, 3),
        limit=st.none() | st.integers(1, 3),
        search=st.sampled_from(["", "alpha", "Eta", "zz"]),
        favorite=st.none() | st.booleans(),
    )
    def look(self, owner: str, page: int, limit: int | None, search: str, favorite: bool | None) -> None:
        def moved(place: int) -> tuple[datetime, int]:
            return self.model[place][1].last_message_at, place

        newest_first = sorted(range(len(self.model)), key=moved, reverse=True)
        matching = [
            one
            for whose, one in (self.model[place] for place in newest_first)
            if whose == owner and search.casefold() in one.title.casefold() and favorite in (None, one.is_favorite)
        ]
        start = 0 if limit is None else (page - 1) * limit
        shown = matching if limit is None else matching[start : start + limit]
        found = self.chats.page(owner, page=page, limit=limit, search=search, favorite=favorite)
        assert found == (shown, len(matching))

    @invariant()
    def is_the_same(self) -> None:
        assert len(self.chats) == len(self.model)
        assert all(self.chats.get(owner, one.id) == one for owner, one in self.model)


TestChatsAgainstAList = ChatsMachine.TestCase


# --- logins


def begin(logins: LoginSessions, id: str, *, user_id: str = "1", expires: float = 100.0) -> None:
    logins.begin(session_id=id, user_id=user_id, refresh_token=f"{id}-0", expires=expires)


def rotate(logins: LoginSessions, token: str, new: str, *, now: float = 0.0) -> str | None:
    login = logins.rotate(token, new_token=new, now=now, expires=now + 100)
    return login.id if login else None


@pytest.fixture
def ended() -> list[str]:
    return []


@pytest.fixture
def logins(ended: list[str]) -> LoginSessions:
    made = LoginSessions()
    made.on_end(ended.append)
    return made


def test_rotation_spends_the_token(logins: LoginSessions, ended: list[str]) -> None:
    begin(logins, "a")
    assert rotate(logins, "a-0", "a-1") == "a"
    assert rotate(logins, "a-1", "a-2") == "a"
    assert logins.is_active("a")
    assert ended == []


@pytest.mark.parametrize("spent", ["a-0", "a-1"])
def test_a_spent_token_ends_the_family_and_no_other(logins: LoginSessions, ended: list[str], spent: str) -> None:
    begin(logins, "a")
    begin(logins, "b")
    rotate(logins, "a-0", "a-1")
    rotate(logins, "a-1", "a-2")
    assert rotate(logins, spent, "x") is None
    assert ended == ["a"]
    assert [logins.is_active("a"), logins.is_active("b")] == [False, True]
    assert rotate(logins, "a-2", "x") is None
    assert rotate(logins, "b-0", "b-1") == "b"


def test_the_new_token_of_a_refused_rotation_is_worth_nothing(logins: LoginSessions) -> None:
    begin(logins, "a")
    rotate(logins, "a-0", "a-1")
    rotate(logins, "a-0", "stolen")
    assert rotate(logins, "stolen", "x") is None


def test_an_expired_token_is_refused_without_ending_the_login(logins: LoginSessions, ended: list[str]) -> None:
    begin(logins, "a", expires=100)
    assert rotate(logins, "a-0", "x", now=100) is None
    assert rotate(logins, "a-0", "a-1", now=99.9) == "a"
    assert ended == []


def test_a_login_ends_once(logins: LoginSessions, ended: list[str]) -> None:
    begin(logins, "a")
    logins.end("a")
    logins.end("a")
    logins.end("unknown")
    assert ended == ["a"]
    assert rotate(logins, "a-0", "x") is None


def test_all_logins_of_a_user_end(logins: LoginSessions, ended: list[str]) -> None:
    for id, owner in (("a", "1"), ("b", "2"), ("c", "1")):
        begin(logins, id, user_id=owner)
    logins.revoke_all("1")
    assert ended == ["a", "c"]
    assert logins.is_active("b")


def test_beyond_the_bound_the_oldest_login_ends(logins: LoginSessions, ended: list[str]) -> None:
    for number in range(MAX_LOGINS + 3):
        begin(logins, str(number))
    assert ended == ["0", "1", "2"]
    assert [logins.is_active("2"), logins.is_active("3"), logins.is_active(str(MAX_LOGINS + 2))] == [False, True, True]
    assert rotate(logins, "2-0", "x") is None


def test_ended_logins_leave_nothing_behind(logins: LoginSessions) -> None:
    for number in range(50):
        begin(logins, str(number))
        rotate(logins, f"{number}-0", f"{number}-1")
        logins.end(str(number))
    assert sum(len(kept) for kept in vars(logins).values() if isinstance(kept, dict)) == 0


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4)), max_size=30))
def test_at_most_one_token_of_a_login_is_good(steps: list[tuple[int, int]]) -> None:
    """Whoever presents whichever token in whatever order: only the newest of a live login is taken."""
    logins = LoginSessions()
    newest = {}
    for login in range(3):
        begin(logins, str(login))
        newest[login] = 0
    for login, number in steps:
        is_active = logins.is_active(str(login))
        good = is_active and number == newest[login]
        taken = rotate(logins, f"{login}-{number}", f"{login}-{newest[login] + 1}")
        assert taken == (str(login) if good else None)
        if good:
            newest[login] += 1
        elif number < newest[login]:
            assert not logins.is_active(str(login)), "a spent token was presented"
        else:
            assert logins.is_active(str(login)) == is_active


# --- the state as a whole


def test_what_is_announced_reaches_every_listener_in_order() -> None:
    state = State(clock=ManualClock())
    heard: list[tuple[str, str | None]] = []
    state.subscribe(lambda event, payload, user_id: heard.append((f"one {event.name}", user_id)))
    state.subscribe(lambda event, payload, user_id: heard.append((f"two {event.name}", user_id)))
    state.publish(contract_users.DELETED, UserDeleted("5"))
    state.publish(contract_users.DELETED, UserDeleted("6"), user_id="6")
    assert heard == [
        ("one user:deleted", None),
        ("two user:deleted", None),
        ("one user:deleted", "6"),
        ("two user:deleted", "6"),
    ]


def test_the_state_is_closed_to_others_while_a_change_is_made() -> None:
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


def test_the_state_opens_again_after_an_error() -> None:
    state = State()
    with pytest.raises(ZeroDivisionError), state:
        raise ZeroDivisionError
    assert state._lock.acquire(blocking=False)
    state._lock.release()

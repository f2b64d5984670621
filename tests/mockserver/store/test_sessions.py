"""Login sessions: rotation of refresh tokens, and how sessions end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_mock.store.sessions import MAX_SESSIONS, MAX_USED_TOKENS, LoginSession, LoginSessions


def create(logins: LoginSessions, id: str, *, user_id: str = "1", expires: float = 100.0) -> None:
    logins.create(session_id=id, user_id=user_id, refresh_token=f"{id}-0", expires_at=expires)


def rotate(logins: LoginSessions, token: str, new: str, *, now: float = 0.0) -> str | None:
    login = logins.rotate(token, new_token=new, now=now, expires_at=now + 100)
    return login.id if login else None


@pytest.fixture
def end_events() -> list[str]:
    return []


@pytest.fixture
def logins(end_events: list[str]) -> LoginSessions:
    sessions = LoginSessions()
    sessions.on_end(end_events.append)
    return sessions


def test_rotation(logins: LoginSessions, end_events: list[str]) -> None:
    create(logins, "a")
    assert rotate(logins, "a-0", "a-1") == "a"
    assert rotate(logins, "a-1", "a-2") == "a"
    assert logins.is_active("a")
    assert end_events == []


@pytest.mark.parametrize("spent", ["a-0", "a-1"])
def test_used_token_ends_session(logins: LoginSessions, end_events: list[str], spent: str) -> None:
    create(logins, "a")
    create(logins, "b")
    rotate(logins, "a-0", "a-1")
    rotate(logins, "a-1", "a-2")
    assert rotate(logins, spent, "x") is None
    assert end_events == ["a"]
    assert [logins.is_active("a"), logins.is_active("b")] == [False, True]
    assert rotate(logins, "a-2", "x") is None
    assert rotate(logins, "b-0", "b-1") == "b"


def test_token_of_refused_rotation(logins: LoginSessions) -> None:
    create(logins, "a")
    rotate(logins, "a-0", "a-1")
    rotate(logins, "a-0", "stolen")
    assert rotate(logins, "stolen", "x") is None


def test_expired_token(logins: LoginSessions, end_events: list[str]) -> None:
    create(logins, "a", expires=100)
    assert rotate(logins, "a-0", "x", now=100) is None
    assert rotate(logins, "a-0", "a-1", now=99.9) == "a"
    assert end_events == []


def test_end_twice(logins: LoginSessions, end_events: list[str]) -> None:
    create(logins, "a")
    logins.end("a")
    logins.end("a")
    logins.end("unknown")
    assert end_events == ["a"]
    assert rotate(logins, "a-0", "x") is None


def test_revoke_all(logins: LoginSessions, end_events: list[str]) -> None:
    for id, owner in (("a", "1"), ("b", "2"), ("c", "1")):
        create(logins, id, user_id=owner)
    logins.revoke_all("1")
    assert end_events == ["a", "c"]
    assert logins.is_active("b")


def test_max_sessions(logins: LoginSessions, end_events: list[str]) -> None:
    for number in range(MAX_SESSIONS + 3):
        create(logins, str(number))
    assert end_events == ["0", "1", "2"]
    assert [logins.is_active("2"), logins.is_active("3"), logins.is_active(str(MAX_SESSIONS + 2))] == [
        False,
        True,
        True,
    ]
    assert rotate(logins, "2-0", "x") is None


def test_max_used_tokens(logins: LoginSessions, end_events: list[str]) -> None:
    """The oldest is forgotten, and merely unknown then."""
    create(logins, "a")
    for number in range(MAX_USED_TOKENS + 1):
        rotate(logins, f"a-{number}", f"a-{number + 1}")
    assert rotate(logins, "a-0", "x") is None
    assert end_events == []
    assert rotate(logins, "a-1", "x") is None
    assert end_events == ["a"]


def test_rotation_is_of_one_user(logins: LoginSessions) -> None:
    create(logins, "a", user_id="7")
    session = logins.rotate("a-0", new_token="a-1", now=5, expires_at=500)
    assert session == LoginSession("a", "7", "a-1", 500)


@pytest.mark.parametrize("rotations", [0, 1, 2])
def test_ended_sessions_free_memory(logins: LoginSessions, rotations: int) -> None:
    for number in range(50):
        create(logins, str(number))
        for rotation in range(rotations):
            rotate(logins, f"{number}-{rotation}", f"{number}-{rotation + 1}")
        logins.end(str(number))
    assert sum(len(index) for index in vars(logins).values() if isinstance(index, dict)) == 0


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4)), max_size=30))
def test_one_valid_token_per_session(steps: list[tuple[int, int]]) -> None:
    """Tokens in any order: only the newest one of an active session is accepted."""
    logins = LoginSessions()
    newest = {}
    for login in range(3):
        create(logins, str(login))
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


def test_remove_end_listener(logins: LoginSessions, end_events: list[str]) -> None:
    other: list[str] = []
    remove = logins.on_end(other.append)
    create(logins, "a")
    create(logins, "b")
    logins.end("a")
    remove()
    logins.end("b")
    assert (end_events, other) == (["a", "b"], ["a"])

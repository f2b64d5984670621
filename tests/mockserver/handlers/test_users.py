"""Users' handlers, called as the plain functions they are."""

from __future__ import annotations

from typing import Any

import pytest

from duologue.contract.users import User, UserCreate, UserQuery, UserUpdate
from duologue_mock import users
from duologue_mock.handler_registry import Principal
from duologue_mock.store import State
from duologue_mock.tokens import TokenService
from tests.mockserver.event_recorder import EventRecorder
from tests.mockserver.http_errors import raises_http_error

JOHN = User(id="1", name="John Doe", email="john@example.com", role="admin")
JANE = User(id="2", name="Jane Smith", email="jane@example.com", role="user")


def create_users(state: State, count: int) -> list[User]:
    return [users.create(state, UserCreate(name=f"User {n}", email=f"user{n}@example.org")) for n in range(count)]


def test_list_fixtures(state: State) -> None:
    page = users.list_(state, UserQuery())
    assert page.users == [JOHN, JANE]
    assert (page.total, page.page, page.limit, page.has_more, page.next_page) == (2, 1, 10, False, None)


@pytest.mark.parametrize(
    ("page", "limit", "size", "next_page"),
    [(1, 5, 5, 2), (2, 5, 5, 3), (3, 5, 2, None), (4, 5, 0, None), (1, 12, 12, None), (1, 11, 11, 2), (12, 1, 1, None)],
)
def test_next_page(state: State, page: int, limit: int, size: int, next_page: int | None) -> None:
    create_users(state, 10)
    response = users.list_(state, UserQuery(page=page, limit=limit))
    assert (len(response.users), response.total, response.next_page) == (size, 12, next_page)
    assert response.has_more == (next_page is not None)


def test_all_pages(state: State) -> None:
    """Together they are all users in the order of creation."""
    new = create_users(state, 9)
    collected: list[User] = []
    page: int | None = 1
    while page is not None:
        response = users.list_(state, UserQuery(page=page, limit=4))
        collected += response.users
        page = response.next_page
    assert collected == [JOHN, JANE, *new]


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("JOHN", ["John Doe"]),
        ("smi", ["Jane Smith"]),
        ("@EXAMPLE.com", ["John Doe", "Jane Smith"]),
        ("  jane ", ["Jane Smith"]),
        ("", ["John Doe", "Jane Smith"]),
        ("   ", ["John Doe", "Jane Smith"]),
        ("j.*n", []),
        ("%", []),
        (None, ["John Doe", "Jane Smith"]),
    ],
)
def test_search(state: State, search: str | None, names: list[str]) -> None:
    response = users.list_(state, UserQuery(search=search))
    assert [user.name for user in response.users] == names
    assert response.total == len(names)


def test_total_counts_matches(state: State) -> None:
    create_users(state, 7)
    response = users.list_(state, UserQuery(limit=3, search="user "))
    assert (len(response.users), response.total, response.next_page) == (3, 7, 2)


def test_get(state: State) -> None:
    assert users.get(state, "2") == JANE


@pytest.mark.parametrize("id", ["3", "", "1 ", "01", "../1", "1\x00"])
def test_get_not_found(state: State, id: str) -> None:
    with raises_http_error(404):
        users.get(state, id)


def test_create(state: State, recorder: EventRecorder) -> None:
    stored_at_event: list[User | None] = []
    state.subscribe(lambda event, payload, user_id: stored_at_event.append(state.users.get("3")))
    user = users.create(state, UserCreate(name="Ada", email="ada@example.com", role="admin", password="secret"))
    assert user == User(id="3", name="Ada", email="ada@example.com", role="admin") == users.get(state, "3")
    assert recorder.names == ["user:created", "notification:new"]
    assert recorder.payloads("user:created")[0].user == user
    assert recorder.payloads("notification:new")[0].type == "user_created"
    assert recorder.all[1][2] == "3"
    assert stored_at_event == [user, user]


def test_create_role(state: State) -> None:
    assert users.create(state, UserCreate(name="Ada", email="ada@example.com")).role == "user"


@pytest.mark.parametrize("email", ["john@example.com", "JOHN@Example.COM"])
def test_create_email_taken(state: State, recorder: EventRecorder, email: str) -> None:
    with raises_http_error(409, "email"):
        users.create(state, UserCreate(name="Other", email=email))
    assert len(state.users) == 2
    assert recorder.all == []


def test_conflict_uses_no_id(state: State) -> None:
    with raises_http_error(409):
        users.create(state, UserCreate(name="Other", email="john@example.com"))
    assert users.create(state, UserCreate(name="Ada", email="ada@example.com")).id == "3"


@pytest.mark.parametrize(
    ("changes", "after"),
    [
        ({}, JANE),
        ({"name": "Jane Roe"}, User("2", "Jane Roe", "jane@example.com", "user")),
        ({"email": "roe@example.com"}, User("2", "Jane Smith", "roe@example.com", "user")),
        ({"email": "JANE@example.com"}, User("2", "Jane Smith", "JANE@example.com", "user")),
        ({"role": "admin"}, User("2", "Jane Smith", "jane@example.com", "admin")),
        ({"id": "2", "name": "J"}, User("2", "J", "jane@example.com", "user")),
    ],
)
def test_update(
    state: State, anonymous: Principal, recorder: EventRecorder, changes: dict[str, Any], after: User
) -> None:
    assert users.update(state, anonymous, "2", UserUpdate(**changes)) == after
    assert users.get(state, "2") == after
    assert recorder.payloads("user:updated")[0].user == after


def test_update_keeps_order(state: State, anonymous: Principal) -> None:
    users.update(state, anonymous, "1", UserUpdate(name="Zed"))
    assert [user.id for user in users.list_(state, UserQuery()).users] == ["1", "2"]


@pytest.mark.parametrize(("role", "kinds"), [("admin", ["role_changed"]), ("user", []), (None, [])])
def test_role_change_is_notified(
    state: State, anonymous: Principal, recorder: EventRecorder, role: Any, kinds: list[str]
) -> None:
    users.update(state, anonymous, "2", UserUpdate(name="Same", role=role))
    assert [one.type for one in recorder.payloads("notification:new")] == kinds


def test_update_other_id(state: State, anonymous: Principal, recorder: EventRecorder) -> None:
    with raises_http_error(400, "id"):
        users.update(state, anonymous, "2", UserUpdate(id="1", name="Not me"))
    assert users.get(state, "2") == JANE
    assert recorder.all == []


def test_update_email_taken(state: State, anonymous: Principal, recorder: EventRecorder) -> None:
    with raises_http_error(409, "email"):
        users.update(state, anonymous, "2", UserUpdate(name="Not me", email="John@example.com"))
    assert users.get(state, "2") == JANE
    assert recorder.all == []


def test_update_not_found(state: State, anonymous: Principal) -> None:
    with raises_http_error(404):
        users.update(state, anonymous, "9", UserUpdate(name="Nobody"))


def test_update_own_role(state: State, jane: Principal) -> None:
    assert users.update(state, jane, "2", UserUpdate(name="Jane Roe", role="user")).name == "Jane Roe"
    with raises_http_error(403):
        users.update(state, jane, "2", UserUpdate(role="admin"))
    assert users.get(state, "2").role == "user"


def test_admin_updates_role(state: State, admin: Principal) -> None:
    assert users.update(state, admin, "2", UserUpdate(role="admin")).role == "admin"


def test_delete(state: State, token_service: TokenService, recorder: EventRecorder) -> None:
    token = token_service.issue(state, JANE).token
    login_id = token_service.verify(state, token).login_id
    users.delete(state, "2")
    assert not state.logins.is_active(login_id)
    with raises_http_error(404):
        users.get(state, "2")
    with raises_http_error(401):
        token_service.verify(state, token)
    assert recorder.names == ["user:deleted"]
    assert recorder.payloads("user:deleted")[0].user_id == "2"


def test_delete_twice(state: State, recorder: EventRecorder) -> None:
    users.delete(state, "2")
    with raises_http_error(404):
        users.delete(state, "2")
    assert recorder.names == ["user:deleted"]


def test_deleted_id_is_not_reused(state: State) -> None:
    users.delete(state, "2")
    again = users.create(state, UserCreate(name="Jane again", email="jane@example.com"))
    assert again.id == "3"
    assert again in users.list_(state, UserQuery()).users

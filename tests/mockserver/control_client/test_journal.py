"""The journal of the mock itself: entries, assertions, waiting, events."""

from __future__ import annotations

import contextlib
import threading
from datetime import timedelta

import pytest

from duologue import Client, ServerError
from duologue.contract import users
from duologue_mock import MockControl, WaitTimeoutError


@pytest.fixture
def eve(api: Client) -> None:
    """What the tests assert about: two requests."""
    api.users.create(name="Eve", email="eve@example.com")
    api.users.list(search="eve")


@pytest.mark.usefixtures("eve")
def test_entries(control: MockControl) -> None:
    create, page = control.requests()
    assert (create.method, create.path, create.operation, create.status) == ("POST", "/api/users", "users.CREATE", 201)
    assert create.json()["email"] == "eve@example.com"
    assert create.header("CONTENT-TYPE") == "application/json"
    assert page.query["search"] == ["eve"]
    assert create.logged_at is not None
    assert page.logged_at is not None
    assert create.logged_at <= page.logged_at
    assert create.violations == ()
    assert str(create) == "POST /api/users"


@pytest.mark.usefixtures("eve")
def test_selecting(control: MockControl) -> None:
    create, page = control.requests()
    assert [str(each) for each in control.requests(limit=1)] == [str(page)]
    assert control.requests(users.CREATE) == [create]
    assert control.requests("GET /api/users", query={"search": "ada"}) == []
    assert len(control.requests("GET /api/users", query={"search": {"contains": "v"}})) == 1
    assert page.logged_at is not None
    assert control.requests(since=page.logged_at) == []
    assert control.requests(unmatched=True) == []
    control.clear_requests()
    assert control.requests() == []


def test_equal_requests(control: MockControl, api: Client) -> None:
    """Each is found with a response of its own."""
    headers = {"Unique-Reference-Code": "the-same"}
    control.stub(users.GET, status=500, times=1)
    for _ in range(3):
        with contextlib.suppress(ServerError):
            api.with_options(headers=headers).users.get("1")
    assert [request.status for request in control.requests(users.GET)] == [500, 200, 200]


@pytest.mark.parametrize(
    "arguments",
    [{"body": "x"}, {"headers": {"A": "1"}}, {"query": {"a": "1"}}, {"target": "/a", "limit": 1},
     {"target": "/a", "unmatched": True}],
)  # fmt: skip
def test_arguments_that_do_not_go_together(control: MockControl, arguments: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        control.requests(**arguments)  # type: ignore[arg-type]  # some of them


@pytest.mark.usefixtures("eve")
def test_assertions_that_hold(control: MockControl) -> None:
    (request,) = control.assert_called(users.CREATE, times=1, body={"email": "eve@example.com"})
    assert request.path == "/api/users"
    control.assert_called(users.LIST)
    control.assert_called("GET /api/users", query={"search": "eve", "no-such": None})
    control.assert_called({"method": "POST"}, headers={"Content-Type": {"contains": "json"}})
    control.assert_not_called(users.DELETE)
    control.assert_not_called(users.CREATE, body={"email": "ada@example.com"})


@pytest.mark.usefixtures("eve")
def test_what_came_near(control: MockControl) -> None:
    with pytest.raises(AssertionError) as caught:
        control.assert_called(users.CREATE, times=1, body={"email": "ada@example.com"})
    text = str(caught.value)
    assert text.startswith("Expected users.CREATE with this body once; it came 0 times.\nWhat came near:\n")
    assert "  POST /api/users\n" in text
    assert '    body.email is "eve@example.com"; expected "ada@example.com"' in text


@pytest.mark.usefixtures("eve")
def test_too_often(control: MockControl) -> None:
    with pytest.raises(AssertionError, match=r"^Expected users\.CREATE 0 times; it came once\.$"):
        control.assert_not_called(users.CREATE)
    with pytest.raises(AssertionError, match="Expected GET /api/users twice; it came once"):
        control.assert_called("GET /api/users", times=2)


def test_nothing_came(control: MockControl) -> None:
    with pytest.raises(AssertionError, match=r"at least once; it came 0 times\.\nNo other request came"):
        control.assert_called(users.LIST)


def test_waiting(control: MockControl, api: Client) -> None:
    thread = threading.Thread(target=api.users.list)
    thread.start()
    assert len(control.wait_for(users.LIST, timeout=20)) == 1
    thread.join(20)
    api.users.list()
    assert len(control.wait_for(users.LIST, count=2, timeout=20)) == 2


def test_waiting_in_vain(control: MockControl, api: Client) -> None:
    api.users.list()
    with pytest.raises(WaitTimeoutError, match=r"users\.CREATE did not come once within 0\.01 s") as caught:
        control.wait_for(users.CREATE, timeout=0.01)
    assert caught.value.status == 408
    assert "its operation is users.LIST" in str(caught.value) or "GET /api/users" in str(caught.value)


def test_events(control: MockControl, api: Client) -> None:
    """What happened comes first, then what happens."""
    api.users.list()
    events = control.events(after="0", timeout=20)
    first = next(event for event in events if event.type == "request")
    assert first.data["url"].startswith("/api/users")
    control.clock.advance(timedelta(minutes=1))
    second = next(event for event in events if event.type == "clock")
    assert second.id is not None
    events.close()  # type: ignore[attr-defined]  # of the generator


def test_violations_and_coverage(control: MockControl, api: Client) -> None:
    with pytest.raises(Exception, match="name"):
        api.users.create(name="", email="ada@example.com")
    assert control.violations()
    assert all({"rule", "message", "cure", "request"} <= set(violation) for violation in control.violations())
    (request,) = control.requests()
    assert request.status == 400
    assert request.violations
    (row,) = [row for row in control.coverage()["operations"] if row["operation"] == "users.CREATE"]
    assert row["statuses"] == {"400": 1}

"""`/snapshots`: going back, and what has changed since."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from duologue_mock.control.state import snapshots
from tests.mockserver.clocks import ManualClock
from tests.mockserver.control.state.calls import Calls, create_calls, list_errors

NOTHING: dict[str, Any] = {"added": {}, "removed": {}, "changed": {}}
CHAT_HEADERS = {"x-api-key": "dev-api-key", "x-user-id": "anonymous-user", "Unique-Reference-Code": "one"}
CHATS = "/chats-service/api/v1/chats"


def test_list_of_snapshots(calls: Calls) -> None:
    first = calls.check("PUT", "/snapshots/first")
    calls.create_user("a@example.com")
    calls.check("PUT", "/snapshots/second")
    counts = {"chats": 1, "messages": 1, "logins": 0, "takenAt": "2024-06-01T12:00:00.000Z"}
    assert first == {"name": "first", "users": 2, **counts}
    assert calls.get("/snapshots") == {
        "snapshots": [first, {"name": "second", "users": 3, **counts}],
        "meta": {"total": 2},
    }


def test_restore(calls: Calls) -> None:
    calls.check("PUT", "/snapshots/before")
    before = calls.get("/state")
    token = calls.login()["token"]
    calls.create_user("a@example.com")
    calls.request("DELETE", "/api/users/2")
    calls.request("POST", f"{CHATS}/test-session-1/messages", {"content": "Hi", "sender": "user"}, **CHAT_HEADERS)
    calls.check("POST", "/clock/advance", {"milliseconds": 10_000})
    calls.check("POST", "/snapshots/before/restore")
    assert calls.get("/state") == before
    assert calls.get_me(token) == 401
    calls.create_user("b@example.com")
    calls.check("POST", "/snapshots/before/restore")
    assert calls.get("/state") == before


def test_restore_brings_logins_back(calls: Calls) -> None:
    token = calls.login()["token"]
    calls.check("PUT", "/snapshots/logged-in")
    calls.check("POST", "/clock/advance", {"milliseconds": 3_600_000})
    calls.request("DELETE", "/api/users/1")
    expired = calls.get_me(token)
    calls.check("POST", "/snapshots/logged-in/restore")
    assert (expired, calls.get_me(token)) == (401, 200)


def test_token_of_a_returned_id(calls: Calls) -> None:
    """With a seed, a login after a restore has the id of one that ended by it: tokens of that one stay refused."""
    calls.check("PUT", "/snapshots/before")
    token = calls.login()["token"]
    calls.check("POST", "/snapshots/before/restore")
    calls.request("POST", "/api/auth/login", {"email": "jane@example.com", "password": "password"})
    assert calls.get_me(token) == 401


def test_restore_at_the_end_of_time(calls: Calls, clock: ManualClock) -> None:
    """The machine's clock has gone on, so that the snapshot's would be in the year 10000."""
    calls.check("PUT", "/clock", {"now": "9999-12-31T23:59:59Z"})
    calls.check("PUT", "/snapshots/before")
    clock.advance(10)
    calls.check("POST", "/snapshots/before/restore")
    assert calls.get("/clock")["now"] == "9999-12-31T23:59:59.999Z"


def test_restore_forgets_idempotency_keys(calls: Calls) -> None:
    calls.check("PUT", "/snapshots/before")
    key = {"Idempotency-Key": "key-1"}
    calls.create_user("a@example.com", **key)
    calls.check("POST", "/snapshots/before/restore")
    assert calls.create_user("a@example.com", **key).status_code == 201
    assert "a@example.com" in calls.list_emails()


def test_same_name_replaces(calls: Calls) -> None:
    calls.check("PUT", "/snapshots/one")
    calls.create_user("a@example.com")
    statuses = [calls.control("PUT", f"/snapshots/{name}").status_code for name in ("one", "two")]
    assert statuses == [200, 201]
    assert calls.get("/snapshots/one/diff") == NOTHING


def test_snapshots_outlast_a_reset(calls: Calls) -> None:
    calls.create_user("a@example.com")
    calls.check("PUT", "/snapshots/one")
    calls.check("POST", "/reset")
    calls.check("POST", "/snapshots/one/restore")
    assert "a@example.com" in calls.list_emails()


def test_snapshots_of_one_namespace(calls: Calls) -> None:
    calls.check("PUT", "/snapshots/one")
    assert calls.in_namespace("w1").get("/snapshots")["snapshots"] == []
    assert calls.in_namespace("w1").control("POST", "/snapshots/one/restore").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/snapshots/gone"), ("POST", "/snapshots/gone/restore"), ("GET", "/snapshots/gone/diff")],
)
def test_unknown_snapshot(calls: Calls, method: str, path: str) -> None:
    response = calls.control(method, path)
    assert (response.status_code, list_errors(response)) == (404, [(None, "There is no snapshot 'gone'")])


def test_removed_snapshot(calls: Calls) -> None:
    calls.check("PUT", "/snapshots/one")
    assert calls.check("DELETE", "/snapshots/one") == {}
    assert calls.control("POST", "/snapshots/one/restore").status_code == 404


@pytest.mark.parametrize("name", ["a%2Fb", "a%20b", "%C3%A9", "x" * 101])
def test_invalid_name(calls: Calls, name: str) -> None:
    assert calls.control("PUT", f"/snapshots/{name}").status_code == 422
    assert calls.get("/snapshots")["snapshots"] == []


def test_number_is_bounded(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "MAX_SNAPSHOTS", 2)
    statuses = [calls.control("PUT", f"/snapshots/{name}").status_code for name in "abcb"]
    assert statuses == [201, 201, 422, 200]


def test_memory_is_bounded(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """What snapshots share counts once; what differs, in each."""
    monkeypatch.setattr(snapshots, "MAX_RECORDS", 7)  # 2 users, 1 chat, 1 message, then 3 users
    statuses = [calls.control("PUT", f"/snapshots/{name}").status_code for name in "abc"]
    for number in range(2):
        calls.create_user(f"{number}@example.com")
        statuses.append(calls.control("PUT", f"/snapshots/{number}").status_code)
    assert statuses == [201, 201, 201, 201, 422]
    assert [one["name"] for one in calls.get("/snapshots")["snapshots"]] == ["a", "b", "c", "0"]


def test_diff(calls: Calls) -> None:
    calls.check("PUT", "/snapshots/before")
    created = calls.create_user("a@example.com").json
    calls.request("PUT", "/api/users/1", {"name": "Johnny"})
    calls.request("DELETE", "/api/users/2")
    calls.request("PATCH", f"{CHATS}/test-session-1", {"title": "New"}, **CHAT_HEADERS)
    message = calls.request(
        "POST", f"{CHATS}/test-session-1/messages", {"content": "Hi", "sender": "user"}, **CHAT_HEADERS
    ).json
    assert created is not None
    assert message is not None
    difference = calls.get("/snapshots/before/diff")
    assert difference["added"] == {
        "users": {created["id"]: {**created, "password": "secret-123"}},
        "messages": {message["data"]["_id"]: message["data"]},
    }
    assert list(difference["removed"]) == ["users"]
    assert difference["removed"]["users"]["2"]["email"] == "jane@example.com"
    assert difference["changed"]["users"] == {"1": {"name": {"before": "John Doe", "now": "Johnny"}}}
    chat = difference["changed"]["chats"]["test-session-1"]
    assert chat["title"] == {"before": "Test Session", "now": "New"}
    assert set(chat) == {"title", "lastMessageAt", "updatedAt"}


def test_diff_of_logins(calls: Calls) -> None:
    calls.login()
    calls.check("PUT", "/snapshots/before")
    calls.check("POST", "/clock/advance", {"milliseconds": 1000})
    tokens = calls.login()
    [old, new] = calls.get("/state")["logins"]
    difference = calls.get("/snapshots/before/diff")
    assert difference == {**NOTHING, "added": {"logins": {new["id"]: {"userId": "1", "expiresAt": new["expiresAt"]}}}}
    calls.request("POST", "/api/auth/logout", Authorization=f"Bearer {tokens['token']}")
    calls.request("POST", "/api/auth/refresh", {"refreshToken": old["refreshToken"]})
    changed = calls.get("/snapshots/before/diff")["changed"]["logins"][old["id"]]
    assert changed == {"expiresAt": {"before": old["expiresAt"], "now": old["expiresAt"] + 1}}


def test_diff_of_restored_snapshot(calls: Calls) -> None:
    calls.check("PUT", "/snapshots/before")
    calls.create_user("a@example.com")
    calls.check("POST", "/snapshots/before/restore")
    assert calls.get("/snapshots/before/diff") == NOTHING
    calls.request("PUT", "/api/users/1", {"name": "Johnny"})
    calls.request("PUT", "/api/users/1", {"name": "John Doe"})
    assert calls.get("/snapshots/before/diff") == NOTHING


class SnapshotMachine(RuleBasedStateMachine):
    """Two namespaces, their changes and snapshots: what is restored is what was exported, and nothing crosses."""

    taken = Bundle("taken")
    names = st.sampled_from(["default", "w1"])

    def __init__(self) -> None:
        super().__init__()
        calls = create_calls(ManualClock())
        self.namespaces = {name: calls.in_namespace(name) for name in ("default", "w1")}
        self.expected = {name: calls.get("/state") for name, calls in self.namespaces.items()}
        self.count = 0

    @initialize(target=taken)
    def first(self) -> tuple[str, str, Any]:
        return self.take_in("default")

    @rule(target=taken, name=names)
    def take(self, name: str) -> tuple[str, str, Any]:
        return self.take_in(name)

    def take_in(self, name: str) -> tuple[str, str, Any]:
        self.count += 1
        self.namespaces[name].check("PUT", f"/snapshots/{self.count}")
        return name, str(self.count), self.expected[name]

    @rule(snapshot=taken)
    def restore(self, snapshot: tuple[str, str, Any]) -> None:
        name, number, exported = snapshot
        self.namespaces[name].check("POST", f"/snapshots/{number}/restore")
        self.expected[name] = exported
        assert self.namespaces[name].get(f"/snapshots/{number}/diff") == NOTHING

    @rule(snapshot=taken, name=names)
    def import_exported(self, snapshot: tuple[str, str, Any], name: str) -> None:
        self.namespaces[name].check("PUT", "/state", snapshot[2])
        self.expected[name] = snapshot[2]

    @rule(name=names, act=st.sampled_from(["create", "delete", "rename", "login", "message", "advance", "reset"]))
    def change(self, name: str, act: str) -> None:
        calls, self.count = self.namespaces[name], self.count + 1
        if act == "create":
            calls.create_user(f"{self.count}@example.com")
        elif act == "delete":
            calls.request("DELETE", "/api/users/2")
        elif act == "rename":
            calls.request("PUT", "/api/users/1", {"name": f"John {self.count}"})
        elif act == "login":
            calls.login()
        elif act == "message":
            path = f"{CHATS}/test-session-1/messages"
            calls.request("POST", path, {"content": "Hi", "sender": "user"}, **CHAT_HEADERS)
        elif act == "advance":
            calls.check("POST", "/clock/advance", {"milliseconds": 1000})
        else:
            calls.check("POST", "/state/reset")
        self.expected[name] = calls.get("/state")

    @invariant()
    def is_as_expected(self) -> None:
        assert {name: calls.get("/state") for name, calls in self.namespaces.items()} == self.expected


SnapshotMachine.TestCase.settings = settings(max_examples=20, stateful_step_count=15, deadline=None)
TestSnapshots = SnapshotMachine.TestCase

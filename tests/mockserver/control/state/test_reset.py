"""`/reset`: the namespace as after start."""

from __future__ import annotations

import pytest

from duologue_mock import MockServer, Settings, create_app
from duologue_mock.store import State
from tests.mockserver.clocks import START, ManualClock
from tests.mockserver.control.state.calls import Calls, create_calls


def test_data_logins_and_clock(calls: Calls) -> None:
    start = calls.get("/state")
    token = calls.login()["token"]
    calls.create_user("a@example.com")
    calls.check("PUT", "/clock", {"now": "2030-01-01T00:00:00Z", "frozen": True})
    assert calls.check("POST", "/reset") == {}
    assert calls.get("/state") == start
    assert calls.get_me(token) == 401


def test_limits_and_keys(clock: ManualClock) -> None:
    calls = create_calls(clock, rate_limit=1)
    key = {"Idempotency-Key": "key-1"}
    statuses = [calls.create_user(email, **key).status_code for email in ("a@example.com", "a@example.com")]
    calls.check("POST", "/reset")
    again = calls.create_user("a@example.com", **key)
    assert [*statuses, again.status_code] == [201, 429, 201]
    assert "Idempotency-Replayed" not in again.headers


def test_journal(calls: Calls) -> None:
    calls.list_emails()
    before = calls.get("/requests")["meta"]["total"]
    calls.check("POST", "/reset")
    assert (before, calls.get("/requests")["meta"]["total"]) == (1, 0)


def test_message_mappings(calls: Calls) -> None:
    calls.check("POST", "/message-mappings", {"event": "user:created", "action": "drop"})
    calls.check("POST", "/reset")
    assert list(calls.namespace.interceptor.realtime.mappings) == []  # type: ignore[union-attr]


def test_same_ids_after_reset(calls: Calls) -> None:
    def run() -> list[str]:
        responses = [calls.create_user("a@example.com"), calls.request("GET", "/api/health")]
        return [response.text + str(response.headers) for response in responses] + [calls.login()["refreshToken"]]

    calls.check("POST", "/reset")
    first = run()
    calls.check("POST", "/reset")
    assert run() == first


def test_settings_return(calls: Calls) -> None:
    calls.check("POST", "/presets/rate-limited")
    calls.check("POST", "/reset")
    assert "RateLimit-Limit" not in calls.request("GET", "/api/users").headers


def test_reset_of_one_namespace(calls: Calls) -> None:
    calls.create_user("a@example.com")
    calls.in_namespace("w1").check("POST", "/reset")
    assert "a@example.com" in calls.list_emails()


def test_start_of_a_given_state() -> None:
    """What a test has prepared is the start of every namespace, its clock included."""
    state = State(clock=ManualClock())
    state.clock.advance(5000)
    with state:
        prepared = state.capture()
    calls = Calls(create_app(Settings(), state=state))
    calls.create_user("a@example.com")
    calls.check("DELETE", "/clock")
    calls.check("POST", "/reset")
    assert (calls.list_emails(), calls.get("/clock")["offsetMilliseconds"]) == ([], 5000)
    assert calls.in_namespace("w1").list_emails() == []
    assert prepared.started == START.timestamp()


@pytest.mark.parametrize("seed_state", [True, False])
def test_start_of_mock_server(seed_state: bool) -> None:
    with MockServer(seed_state=seed_state) as mock:
        with mock.state as state:
            users = len(state.users)
            for user in list(state.users):
                state.users.remove(user.id)
        calls = Calls(mock._app)  # type: ignore[arg-type]
        calls.check("POST", "/reset")
        assert len(calls.list_emails()) == users == (2 if seed_state else 0)

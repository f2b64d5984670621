"""What a server promises decides what is judged: a mock keeps each rule whose needs are met, the others say why not."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from duologue.conformance.rules import Rule
from duologue.conformance.running.result import Verdict
from duologue.conformance.running.runner import RunOptions, check
from duologue.conformance.running.selection import Selection
from duologue.conformance.target import raw
from duologue.conformance.target.administrators import Administrators
from duologue.conformance.target.facts import Facts, read_facts
from duologue.conformance.target.raw import has_ipv6, send_raw
from duologue.conformance.target.server import Server
from duologue.conformance.target.target import Login, Target
from duologue_mock import MockServer
from duologue_mock.errors import HTTPError
from duologue_mock.http import rate_limit
from duologue_mock.http.wsgi import WSGIApp

JOHN = Login("john@example.com", "password")
JANE = Login("jane@example.com", "password")


def find_target(mock: MockServer, *logins: Login) -> Target:
    return Target(mock.base_url, mock.chat_base_url, mock.api_key, logins)


def test_facts_of_open_server() -> None:
    with MockServer(rate_limit=None) as mock:
        assert read_facts(find_target(mock)) == Facts(is_local=True, has_ipv6=has_ipv6(), has_clock=True)


def test_facts_of_closed_server() -> None:
    with MockServer(require_auth=True, rate_limit=300, access_token_lifetime=60) as mock:
        facts = read_facts(find_target(mock, JANE, JOHN), without=["events"])

    assert facts == Facts(
        requires_auth=True,
        rate_limit=300,
        has_events=False,
        is_local=True,
        has_ipv6=has_ipv6(),
        has_clock=True,
        admin=JOHN,
        user=JANE,
        token_lifetime=60,
    )


@pytest.mark.parametrize(
    ("facts", "needs", "reason"),
    [
        (Facts(), {"admin", "caller", "events"}, ""),
        (Facts(requires_auth=True), {"admin"}, "needs the login of an administrator"),
        (Facts(requires_auth=True, admin=JOHN), {"admin"}, ""),
        (Facts(requires_auth=True, user=JANE), {"caller"}, ""),
        (Facts(requires_auth=True), {"caller"}, "needs a login"),
        (Facts(), {"closed"}, "needs a server that requires authentication"),
        (Facts(has_events=False), {"events"}, "needs Socket.IO"),
        (Facts(rate_limit=1000), {"low-limit"}, ""),
        (Facts(rate_limit=1001), {"low-limit"}, "needs a server whose limit is low enough"),
        (Facts(), {"ipv6"}, "needs an IPv6 loopback"),
        (Facts(), {"rate-limit", "local"}, "needs a server that limits requests, and a server on this machine"),
    ],
)
def test_obstacle(facts: Facts, needs: set[str], reason: str) -> None:
    rule = Rule("a.b", "A sentence.", "Services", needs=frozenset(needs))

    assert facts.find_obstacle(rule).startswith(reason)
    assert bool(facts.find_obstacle(rule)) == bool(reason)


def test_administrator_where_required() -> None:
    with MockServer(require_auth=True, access_token_lifetime=60) as mock:
        target = find_target(mock, JOHN)
        clock = [0.0]
        server = Server(target.base_url, target.chat_base_url, target.api_key)
        administrators = Administrators(server.anonymous, read_facts(target), lambda: clock[0])

        first = administrators.get_token()
        assert administrators.get_token() == first
        clock[0] = 50.0
        assert administrators.get_token() != first
        assert first
        assert server.platform.with_token(first).get("/users").status_code == 200
        server.close()


def test_another_administrator_before_the_budget_ends() -> None:
    with MockServer(rate_limit=10) as mock:
        target = find_target(mock)
        server = Server(target.base_url, target.chat_base_url, target.api_key)
        administrators = Administrators(server.anonymous, Facts(rate_limit=10))
        administrators.prepare_test()
        first = administrators.get_token()
        assert first
        for _ in range(4):
            administrators.note(server.anonymous.with_token(first).get("/users"))
            administrators.prepare_test()
            assert administrators.get_token() == first
        for _ in range(2):
            administrators.note(server.anonymous.with_token(first).get("/users"))

        administrators.prepare_test()

        token = administrators.get_token()
        assert token
        assert token != first
        response = server.platform.with_token(token).get("/auth/me")
        assert response.json()["role"] == "admin"
        assert int(response.headers["RateLimit-Remaining"]) == 9
        assert administrators.remove_created() == []
        assert server.platform.with_token(token).get("/auth/me").status_code == 401
        server.close()


def test_administrators_that_cannot_be_removed() -> None:
    with MockServer(rate_limit=10) as mock:
        target = find_target(mock)
        server = Server(target.base_url, target.chat_base_url, target.api_key)
        administrators = Administrators(server.anonymous, Facts(rate_limit=10))
        administrators.prepare_test()

    (left_over,) = administrators.remove_created()
    assert left_over.startswith(f"{target.base_url}/users/")
    assert "ConnectionError" in left_over
    server.session.close()


def test_waiting_for_anonymous_requests() -> None:
    with MockServer(rate_limit=20) as mock:
        target = find_target(mock)
        server = Server(target.base_url, target.chat_base_url, target.api_key)
        waits: list[float] = []
        facts = Facts(rate_limit=20, requires_auth=True)  # without a login, no administrator is created
        administrators = Administrators(server.anonymous, facts, lambda: 100.0, waits.append)
        for _ in range(11):
            administrators.note_anonymous(server.anonymous.get("/users"))
            administrators.prepare_test()
        server.close()

    assert len(waits) == 1
    assert 0 < waits[0] <= 60


def test_waiting_before_a_bare_connection() -> None:
    """What is sent on bare connections is not noted."""
    with MockServer(rate_limit=20) as mock:
        target = find_target(mock)
        waits: list[float] = []
        server = Server(target.base_url, target.chat_base_url, target.api_key)
        administrators = Administrators(server.anonymous, Facts(rate_limit=20), lambda: 100.0, waits.append)
        server = replace(server, administrators=administrators)
        for used in (1, 12):
            for _ in range(used):
                send_raw(server.platform_origin, "GET /api/health HTTP/1.1\nHost: {host}\n\n")
            with server.open_connection():
                pass
        server.close()

    assert len(waits) == 1
    assert 0 < waits[0] <= 60


def test_limit_behind_another_response(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first request on a connection may be refused for its form, and the second for the limit."""
    with MockServer(rate_limit=3) as mock:
        monkeypatch.setattr(
            raw, "time", SimpleNamespace(sleep=lambda seconds: mock.control.clock.advance(seconds=seconds))
        )
        get = "GET /api/users/{} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        sent = (get.format("unknown") + get.format("1")).encode()

        assert [raw.read_statuses(mock.origin, sent) for _ in range(3)] == [[404, 200]] * 3


ONLY = ("users", "auth", "chats", "headers", "services", "challenges", "idempotency.platform-users", "events.users")


@pytest.mark.slow
@pytest.mark.parametrize("logins", [(JOHN,), ()], ids=["administrator", "no login"])
def test_closed_server(logins: tuple[Login, ...]) -> None:
    with MockServer(require_auth=True, rate_limit=None) as mock:
        result = check(find_target(mock, *logins), RunOptions(selection=Selection(only=ONLY), seed=1))

    assert [failure.rule + failure.message for failure in result.failures] == []
    kept = {outcome.id for outcome in result.outcomes if outcome.verdict is Verdict.KEPT}
    reasons = {outcome.id: outcome.reason for outcome in result.outcomes if outcome.id not in kept}
    assert ("users.CREATE.created" in kept) == bool(logins)
    assert {"chats.CREATE.created", "auth.ME.token-required"} <= kept
    if not logins:
        assert "a login" in reasons["services.both"]
        assert "administrator" in reasons["users.CREATE.created"]


@pytest.fixture
def short_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the mock renew its limits every few seconds, for a rule waits for it."""
    monkeypatch.setattr(rate_limit, "WINDOW", 8.0)


@pytest.mark.usefixtures("short_minute")
@pytest.mark.slow
def test_limited_server() -> None:
    with MockServer(rate_limit=30) as mock:
        result = check(find_target(mock), RunOptions(selection=Selection(only=("rate-limit",)), seed=1))

    assert [failure.rule + failure.message for failure in result.failures] == []
    assert {outcome.verdict for outcome in result.outcomes} == {Verdict.KEPT}


@pytest.mark.usefixtures("short_minute")
@pytest.mark.slow
def test_refused_change_that_has_an_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no planted fault like the others, because the rule would wait for a minute with each seed."""
    handle = WSGIApp._handle_operation

    def handle_anyway(self: WSGIApp, exchange: Any, *arguments: Any) -> Any:
        try:
            return handle(self, exchange, *arguments)
        except HTTPError as error:
            if (error.status, exchange.request.method) == (429, "POST"):
                with monkeypatch.context() as patch:
                    patch.setattr(exchange.namespace.rate_limiter, "_limit", None)
                    handle(self, exchange, *arguments)
            raise

    monkeypatch.setattr(WSGIApp, "_handle_operation", handle_anyway)
    with MockServer(rate_limit=30) as mock:
        result = check(find_target(mock), RunOptions(selection=Selection(only=("rate-limit.exceeded",)), seed=1))

    assert {failure.rule for failure in result.failures} == {"rate-limit.exceeded"}


@pytest.mark.slow
def test_server_without_events() -> None:
    with MockServer(rate_limit=None) as mock:
        options = RunOptions(selection=Selection(only=("events",)), without=("events",), seed=1)
        result = check(find_target(mock), options)

    assert {outcome.verdict for outcome in result.outcomes} == {Verdict.NOT_JUDGED}
    assert {outcome.reason for outcome in result.outcomes} >= {"needs Socket.IO"}
    assert result.coverage.events == {}

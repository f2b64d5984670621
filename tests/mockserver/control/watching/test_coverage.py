"""Coverage counts what was answered, and names what was not."""

from __future__ import annotations

from contextlib import ExitStack

import requests

from duologue.contract import events, operations
from duologue_mock import MockServer
from duologue_mock.control.watching.coverage import Coverage
from tests.mockserver.listeners import Listener
from tests.mockserver.requests import get_operation


def test_nothing_at_first() -> None:
    shown = Coverage().render()
    documented = [one for one in operations() if not one.always_fails]
    assert [row["operation"] for row in shown["operations"]] == [one.id for one in documented]
    assert all(row["missing"] == row["documented"] and row["count"] == 0 for row in shown["operations"])
    assert shown["summary"]["operations"] == {"seen": 0, "total": len(documented)}
    assert shown["summary"]["events"] == {"seen": 0, "total": len(events())}


def test_counts_by_operation_and_status() -> None:
    coverage = Coverage()
    for status in (200, 404, 200, 599):
        coverage.responses[get_operation("users.GET"), status] += 1
    coverage.responses[None, 404] += 1
    shown = coverage.render()
    [row] = [row for row in shown["operations"] if row["count"]]
    assert (row["operation"], row["statuses"]) == ("users.GET", {"200": 2, "404": 1, "599": 1})
    assert set(row["documented"]) - set(row["missing"]) == {200, 404}
    assert shown["summary"]["operations"]["seen"] == 1
    assert shown["summary"]["statuses"]["seen"] == 2, "599 is not documented"


def test_failures_on_request_show_when_called() -> None:
    coverage = Coverage()
    failing = next(one for one in operations() if one.always_fails)
    coverage.responses[failing, 500] += 1
    assert failing.id in [row["operation"] for row in coverage.render()["operations"]]


def test_sent_events_are_counted() -> None:
    coverage = Coverage()
    coverage.count_event("user:created")
    coverage.count_event("not:of-the-contract")
    counts = {row["event"]: row["count"] for row in coverage.render()["events"]}
    assert sum(counts.values()) == counts["user:created"] == 1


def test_events_without_clients() -> None:
    """An event that no client is sent is not counted."""
    with MockServer() as mock, requests.Session() as http:
        control = f"{mock.origin}/__admin"

        for expected in (0, 1):
            body = {"name": "Ada", "email": f"ada{expected}@example.com"}
            with ExitStack() as stack:
                if expected:
                    stack.callback(Listener(mock.port).close)
                assert http.post(f"{mock.base_url}/users", json=body).status_code == 201
                rows = http.get(f"{control}/coverage").json()["events"]
            assert {row["event"]: row["count"] for row in rows}["user:created"] == expected


def test_clear_starts_again() -> None:
    coverage = Coverage()
    coverage.count_event(events()[0].name)
    coverage.responses[get_operation("users.GET"), 200] += 1
    coverage.clear()
    assert coverage.render() == Coverage().render()

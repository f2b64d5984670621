"""What a test is marked with is compared with what it sends."""

from __future__ import annotations

from contextlib import closing

import pytest

from duologue.conformance.rules import covers, rule
from duologue.conformance.session import pytest_runtest_call, watch
from duologue.conformance.target.server import Server
from duologue.contract import users
from duologue_mock import MockServer

reads_only = rule("a.b", "A sentence.", source="Services", reads_only=True)


def run(mark: pytest.MarkDecorator, request: pytest.FixtureRequest, *methods: str) -> None:
    """Run the hook around a test with a mark that sends requests of these methods to the users."""
    item: pytest.Item = request.node
    item.add_marker(mark)
    hook = pytest_runtest_call(item)
    next(hook)
    with MockServer() as mock, closing(Server(mock.base_url, mock.chat_base_url, mock.api_key)) as server:
        watch(item, server)
        for method in methods:
            server.platform.request(method, "/users", {} if method == "POST" else b"")
    try:
        next(hook, None)
    finally:
        item.own_markers.remove(mark.mark)  # or the run would take this test for one of the rule


def test_reading_only(request: pytest.FixtureRequest) -> None:
    run(_get_mark(reads_only), request, "GET", "HEAD", "OPTIONS")


def test_change_in_a_rule_that_reads_only(request: pytest.FixtureRequest) -> None:
    with pytest.raises(AssertionError, match=r"a\.b says that it reads only, but its test sends \['POST'\]"):
        run(_get_mark(reads_only), request, "GET", "POST")


def test_covered_statuses(request: pytest.FixtureRequest) -> None:
    run(covers(users.LIST, 200), request, "GET")


def test_status_that_is_not_covered(request: pytest.FixtureRequest) -> None:
    with pytest.raises(AssertionError, match=r"marked to cover \[\('users\.LIST', 404\)\]"):
        run(covers(users.LIST, 200, 404), request, "GET")


def _get_mark(decorate: object) -> pytest.MarkDecorator:
    assert isinstance(decorate, pytest.MarkDecorator)
    return decorate

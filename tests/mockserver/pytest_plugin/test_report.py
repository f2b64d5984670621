"""What the report of a failed test says about its namespace."""

from __future__ import annotations

import pytest

from tests.mockserver.pytest_plugin.test_fixtures import Runner, run

__all__ = ["run"]  # a fixture, used by its name

pytest_plugins = ["pytester"]

TITLE = "*duologue: requests of namespace main-test-it-*"


def test_requests_are_shown(run: Runner) -> None:
    code = """
    import pytest
    from duologue import APIError

    def test_it(duologue_client):
        duologue_client.users.get("1")
        with pytest.raises(APIError):
            duologue_client.users.create(name="Ada", email="no address")
        assert False
    """
    result = run(code)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([TITLE, "GET /api/users/1 200", "POST /api/users 400", "    *email*"])


def test_report_has_no_secrets(run: Runner) -> None:
    code = """
    import urllib.request

    def test_it(duologue_mock):
        url = f"{duologue_mock.server_origin}/api/users?access_token={'top' + '-secret'}"
        urllib.request.urlopen(urllib.request.Request(url, headers=dict(duologue_mock.headers))).close()
        assert False
    """
    result = run(code)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([TITLE, "GET /api/users?access_token=* 200"])
    assert "top-secret" not in result.stdout.str()


def test_report_is_short(run: Runner) -> None:
    code = """
    def test_it(duologue_client):
        for number in range(30):
            duologue_client.users.list(search="x" * 90, limit=1 + number)
        assert False
    """
    result = run(code)
    result.stdout.fnmatch_lines([TITLE, "(10 earlier requests)", "*limit=11*"])
    lines = [line for line in result.stdout.lines if line.startswith("GET ")]
    assert len(lines) == 20
    assert max(map(len, lines)) <= 161


SUMMARY = [
    "*= duologue =*",
    "Coverage of the contract: 2 of * operations, 3 of * statuses, 0 of * events.",
    "Violations of the contract: body-field (2).",
]
TWO_TESTS = """
import pytest
from duologue import APIError

@pytest.mark.parametrize("name", ["Ada", "Bob"])
def test_it(duologue_client, name):
    duologue_client.users.get("1")
    duologue_client.users.create(name=name, email="a@example.com") if name == "Ada" else None
    with pytest.raises(APIError):
        duologue_client.users.create(name=name, email="no address")
"""


def test_summary(run: Runner) -> None:
    """Of all tests together, once."""
    result = run(TWO_TESTS)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(SUMMARY)
    assert result.stdout.str().count("Coverage of the contract") == 1


@pytest.mark.slow
def test_summary_of_workers(run: Runner) -> None:
    result = run(TWO_TESTS, "-p", "xdist.plugin", "-n", "2", in_process=False)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(SUMMARY)
    assert result.stdout.str().count("Coverage of the contract") == 1


def test_no_summary_without_requests(run: Runner) -> None:
    assert "duologue =" not in run("def test_it(duologue_mock): pass\ndef test_other(): pass").stdout.str()


def test_nothing_came(run: Runner) -> None:
    result = run("def test_it(duologue_mock): assert False")
    result.stdout.fnmatch_lines([TITLE, "No request came."])


def test_server_is_gone(run: Runner) -> None:
    """That hides nothing of the failure itself."""
    code = """
    import pytest
    from duologue_mock import MockServer

    @pytest.fixture(scope="session")
    def duologue_server():
        with MockServer() as server:
            yield server.control

    def test_it(duologue_mock):
        duologue_mock.shutdown()
        while True:
            duologue_mock.requests()
    """
    result = run(code)
    result.stdout.fnmatch_lines(["*ControlAPIError*", TITLE, "The mock does not say what it was asked: *"])


@pytest.mark.parametrize("outcome", ["assert True", "import pytest; pytest.skip()"], ids=["passed", "skipped"])
def test_success_is_quiet(run: Runner, outcome: str) -> None:
    result = run(f"def test_it(duologue_mock):\n    {outcome}", "-rA")
    assert "requests of namespace" not in result.stdout.str()

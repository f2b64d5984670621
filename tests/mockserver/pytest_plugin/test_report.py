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

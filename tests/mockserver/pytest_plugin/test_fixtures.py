"""The plugin's fixtures and its marker, in pytest runs of their own."""

from __future__ import annotations

import functools
import re

import pytest

from duologue import APIError, Client
from duologue.conformance import plugin
from duologue.contract import users
from duologue_mock import MockServer, pytest_plugin
from duologue_mock.control_client.summary import Summary

pytest_plugins = ["pytester"]

PLUGINS = ("-p", "duologue_mock.pytest_plugin", "-p", "duologue.conformance.plugin")

EXAMPLE = """
import pytest
from duologue.contract import users

@pytest.mark.parametrize("number", range(4))
def test_alone(number, duologue_client, duologue_mock):
    assert duologue_client.users.list().total == 2
    duologue_client.users.create(name="Ada", email="ada@example.com")
    duologue_mock.assert_called(users.CREATE, times=1)
    duologue_mock.stub(users.LIST, status=503)
    duologue_mock.clock.advance(days=1)
    print("namespace", duologue_mock.name)
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Runner:
    import_all()
    return Runner(pytester, monkeypatch)


@functools.cache
def import_all() -> None:
    """Import what is imported when it is used: pytester forgets what was imported in a run, and would have it twice."""
    with MockServer() as mock, Client(base_url=mock.base_url, max_retries=0) as api:
        with pytest.raises(APIError):
            api.users.create(name="Ada", email="no address")
        mock.control.create(preset="empty")
        mock.control.stub(users.GET, status=503)
        mock.control.requests()
        assert Summary().is_empty


class Runner:
    """Runs pytest with the plugin, whether or not an installed one has it as an entry point."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        self._pytester = pytester

    def __call__(self, code: str, *options: str, in_process: bool = True) -> pytest.RunResult:
        self._pytester.makepyfile(code)
        arguments = ("-p", "no:cacheprovider", "-W", "error", *options)
        if not in_process:
            return self._pytester.runpytest_subprocess(*PLUGINS, *arguments)
        return self._pytester.runpytest_inprocess(*arguments, plugins=[pytest_plugin, plugin])


def test_tests_never_meet(run: Runner) -> None:
    result = run(EXAMPLE, "-rP")
    result.assert_outcomes(passed=4)
    names = re.findall(r"^namespace (\S+)$", result.stdout.str(), re.MULTILINE)
    assert len(set(names)) == 4
    assert all(re.fullmatch(r"main-test-alone-[0-3]-[0-9a-f]{8}", name) for name in names)


def test_running_server(run: Runner) -> None:
    """Its namespaces are dropped after the tests, and `default` is not touched."""
    with MockServer() as mock:
        result = run(EXAMPLE, "--duologue-url", mock.origin)
        result.assert_outcomes(passed=4)
        assert mock.control.namespaces() == ["default"]
        assert mock.control.requests() == []


@pytest.mark.slow
def test_workers_share_a_server(run: Runner) -> None:
    with MockServer() as mock:
        options = ("-p", "xdist.plugin", "-n", "2", "-rP", "--duologue-url", mock.origin)
        result = run(EXAMPLE, *options, in_process=False)
        result.assert_outcomes(passed=4)
        names = re.findall(r"^namespace (\S+)$", result.stdout.str(), re.MULTILINE)
        assert {name.partition("-")[0] for name in names} == {"gw0", "gw1"}
        assert len(set(names)) == 4
        assert mock.control.namespaces() == ["default"]


def test_marker(run: Runner) -> None:
    code = """
    import pytest
    from duologue import AuthenticationError, RateLimitError

    @pytest.mark.duologue(preset="empty")
    class TestEmpty:
        def test_preset(self, duologue_client):
            assert duologue_client.users.list().total == 0

        @pytest.mark.duologue(require_auth=True)
        def test_both(self, duologue_client):
            with pytest.raises(AuthenticationError):
                duologue_client.users.list()

        @pytest.mark.duologue(preset=None)
        def test_nearest(self, duologue_client):
            assert duologue_client.users.list().total == 2

    @pytest.mark.duologue(rate_limit=1)
    def test_setting(duologue_client):
        api = duologue_client.with_options(max_retries=0)
        api.users.list()
        with pytest.raises(RateLimitError):
            api.users.list()
    """
    run(code, "--strict-markers").assert_outcomes(passed=4)


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("'empty'", "takes preset=* and settings by name"),
        ("preset='no-such-preset'", "ControlAPIError: 404 *no-such-preset*"),
        ("require_aut=True", "ControlAPIError: 422 *require_aut*"),
    ],
)
def test_invalid_marker(run: Runner, marker: str, message: str) -> None:
    result = run(f"import pytest\n@pytest.mark.duologue({marker})\ndef test_it(duologue_mock): pass")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*{message}*"])


def test_variables_do_not_configure(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BASE_URL", "CHAT_BASE_URL", "ACCESS_TOKEN", "ENVIRONMENT", "TIMEOUT"):
        monkeypatch.setenv(f"DUOLOGUE_{name}", "http://127.0.0.1:1" if name.endswith("URL") else "production")
    code = "def test_it(duologue_client): assert duologue_client.users.list().total == 2"
    run(code).assert_outcomes(passed=1)


def test_client_is_closed(run: Runner) -> None:
    code = """
    clients = []
    def test_first(duologue_client): clients.append(duologue_client)
    def test_second(): assert clients[0].closed
    """
    run(code).assert_outcomes(passed=2)


def test_no_server_without_need(run: Runner) -> None:
    """A run that does not use it starts nothing, and imports nothing of it."""
    code = """
    import sys, threading
    def test_it():
        assert [thread.name for thread in threading.enumerate()].count("duologue-mock") == 0
        assert not {"gevent", "flask", "urllib3", "duologue_mock.control_client"} & set(sys.modules)
    """
    run(code, in_process=False).assert_outcomes(passed=1)

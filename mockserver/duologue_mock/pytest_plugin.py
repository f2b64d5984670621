"""The pytest plugin: a mock server for the session, and a namespace of it for each test that asks for one.

It is loaded in every pytest run of everyone who installs Duologue, so it imports nothing at its top but pytest: what a
fixture needs is imported when the fixture is used. Fixtures and marker have names that no other project uses.
`duologue.conformance.plugin` declares the option `--duologue-url`, which names the server to check, too.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from duologue import Client
    from duologue_mock.control_client.control import MockControl
    from duologue_mock.control_client.journal import LoggedRequest
    from duologue_mock.control_client.summary import Summary

_CONTROL = pytest.StashKey["MockControl"]()
"""Where a test's item has the control of its namespace."""
_SUMMARY = pytest.StashKey["Summary"]()
"""Where the session's configuration has what its namespaces have seen, once there is anything."""
_WORKER_OUTPUT = "duologue_summary"
"""Under which name a worker of xdist sends it."""
_MARKER = "duologue(preset=None, **settings): what the namespace of the fixture `duologue_mock` starts with."
_MAX_NAME = 40
"""Characters of a test's name in the name of its namespace, which has 63 at most."""
_MAX_REQUESTS = 20
"""Requests that the report of a failed test shows."""
_MAX_LINE = 160
"""Characters of each line of it."""


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture(scope="session")
def duologue_server(request: pytest.FixtureRequest) -> Iterator[MockControl]:
    """A mock server: one that runs in this process until the session ends, or that of `--duologue-url`."""
    url = request.config.getoption("--duologue-url", default=None)
    if url:
        from duologue_mock import MockControl

        yield MockControl(url, token=os.environ.get("DUOLOGUE_MOCK_ADMIN_TOKEN"))
        return
    from duologue_mock import MockServer

    with MockServer() as server:
        yield server.control


@pytest.fixture
def duologue_mock(request: pytest.FixtureRequest, duologue_server: MockControl) -> Iterator[MockControl]:
    """A namespace of the mock server for this test alone, as after start; it is dropped when the test ends."""
    control = duologue_server.namespace(_build_name(request))
    options = _read_marker(request.node)
    if options:
        control.create(**options)
    request.node.stash[_CONTROL] = control
    yield control
    seen = control.drop()
    if seen:
        _get_summary(request.config).add(seen["coverage"], seen["byRule"])


@pytest.fixture
def duologue_client(request: pytest.FixtureRequest, duologue_mock: MockControl) -> Iterator[Client]:
    """A `duologue.Client` of the test's namespace; it is closed when the test ends. Variables do not configure it."""
    from duologue import Client

    variables = ("DUOLOGUE_API_KEY",) if request.config.getoption("--duologue-url", default=None) else ()
    with Client(
        base_url=duologue_mock.base_url,
        chat_base_url=duologue_mock.chat_base_url,
        headers=duologue_mock.headers,
        environ={name: os.environ[name] for name in variables if name in os.environ},
    ) as client:
        yield client


@pytest.hookimpl(hookwrapper=True)  # not `wrapper`, which old versions do not know: the plugin must break no tests
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Add what its namespace was asked to the report of a test that failed."""
    outcome = yield
    report = outcome.get_result()
    if report.failed and report.when != "teardown":
        control = item.stash.get(_CONTROL, None)
        if control is not None:
            report.sections.append((f"duologue: requests of namespace {control.name}", _describe_requests(control)))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Have a worker of xdist send what its namespaces have seen."""
    output = getattr(session.config, "workeroutput", None)
    summary = session.config.stash.get(_SUMMARY, None)
    if output is not None and summary is not None:
        output[_WORKER_OUTPUT] = summary.to_json()


@pytest.hookimpl(optionalhook=True)  # xdist's
def pytest_testnodedown(node: Any, error: Any) -> None:
    """Add what the namespaces of a worker have seen; one that crashed has sent nothing."""
    sent = getattr(node, "workeroutput", {}).get(_WORKER_OUTPUT)
    if sent is not None:
        _get_summary(node.config).merge(sent)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what all namespaces have seen: coverage and violations of the contract."""
    summary = config.stash.get(_SUMMARY, None)
    lines = [] if summary is None else summary.describe()
    if lines:
        terminalreporter.section("duologue")
        for line in lines:
            terminalreporter.line(line)


def _get_summary(config: pytest.Config) -> Summary:
    from duologue_mock.control_client.summary import Summary

    return config.stash.setdefault(_SUMMARY, Summary())


def _build_name(request: pytest.FixtureRequest) -> str:
    """Return a name for a test's namespace: no other test has it, in whichever worker or run."""
    config = request.config
    worker = getattr(config, "workerinput", {}).get("workerid", "main")
    test = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:_MAX_NAME].strip("-")
    unique = zlib.crc32(f"{os.getpid()} {request.node.nodeid}".encode())
    return f"{worker}-{test}-{unique:08x}"


def _read_marker(node: pytest.Item) -> dict[str, Any]:
    """Return the preset and the settings that the markers of a test ask for; the nearest wins.

    Raises:
        pytest.UsageError: a marker has arguments without names.
    """
    asked: dict[str, Any] = {}
    for marker in node.iter_markers("duologue"):
        if marker.args:
            raise pytest.UsageError(f"@pytest.mark.duologue takes preset=… and settings by name, not {marker.args!r}.")
        asked = {**marker.kwargs, **asked}
    preset = asked.pop("preset", None)
    return {"preset": preset, "settings": asked or None} if preset or asked else {}


def _describe_requests(control: MockControl) -> str:
    from duologue_mock.control_client.errors import ControlAPIError

    try:
        requests = control.requests()
    except ControlAPIError as error:
        return f"The mock does not say what it was asked: {error}"
    lines = [line for request in requests[-_MAX_REQUESTS:] for line in _describe_request(request)]
    earlier = len(requests) - _MAX_REQUESTS
    return "\n".join([*([f"({earlier} earlier requests)"] if earlier > 0 else []), *lines] or ["No request came."])


def _describe_request(request: LoggedRequest) -> Iterator[str]:
    """Yield a line about a request and its response, and one for each rule that it broke."""
    outcome = request.status if request.status is not None else "no response"
    yield _shorten(f"{request.method} {request.url} {outcome}" + (" (stub)" if request.stub_id else ""))
    for violation in request.violations:
        yield _shorten(f"    {violation.get('message')} {violation.get('cure')}")


def _shorten(line: str) -> str:
    printable = line if line.isprintable() else line.encode("unicode_escape").decode("ascii")
    return printable if len(printable) <= _MAX_LINE else f"{printable[:_MAX_LINE]}…"

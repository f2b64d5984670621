"""Fixtures of the contract tests: the server under test, which they know by its URLs only, and its callers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from duologue.conformance.generated.generation import GENERATED, GenerationOptions, Generations
from duologue.conformance.rules import get_rule
from duologue.conformance.running.registration import register_plugins
from duologue.conformance.session import LEFT_OVER, pytest_runtest_call, watch
from duologue.conformance.shared_requests import Share, SharedRequests
from duologue.conformance.target.administrators import Administrators
from duologue.conformance.target.caller import Api
from duologue.conformance.target.facts import Facts, read_facts
from duologue.conformance.target.listener import Listen, Listener
from duologue.conformance.target.server import Server
from duologue.conformance.target.target import Target

__all__ = ["pytest_runtest_call"]


def pytest_configure(config: pytest.Config) -> None:
    """Register what a run needs besides its options."""
    config.addinivalue_line("markers", "slow: one of those that take longest")
    register_plugins(config)


@pytest.fixture(scope="session")
def facts(duologue_target: Target, request: pytest.FixtureRequest) -> Facts:
    """What the server promises."""
    return read_facts(duologue_target, without=request.config.getoption("--duologue-without"))


@pytest.fixture(autouse=True)
def _skip_without_needs(request: pytest.FixtureRequest, facts: Facts) -> None:
    rule = get_rule(request.node)
    obstacle = facts.find_obstacle(rule) if rule else ""
    if obstacle:
        pytest.skip(obstacle)  # what the server does not promise is not judged; the report names the reason


@pytest.fixture(scope="session")
def administrators(duologue_target: Target, facts: Facts, request: pytest.FixtureRequest) -> Iterator[Administrators]:
    """Who calls the platform where an anonymous caller may not, or has no requests left."""
    server = replace(_build_server(duologue_target), is_checked=False)
    administrators = Administrators(server.anonymous, facts)
    yield administrators
    request.config.stash.setdefault(LEFT_OVER, []).extend(administrators.remove_created())
    server.session.close()


def _build_server(target: Target) -> Server:
    return Server(target.base_url, target.chat_base_url, target.api_key)


@pytest.fixture(scope="session", autouse=True)
def generations(
    request: pytest.FixtureRequest, duologue_target: Target, facts: Facts, administrators: Administrators
) -> Iterator[Generations]:
    """Schemathesis: it works from the start of the run, where no rate limit is to be shared with it."""
    option = request.config.getoption
    rate, examples = option("--duologue-rate-limit"), option("--duologue-max-examples")
    generations = Generations(GenerationOptions(option("--duologue-seed"), examples, rate))
    server = replace(_build_server(duologue_target), administrators=administrators)
    if not (rate or facts.rate_limit or hasattr(request.config, "workerinput")):
        for service in _find_generated(request.session.items, facts):
            generations.start(server, service)
    yield generations
    generations.end(server)
    server.close()
    request.config.stash.setdefault(LEFT_OVER, []).extend(server.record.left_over)


def _find_generated(items: list[pytest.Item], facts: Facts) -> Iterator[str]:
    """Yield the services for which requests are to be generated."""
    for item in items:
        rule = get_rule(item)
        is_wanted = rule is not None and rule.id == GENERATED and not facts.find_obstacle(rule)
        if is_wanted and isinstance(item, pytest.Function):
            yield str(item.callspec.params["service"])


@pytest.fixture
def server(duologue_target: Target, administrators: Administrators, request: pytest.FixtureRequest) -> Iterator[Server]:
    """The shared server. What the test creates there is deleted at its end."""
    if not request.config.getoption("--duologue-read-only"):
        administrators.prepare_test()
    server = replace(_build_server(duologue_target), administrators=administrators)
    watch(request.node, server)
    yield server
    server.close()


@pytest.fixture(scope="session")
def shared_requests(
    duologue_target: Target, administrators: Administrators, request: pytest.FixtureRequest
) -> Iterator[SharedRequests]:
    """Requests that tests share, until the end of the run."""
    shared = SharedRequests()
    yield shared
    server = replace(_build_server(duologue_target), administrators=administrators)
    request.config.stash.setdefault(LEFT_OVER, []).extend(shared.remove_created(server))
    server.close()


@pytest.fixture
def share(server: Server, shared_requests: SharedRequests) -> Share:
    """A valid request for an operation, for a test that sends it only where it is refused, or reads only."""
    return partial(shared_requests.get, server)


@pytest.fixture
def platform(server: Server) -> Api:
    """The shared server's platform, for a caller who may do everything."""
    return server.platform


@pytest.fixture
def chat(server: Server) -> Api:
    """The shared server's chat service, for a new user."""
    return server.chat


@pytest.fixture
def listen(server: Server) -> Iterator[Listen]:
    """Connect to the shared server's platform origin, or to another; disconnected when the test is over."""
    with ExitStack() as stack:

        def connect(origin: str | None = None, **options: Any) -> Listener:
            options.setdefault("auth", server.default_auth)
            listener = Listener(origin or server.platform_origin, record=server.record, **options)
            return stack.enter_context(closing(listener))

        yield connect

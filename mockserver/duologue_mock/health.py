"""Health of both services, and errors on request."""

from __future__ import annotations

from duologue._version import __version__
from duologue.contract import health
from duologue.contract.health import ErrorQuery, Health
from duologue_mock.errors import HTTPError, phrase
from duologue_mock.handler_registry import handler
from duologue_mock.store import State


@handler(health.PLATFORM)
def platform(state: State) -> Health:
    """Say that the platform is up."""
    return _health(state)


@handler(health.CHATS)
def chat(state: State) -> Health:
    """Say that the chat service is up."""
    return _health(state)


@handler(health.ERROR)
def error(query: ErrorQuery) -> None:
    """Fail with the asked status."""
    raise HTTPError(query.status, phrase(query.status).capitalize(), hint=f"Status {query.status} was asked for.")


def _health(state: State) -> Health:
    uptime = round(state.clock.seconds() - state.started, 3)
    return Health(status="ok", timestamp=state.clock.now(), version=__version__, uptime=max(0.0, uptime))

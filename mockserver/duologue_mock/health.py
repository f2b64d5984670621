"""Handlers of health: whether the services are up, and errors on request."""

from __future__ import annotations

from duologue._version import __version__
from duologue.contract import health
from duologue.contract.health import ErrorQuery, Health
from duologue_mock.errors import build_requested_error
from duologue_mock.handler_registry import handler
from duologue_mock.store import State


@handler(health.PLATFORM)
def platform(state: State) -> Health:
    """Return that the platform is up."""
    return _build_health(state)


@handler(health.CHATS)
def chat(state: State) -> Health:
    """Return that the chat service is up."""
    return _build_health(state)


@handler(health.ERROR)
def error(query: ErrorQuery) -> None:
    """Raise the error that the query asks for, with the headers that a response with its status must have."""
    raise build_requested_error(query.status, hint=f"The request asked for status {query.status}.")


def _build_health(state: State) -> Health:
    uptime = round(state.clock.seconds() - state.started, 3)
    return Health(status="ok", timestamp=state.clock.now(), version=__version__, uptime=max(0.0, uptime))

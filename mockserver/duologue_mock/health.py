"""Handlers of health: whether the services are up, and errors on request."""

from __future__ import annotations

from types import MappingProxyType

from duologue._version import __version__
from duologue.contract import health
from duologue.contract.health import ErrorQuery, Health
from duologue_mock.errors import HTTPError, get_reason_phrase
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
    raise HTTPError(
        query.status,
        get_reason_phrase(query.status).capitalize(),
        hint=f"The request asked for status {query.status}.",
        headers=_REQUIRED_HEADERS.get(query.status, ()),
    )


_REQUIRED_HEADERS = MappingProxyType(
    {
        405: [("Allow", "GET, HEAD, OPTIONS")],
        407: [("Proxy-Authenticate", 'Basic realm="mock"')],
        426: [("Upgrade", "websocket"), ("Connection", "close, Upgrade")],
    }
)
"""RFC 9110, sections 15.5.6, 15.5.8 and 15.5.22; those of 401, 429 and 503 come with the error."""


def _build_health(state: State) -> Health:
    uptime = round(state.clock.seconds() - state.started, 3)
    return Health(status="ok", timestamp=state.clock.now(), version=__version__, uptime=max(0.0, uptime))

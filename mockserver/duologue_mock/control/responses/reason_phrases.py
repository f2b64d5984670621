"""Reason phrases of stubs' responses: those of Jetty, which WireMock serves with."""

from __future__ import annotations

from http import HTTPStatus
from types import MappingProxyType

_NUMBERS_ONLY = frozenset({208, 226, 425, 506})
"""Statuses that Jetty has no words for."""

_PHRASES = MappingProxyType(
    {
        203: "Non Authoritative Information",
        413: "Payload Too Large",
        414: "URI Too Long",
        416: "Range Not Satisfiable",
        420: "Enhance your Calm",
        451: "Unavailable for Legal Reason",
        500: "Server Error",
    }
)
"""Where Jetty's words are not those of Python."""


def get_wiremock_phrase(status: int) -> str:
    """Return the reason phrase that WireMock sends with a status: the number where it knows no words."""
    if status in _PHRASES:
        return _PHRASES[status]
    try:
        return f"{status:03}" if status in _NUMBERS_ONLY else HTTPStatus(status).phrase
    except ValueError:
        return f"{status:03}"

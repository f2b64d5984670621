"""Where exceptions of other libraries become ours: those of requests, urllib3, http.client, ssl and the system.

Our errors do not chain the others. Those quote what the server sent, and a server may echo a token; what is useful of
them is in `details["reason"]`.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from typing import Any

import requests
import urllib3

from duologue.errors import (
    APIError,
    CertificateError,
    ClientClosedError,
    ConnectError,
    ConnectionLostError,
    ConnectTimeout,
    DecodingError,
    ProtocolError,
    RequestTimeout,
)

_all = urllib3.exceptions

TRANSPORT_ERRORS = (requests.RequestException, _all.HTTPError, http.client.HTTPException, OSError)
"""Everything that a network, a server or an invalid address can make those libraries raise."""


class TLSHandshakeError(_all.SSLError):
    """The TLS handshake failed, so nothing was sent; urllib3 has the same error for a failure while reading."""


class FramingError(http.client.HTTPException):
    """What arrived is not HTTP; the text says why, without the server's words."""


_MESSAGES: dict[type[APIError], str] = {
    CertificateError: "The certificate of {address} is not valid",
    ConnectTimeout: "Connecting to {address} timed out{after}",
    ConnectError: "Could not connect to {address}",
    RequestTimeout: "The request to {address} timed out{after}",
    ConnectionLostError: "The connection to {address} was lost",
    ProtocolError: "The response of {address} is not HTTP",
}

_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (_all.EmptyPoolError, "all connections of the pool are in use"),
    (http.client.RemoteDisconnected, "the server closed it without a response"),
    (http.client.IncompleteRead, "the body ended early"),
    (TimeoutError, "timed out"),
    (_all.TimeoutError, "timed out"),
)
"""Reasons for which the system has no words."""


def map_exception(error: BaseException, address: str = "", timeout: float | None = None) -> APIError:
    """Return our error for another library's, judged by everything that it wraps: the wrappers say little.

    Args:
        error: any of `TRANSPORT_ERRORS`.
        address: host and port of the server, for the message.
        timeout: the timeout in seconds, for the message.
    """
    causes = list(_unwrap(error))
    kind = _classify(causes)
    after = "" if timeout is None else f" after {timeout:g} s"
    message = _MESSAGES[kind].format(address=address, after=after) if address and kind in _MESSAGES else None
    return kind(message, details={"reason": _find_reason(causes)})


def _classify(causes: list[BaseException]) -> type[APIError]:
    """Return the class of the error; the first sentence that is true decides."""

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if has(_all.ClosedPoolError):
        return ClientClosedError
    if has(ssl.SSLCertVerificationError):
        return CertificateError
    if has(_all.EmptyPoolError):  # all connections were in use for too long
        return ConnectTimeout
    # No ProxyError: urllib3 has it also for a connection through a proxy that is lost after the request was sent.
    if has(_all.NewConnectionError, TLSHandshakeError, _all.LocationValueError):
        return ConnectError
    if has(_all.ConnectTimeoutError):  # after NewConnectionError, which urllib3 derives from it
        return ConnectTimeout
    if has(requests.exceptions.Timeout, _all.TimeoutError, TimeoutError):
        return RequestTimeout
    if has(requests.exceptions.ContentDecodingError, _all.DecodeError):
        return DecodingError
    return ProtocolError if _is_not_http(causes) else ConnectionLostError


def _is_not_http(causes: list[BaseException]) -> bool:
    """Return whether something arrived, but not HTTP: neither a close before the first byte nor one before the last."""
    ended = (http.client.RemoteDisconnected, http.client.IncompleteRead, http.client.NotConnected)
    garbage = (http.client.HTTPException, _all.InvalidHeader)
    cut_off = any(isinstance(cause, ended) for cause in causes)
    return not cut_off and any(isinstance(cause, garbage) for cause in causes)


def _unwrap(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that it wraps, outermost first."""
    waiting: list[Any] = [error]
    visited: set[int] = set()
    while waiting:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and id(cause) not in visited:
            visited.add(id(cause))
            yield cause
            waiting += [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]


def _find_reason(causes: list[BaseException]) -> str:
    """Return the innermost reason, without addresses that may hold a password, or words of the server."""
    invalid = [cause for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)]
    if invalid:
        return f"certificate verify failed: {getattr(invalid[-1], 'verify_message', '') or 'not valid for this host'}"
    framing = [str(cause) for cause in causes if isinstance(cause, FramingError)]
    if framing:
        return framing[-1]
    system = [cause.strerror for cause in causes if isinstance(cause, OSError) and cause.strerror]
    if system:
        return system[-1]
    reasons = (reason for kind, reason in _REASONS if any(isinstance(cause, kind) for cause in causes))
    return next(reasons, type(causes[-1]).__name__)

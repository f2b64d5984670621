"""The door that no foreign error passes: what requests, urllib3, http.client, ssl and the system raise becomes ours.

Our errors do not chain the foreign ones. Those quote what the server sent, and a server may echo a token; what is worth
knowing of them is in `details["reason"]`.
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
"""Everything that a network, a server or an odd address can make those libraries raise."""


class TLSHandshakeError(_all.SSLError):
    """TLS could not be agreed upon, so nothing was sent; urllib3 does not tell this from an error while reading."""


def map_exception(error: BaseException) -> APIError:
    """Return our error for a foreign one, judged by everything that it wraps: the wrappers say little.

    Args:
        error: any of `TRANSPORT_ERRORS`.
    """
    causes = list(_wrapped(error))
    return _kind(causes)(details={"reason": _reason(causes)})


def _kind(causes: list[BaseException]) -> type[APIError]:
    """The kind of an error; the first sentence that is true decides."""

    def found(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if found(_all.ClosedPoolError):
        return ClientClosedError
    if found(ssl.SSLCertVerificationError):
        return CertificateError
    if found(_all.EmptyPoolError):  # all connections were busy for too long
        return ConnectTimeout
    if found(_all.NewConnectionError, TLSHandshakeError, _all.ProxyError, _all.LocationValueError):
        return ConnectError
    if found(_all.ConnectTimeoutError):  # of which urllib3 makes NewConnectionError a kind
        return ConnectTimeout
    if found(requests.exceptions.Timeout, _all.TimeoutError, TimeoutError):
        return RequestTimeout
    if found(requests.exceptions.ContentDecodingError, _all.DecodeError):
        return DecodingError
    return ProtocolError if _is_not_http(causes) else ConnectionLostError


def _is_not_http(causes: list[BaseException]) -> bool:
    """Whether something came, but no HTTP: not a close before the first byte, nor an end before the last."""
    ended = (http.client.RemoteDisconnected, http.client.IncompleteRead, http.client.NotConnected)
    garbage = (http.client.HTTPException, _all.InvalidHeader)
    cut_off = any(isinstance(cause, ended) for cause in causes)
    return not cut_off and any(isinstance(cause, garbage) for cause in causes)


def _wrapped(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that it was made of, outermost first."""
    waiting: list[Any] = [error]
    seen: set[int] = set()
    while waiting:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]


def _reason(causes: list[BaseException]) -> str:
    """Say what was at the bottom of it, without addresses that may hold a password, or words of the server."""
    refused = [cause for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)]
    if refused:
        return f"certificate verify failed: {getattr(refused[-1], 'verify_message', '') or 'not valid for this host'}"
    system = [cause.strerror for cause in causes if isinstance(cause, OSError) and cause.strerror]
    return system[-1] if system else type(causes[-1]).__name__

"""One HTTP exchange: a request goes out, an answer comes back, or one of our own errors.

`Transport` is the seam: one method, one exchange, no retries. Tests and other stacks pass their own to
`Client(transport=…)`. `HTTPTransport` is the real one and, with `retry`, the only place that knows requests and
urllib3; every error of theirs is translated here and nowhere else.
"""

from __future__ import annotations

import http.client
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import requests
import urllib3
from requests.adapters import HTTPAdapter

from duologue import defaults
from duologue.errors import (
    ApiException,
    ConnectionFailed,
    ConnectionLost,
    ConnectTimedOut,
    DecodeError,
    ProtocolError,
    RequestTimedOut,
)

Session = requests.Session
"""What `new_session` makes; so that nobody else needs to know requests."""

Verify = bool | str
Cert = str | tuple[str, str]

_PIECE = 65_536


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, ready to be sent.

    Args:
        method: the verb.
        url: the whole address.
        headers: what to send; values are ASCII without line breaks.
        body: the bytes of the body, None for no body.
        timeout: seconds to connect, and between two pieces of the answer; None waits for ever.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout: float | None = None


class Response:
    """One HTTP answer, whose body is read whole, or piece by piece, once.

    Args:
        status: the HTTP status.
        headers: the headers; names are found in any case.
        body: the bytes, or an iterator of pieces that may still be on their way.
        close: gives the connection back; called once, after the last piece or when the answer is dropped.
    """

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterable[bytes] = b"",
        *,
        close: Callable[[], None] | None = None,
    ) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in (headers or {}).items()}
        self._pieces: Iterator[bytes] = iter([body] if isinstance(body, bytes) else body)
        self._whole: bytes | None = None
        self._close = close

    def header(self, name: str) -> str | None:
        """Return a header's value, None if it is not there."""
        return self.headers.get(name.lower())

    def read(self) -> bytes:
        """Return the whole body and give the connection back; a second call returns the same bytes."""
        if self._whole is None:
            self._whole = b"".join(self.pieces())
        return self._whole

    def pieces(self) -> Iterator[bytes]:
        """Yield the body as it arrives, then give the connection back."""
        try:
            yield from self._pieces
        finally:
            self.close()

    def close(self) -> None:
        """Give the connection back; what was not read is dropped."""
        close, self._close = self._close, None
        if close:
            close()

    def __repr__(self) -> str:
        return f"<Response {self.status}>"


class Transport(Protocol):
    """Anything that can make one HTTP exchange."""

    def send(self, request: Request, /) -> Response:
        """Send a request and return the answer as soon as its headers are there.

        Raises:
            ApiException: the exchange failed; nothing else may be raised for what the network does.
        """
        ...


class _Session(requests.Session):
    """A session that takes nothing from its surroundings and follows nothing.

    A `~/.netrc` entry would replace the Bearer token, and an `HTTP_PROXY` variable would send it to a proxy; a
    redirect would take key and body to wherever the server says. Requests are prepared without the session, so that a
    cookie is never sent back: it would outlive the login.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


class HTTPTransport:
    """The real transport: one `requests.Session` over pooled connections, safe to share between threads.

    urllib3 sets `TCP_NODELAY` by default, so a small request is not held back. Retries are off at this level: the
    caller asks its `RetryPolicy` after each exchange, because only there a cut-off body, an attempt counter, a login
    that must be renewed and a `close()` are in view.

    Args:
        pool_size: idle connections kept for each host; more are made when needed and closed afterwards.
        proxies: a proxy's address by scheme, `{"https": "http://proxy:3128"}`; environment variables are not read.
        verify: whether to check certificates, or the path of a bundle of authorities to check them with.
        cert: the path of a client certificate, or of a certificate and its key.
    """

    def __init__(
        self,
        *,
        pool_size: int = defaults.POOL_SIZE,
        proxies: Mapping[str, str] | None = None,
        verify: Verify = True,
        cert: Cert | None = None,
    ) -> None:
        self._pool_size = pool_size
        self._proxies = dict(proxies or {})
        self._verify = verify
        self._cert = cert
        self._lock = threading.Lock()
        self._session: requests.Session | None = None
        self._process = os.getpid()

    def send(self, request: Request, /) -> Response:
        """Make one exchange; see `Transport.send`."""
        with _translated():
            prepared = requests.Request(
                request.method, request.url, headers=dict(request.headers), data=request.body
            ).prepare()
            timeout = (request.timeout, request.timeout)
            answer = self._our_session().send(prepared, stream=True, timeout=timeout, allow_redirects=False)
        return Response(answer.status_code, answer.headers, _pieces_of(answer), close=answer.close)

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            session, self._session = self._session, None
        if session:
            session.close()

    def new_session(self) -> requests.Session:
        """Return another session with the same proxies and certificates, for whoever speaks HTTP besides us."""
        session = _Session()
        session.headers.clear()
        session.proxies = self._proxies
        session.verify = self._verify
        session.cert = self._cert
        return session

    def _our_session(self) -> requests.Session:
        with self._lock:
            if self._session is None or self._process != os.getpid():  # a fork would share our sockets with its parent
                self._session, self._process = self._pooled_session(), os.getpid()
            return self._session

    def _pooled_session(self) -> requests.Session:
        session = self.new_session()
        adapter = HTTPAdapter(pool_maxsize=self._pool_size, max_retries=0)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        return session


def _pieces_of(answer: requests.Response) -> Iterator[bytes]:
    """Yield an answer's body as it arrives, without the delay that reading full blocks would bring."""
    raw: urllib3.HTTPResponse = answer.raw
    with _translated():
        if raw.chunked:
            yield from raw.stream(_PIECE, decode_content=True)
            return
        while piece := raw.read1(_PIECE, decode_content=True):
            yield piece


@contextmanager
def _translated() -> Iterator[None]:
    """The door that no foreign error passes."""
    try:
        yield
    except (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
        raise _translation(error) from error


def _translation(error: BaseException) -> ApiException:
    """Return our error for a foreign one, judged by everything that it wraps: the wrappers say little."""
    causes = list(_wrapped(error))
    reason = _reason(causes)

    def found(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if found(urllib3.exceptions.NewConnectionError, urllib3.exceptions.SSLError, urllib3.exceptions.ProxyError):
        return ConnectionFailed(details=reason)
    if found(urllib3.exceptions.ConnectTimeoutError):  # of which urllib3 makes NewConnectionError a kind
        return ConnectTimedOut(details=reason)
    if found(requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError):
        return RequestTimedOut(details=reason)
    if found(requests.exceptions.ContentDecodingError, urllib3.exceptions.DecodeError):
        return DecodeError("The answer cannot be unpacked", details=reason)
    if _is_not_http(causes):
        return ProtocolError(details=reason)
    return ConnectionLost(details=reason)


def _is_not_http(causes: list[BaseException]) -> bool:
    """Whether something came, but no HTTP: not a close before the first byte, nor an end before the last."""
    ended = (http.client.RemoteDisconnected, http.client.IncompleteRead, http.client.NotConnected)
    return any(isinstance(cause, http.client.HTTPException) and not isinstance(cause, ended) for cause in causes)


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


def _reason(causes: list[BaseException]) -> dict[str, str]:
    """Say what was at the bottom of it, without addresses that may hold a password."""
    system = [cause for cause in causes if isinstance(cause, OSError) and cause.strerror]
    root = system[-1] if system else causes[-1]
    return {"reason": (system[-1].strerror if system else None) or type(root).__name__}

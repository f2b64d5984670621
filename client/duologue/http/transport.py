"""One HTTP exchange: a request goes out, an answer comes back, or one of our own errors.

`Transport` is the seam: one method, one exchange, no retries. Tests and other stacks pass their own to
`Client(transport=…)`. `HTTPTransport` is the real one. With `adapter`, `connections`, `foreign` and `retry` it is all
that knows requests and urllib3.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast

import requests
import urllib3

from duologue import defaults
from duologue.concurrency import fork_safety
from duologue.errors import APIError, DeadlineExceeded, RequestTimeout, ResponseTooLargeError
from duologue.http.adapter import RetryAdapter
from duologue.http.error_mapping import TRANSPORT_ERRORS, map_exception
from duologue.http.pool import DeadlineTimeout
from duologue.http.retry import RetryPolicy

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
        deadline: seconds from now until the whole exchange, body included, must be over; None for no end.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout: float | None = None
    deadline: float | None = None


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

    def read(self, limit: int | None = None) -> bytes:
        """Return the whole body and give the connection back; a second call returns the same bytes.

        Args:
            limit: the most bytes to read, unpacked; None for any number.

        Raises:
            ResponseTooLargeError: there are more; they are not read.
        """
        if self._whole is None:
            self._whole = b"".join(self.iter_bytes() if limit is None else self._up_to(limit))
        return self._whole

    def _up_to(self, limit: int) -> Iterator[bytes]:
        declared = self.header("Content-Length") or ""
        if declared.isascii() and declared.isdigit() and int(declared[:20]) > limit:
            self.close()
            raise self._too_large(limit)
        size = 0
        with contextlib.closing(self.iter_bytes()) as chunks:
            for piece in chunks:
                size += len(piece)
                if size > limit:
                    raise self._too_large(limit)
                yield piece

    def _too_large(self, limit: int) -> ResponseTooLargeError:
        return ResponseTooLargeError(f"The answer is larger than {limit:,} bytes", status=self.status)

    def iter_bytes(self) -> Generator[bytes, None, None]:
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
            APIError: the exchange failed; nothing else may be raised for what the network does.
        """
        ...


class _Session(requests.Session):
    """A session that takes nothing from its surroundings and follows nothing.

    A `~/.netrc` entry would replace the Bearer token, and an `HTTP_PROXY` variable would send it to a proxy; a
    redirect would take key and body to wherever the server says, and a cookie would outlive the login.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


class HTTPTransport:
    """The real transport: one `requests.Session` with a `RetryAdapter` over pooled connections.

    It is safe to share between threads. A forked process gets connections of its own. Retries are off at this level:
    the caller asks its `RetryPolicy` after each exchange; `adapter` says why.

    Args:
        pool_size: idle connections kept for each host; more are made when needed and closed afterwards.
        pool_block: whether there are never more than that; an exchange then waits, up to its timeout, for its turn.
        proxies: a proxy's address by scheme, `{"https": "http://proxy:3128"}`; environment variables are not read.
        verify: whether to check certificates, or the path of a bundle of authorities to check them with.
        cert: the path of a client certificate, or of a certificate and its key.
    """

    def __init__(
        self,
        *,
        pool_size: int = defaults.POOL_SIZE,
        pool_block: bool = False,
        proxies: Mapping[str, str] | None = None,
        verify: Verify = True,
        cert: Cert | None = None,
    ) -> None:
        self._pool_size = pool_size
        self._pool_block = pool_block
        self._proxies = dict(proxies or {})
        self._verify = verify
        self._cert = cert
        self._closed = False
        self._open()
        fork_safety.watch(self)

    def _open(self) -> None:
        self._lock = threading.Lock()
        self._pools: dict[str, urllib3.HTTPConnectionPool] = {}
        self._adapter = RetryAdapter(RetryPolicy(0), pool_size=self._pool_size, pool_block=self._pool_block)
        self.session = self.new_session()
        self.session.mount("http://", self._adapter)
        self.session.mount("https://", self._adapter)

    def send(self, request: Request, /) -> Response:
        """Make one exchange; see `Transport.send`.

        Raises:
            ClientClosedError: after `close`.
        """
        ends = None if request.deadline is None else time.monotonic() + request.deadline
        try:
            raw = self._sent(request, ends)
        except TRANSPORT_ERRORS as error:
            failure = _told(error, ends)
        else:
            return Response(raw.status, raw.headers, _pieces_of(raw, ends), close=lambda: _given_back(raw))
        raise failure  # not inside `except`: our errors carry nothing foreign along

    def _sent(self, request: Request, ends: float | None) -> urllib3.BaseHTTPResponse:
        origin, target = _split(request.url)
        pool = self._pools.get(origin) or self._new_pool(origin)
        if self._proxies:
            target = self._adapter.request_url(_prepared(request.url), self._proxies)
        patience = DeadlineTimeout(request.timeout, ends)
        return self._adapter.exchange(pool, request.method, target, request.headers, request.body, patience)

    def _new_pool(self, origin: str) -> urllib3.HTTPConnectionPool:
        """Return the pool for an origin.

        Pools are made only here, under the lock under which `close` ends them, so that an exchange which meets `close`
        on its way cannot open a connection behind its back.
        """
        with self._lock:
            if self._closed:
                raise urllib3.exceptions.ClosedPoolError(None, "closed")  # type: ignore[arg-type]  # no pool is left to name
            if origin not in self._pools:
                prepared = _prepared(origin)
                found = self._adapter.get_connection_with_tls_context(prepared, self._verify, self._proxies, self._cert)
                pool = cast(urllib3.HTTPConnectionPool, found)
                self._adapter.cert_verify(pool, origin, self._verify, self._cert)  # type: ignore[no-untyped-call]  # requests has no types
                self._pools[origin] = pool
            return self._pools[origin]

    def close(self) -> None:
        """Close the idle connections, for good; exchanges that are under way end, and close theirs."""
        with self._lock:
            self._closed = True
            self.session.close()

    def new_session(self) -> requests.Session:
        """Return another session with the same proxies and certificates, for whoever speaks HTTP besides us."""
        session = _Session()
        session.headers.clear()
        session.proxies = self._proxies
        session.verify = self._verify
        session.cert = self._cert
        return session

    def after_fork(self) -> None:
        """Let go of the parent's connections, without a word on them, and start with none."""
        for pool in self._pools.values():
            for connection in list(pool.pool.queue) if pool.pool else ():
                if connection is not None and connection.sock is not None:
                    connection.sock.close()  # our copy of the descriptor; to the parent and the server nothing happens
        self._open()


def _split(url: str) -> tuple[str, str]:
    """Return origin and target of an address, as `http://host:80` and `/path?query`."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    if "?" in host:
        host, _, query = rest.partition("?")
        return f"{scheme}://{host}", f"/?{query}"
    return f"{scheme}://{host}", f"/{path}" if slash else "/"


def _prepared(url: str) -> requests.PreparedRequest:
    """Return a request that is only an address, for requests' own questions about it."""
    made = requests.PreparedRequest()
    made.method, made.url, made.headers = "GET", url, requests.structures.CaseInsensitiveDict()
    return made


def _pieces_of(raw: urllib3.BaseHTTPResponse, ends: float | None) -> Iterator[bytes]:
    """Yield an answer's body as it arrives, without the delay that reading full blocks would bring."""
    try:
        yield from raw.stream(_PIECE, decode_content=True) if raw.chunked else _unframed(raw)
        return
    except (*TRANSPORT_ERRORS, ValueError) as error:  # the last for a chunk of a negative size
        failure = _told(error, ends)
    raise failure


def _unframed(raw: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    plain = "content-encoding" not in raw.headers
    while piece := raw.read1(_PIECE, decode_content=True):
        yield piece
        if plain and raw.length_remaining == 0:
            return


def _given_back(raw: urllib3.BaseHTTPResponse) -> None:
    """Return a connection to its pool; one with a rest of an answer on it is closed first."""
    raw.close()
    raw.release_conn()


def _told(error: BaseException, ends: float | None) -> APIError:
    failure = map_exception(error)
    late = ends is not None and time.monotonic() >= ends
    return DeadlineExceeded() if late and isinstance(failure, RequestTimeout) else failure

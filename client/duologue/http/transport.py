"""One HTTP exchange: a request is sent, and a response returned or an `APIError` raised.

`Transport` is the seam: one method, one exchange, no retries. Tests and other HTTP stacks pass their own to
`Client(transport=…)`. `HTTPTransport` is the real one. With `adapter`, `pool` and `error_mapping` it is all that knows
requests and urllib3.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast

import requests
import urllib3

from duologue import defaults
from duologue.concurrency import fork_safety
from duologue.errors import APIError, DeadlineExceeded, ProtocolError, RequestTimeout, ResponseTooLargeError
from duologue.http.adapter import RetryAdapter
from duologue.http.content_coding import decode
from duologue.http.error_mapping import TRANSPORT_ERRORS, map_exception
from duologue.http.pool import DeadlineTimeout
from duologue.http.retry import RetryPolicy

Session = requests.Session
"""The type of `HTTPTransport.new_session`, for modules that do not import requests."""

Verify = bool | str
Cert = str | tuple[str, str]

_CHUNK_SIZE = 65_536


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, ready to be sent.

    Args:
        method: the HTTP method.
        url: the whole URL.
        headers: the headers; values are ASCII without line breaks.
        body: the bytes of the body, None for no body.
        timeout: seconds to connect, and between two reads of the response; None for no limit.
        deadline: seconds from now until the whole exchange, body included, must be over; None for no limit.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout: float | None = None
    deadline: float | None = None


class Response:
    """One HTTP response, whose body is read whole, or chunk by chunk, once.

    Args:
        status: the HTTP status.
        headers: the headers; names are matched in any case.
        body: the bytes, or an iterator of chunks that may still arrive.
        close: returns the connection to its pool; called once, after the last chunk or when the response is dropped.
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
        self._chunks: Iterator[bytes] = iter([body] if isinstance(body, bytes) else body)
        self._content: bytes | None = None
        self._close = close

    def header(self, name: str) -> str | None:
        """Return a header's value, None if the response does not have it."""
        return self.headers.get(name.lower())

    def read(self, limit: int | None = None) -> bytes:
        """Return the whole body and the connection to its pool; a second call returns the same bytes.

        Args:
            limit: the most bytes to read, decompressed; None for no limit.

        Raises:
            ResponseTooLargeError: there are more; they are not read.
        """
        if self._content is None:
            self._content = b"".join(self.iter_bytes() if limit is None else self._iter_limited(limit))
        return self._content

    def _iter_limited(self, limit: int) -> Iterator[bytes]:
        declared = self.header("Content-Length") or ""
        if declared.isascii() and declared.isdigit() and int(declared[:20]) > limit:
            self.close()
            raise self._build_size_error(limit)
        size = 0
        with contextlib.closing(self.iter_bytes()) as chunks:
            for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise self._build_size_error(limit)
                yield chunk

    def _build_size_error(self, limit: int) -> ResponseTooLargeError:
        message = f"The response is larger than {limit:,} bytes; max_response_size raises the limit"
        return ResponseTooLargeError(message, status=self.status)

    def iter_bytes(self) -> Generator[bytes, None, None]:
        """Yield the body as it arrives, then return the connection to its pool."""
        try:
            yield from self._chunks
        finally:
            self.close()

    def close(self) -> None:
        """Return the connection to its pool; what was not read is dropped."""
        close, self._close = self._close, None
        if close:
            close()

    def __repr__(self) -> str:
        return f"<Response {self.status}>"


class Transport(Protocol):
    """Anything that can send one HTTP request."""

    def send(self, request: Request, /) -> Response:
        """Send a request and return the response as soon as its headers have arrived.

        Raises:
            APIError: the exchange failed; nothing else may be raised for what the network does.
        """
        ...


class _Session(requests.Session):
    """A session that reads no settings of the environment and follows no redirects.

    A `~/.netrc` entry would replace the Bearer token, and an `HTTP_PROXY` variable would send it to a proxy; a
    redirect would send key and body to wherever the server says, and a cookie would outlive the login.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


class HTTPTransport:
    """The real transport: one `requests.Session` with a `RetryAdapter` over pooled connections.

    It may be shared between threads. A forked process gets connections of its own. Retries are off at this level:
    `APIRequestor` consults its `RetryPolicy` after each exchange; `adapter` says why.

    Args:
        pool_size: idle connections to keep for each host; more are opened when needed and closed afterwards.
        pool_block: whether there are never more than that; a request then waits for one, up to its timeout.
        proxies: a proxy's URL by scheme, `{"https": "http://proxy:3128"}`; environment variables are not read.
        verify: whether to verify certificates, or the path of a bundle of authorities to verify them with.
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
        """Send one request; see `Transport.send`.

        Raises:
            ClientClosedError: after `close`.
        """
        deadline = None if request.deadline is None else time.monotonic() + request.deadline
        try:
            raw = self._exchange(request, deadline)
        except TRANSPORT_ERRORS as error:
            failure = _map_exception(error, request, deadline)
        else:
            headers = dict(raw.headers.itermerged())
            return Response(raw.status, headers, _iter_body(raw, request, deadline), close=lambda: _release(raw))
        raise failure  # not inside `except`: our errors do not chain those of other libraries

    def _exchange(self, request: Request, deadline: float | None) -> urllib3.BaseHTTPResponse:
        origin, target = _split(request.url)
        pool = self._pools.get(origin) or self._create_pool(origin)
        if self._proxies:
            target = self._adapter.request_url(_prepare(request.url), self._proxies)
        timeout = DeadlineTimeout(request.timeout, deadline)
        return self._adapter.exchange(pool, request.method, target, request.headers, request.body, timeout)

    def _create_pool(self, origin: str) -> urllib3.HTTPConnectionPool:
        """Return the pool for an origin.

        Pools are created only here, under the lock that `close` holds while it closes them, so that a request which
        runs at the same time cannot open another connection afterwards.
        """
        with self._lock:
            if self._closed:
                raise urllib3.exceptions.ClosedPoolError(None, "closed")  # type: ignore[arg-type]  # no pool is left to name
            if origin not in self._pools:
                arguments = (_prepare(origin), self._verify, self._proxies, self._cert)
                pool = cast(urllib3.HTTPConnectionPool, self._adapter.get_connection_with_tls_context(*arguments))
                self._adapter.cert_verify(pool, origin, self._verify, self._cert)  # type: ignore[no-untyped-call]  # requests has no types
                self._pools[origin] = pool
            return self._pools[origin]

    def close(self) -> None:
        """Close the idle connections, finally; requests in flight finish, and close theirs."""
        with self._lock:
            self._closed = True
            self.session.close()

    def new_session(self) -> requests.Session:
        """Return another session with the same proxies and certificates, for HTTP besides ours: Socket.IO's polling."""
        session = _Session()
        session.headers.clear()
        session.proxies = self._proxies
        session.verify = self._verify
        session.cert = self._cert
        return session

    def after_fork(self) -> None:
        """Drop the parent's connections, without sending anything on them, and start with none."""
        for pool in self._pools.values():
            for connection in list(pool.pool.queue) if pool.pool else ():
                if connection is not None and connection.sock is not None:
                    connection.sock.close()  # our copy of the descriptor; to the parent and the server nothing happens
        self._open()


def _split(url: str) -> tuple[str, str]:
    """Return origin and target of a URL, as `http://host:80` and `/path?query`."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    if "?" in host:
        host, _, query = rest.partition("?")
        return f"{scheme}://{host}", f"/?{query}"
    return f"{scheme}://{host}", f"/{path}" if slash else "/"


def _prepare(url: str) -> requests.PreparedRequest:
    """Return a request that is only a URL, for those methods of requests that want one."""
    request = requests.PreparedRequest()
    request.method, request.url, request.headers = "GET", url, requests.structures.CaseInsensitiveDict()
    return request


def _iter_body(raw: urllib3.BaseHTTPResponse, request: Request, deadline: float | None) -> Iterator[bytes]:
    """Yield a response's body as it arrives, without the delay that reading full blocks would bring."""
    try:
        pieces = raw.stream(_CHUNK_SIZE, decode_content=False) if raw.chunked else _iter_unchunked(raw)
        content_encoding = raw.headers.get("content-encoding")
        yield from decode(pieces, content_encoding) if content_encoding else pieces
        return
    except TRANSPORT_ERRORS as error:
        failure = _map_exception(error, request, deadline)
    if isinstance(failure, ProtocolError):
        failure.status = raw.status  # the head was HTTP
    raise failure


def _iter_unchunked(raw: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    while chunk := raw.read1(_CHUNK_SIZE, decode_content=False):
        yield chunk
        if raw.length_remaining == 0:
            return


def _release(raw: urllib3.BaseHTTPResponse) -> None:
    """Return a connection to its pool; one with the rest of a response on it is closed first."""
    raw.close()
    raw.release_conn()


def _map_exception(error: BaseException, request: Request, deadline: float | None) -> APIError:
    failure = map_exception(error, _get_address(request.url), request.timeout)
    late = deadline is not None and time.monotonic() >= deadline
    return DeadlineExceeded() if late and isinstance(failure, RequestTimeout) else failure


def _get_address(url: str) -> str:
    """Return the host and port of a URL, as `localhost:3001`, without a password."""
    scheme, _, rest = _split(url)[0].partition("://")
    host = rest.rpartition("@")[2]
    return host if re.search(r":[0-9]+$", host) else f"{host}:{443 if scheme == 'https' else 80}"

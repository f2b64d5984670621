"""The `requests` adapter: where a user of requests looks for retries.

    session = requests.Session()
    session.mount("https://", RetryAdapter(RetryPolicy(3, budget=RetryBudget())))

On an ordinary session the adapter retries by itself, through urllib3's own loop. `Client` uses the same adapter, the
same connections and the same policy, but with a loop of its own (`api_requestor.APIRequestor`), since urllib3's cannot
do four things: number the attempts in a header, retry when a *body* ends early (urllib3 has returned the response by
then), refresh a token in between, and stop waiting when the client is closed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import urllib3
from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError, ResponseError
from urllib3.util import Retry

from duologue import defaults
from duologue.contract import headers as names
from duologue.errors import APIError, error_class
from duologue.http.error_mapping import map_exception
from duologue.http.pool import POOLS, DeadlineTimeout
from duologue.http.retry import RetryPolicy, parse_retry_after

_NO_RETRIES = Retry(False, redirect=False)

_MAX_POOLS = 1_000_000
"""Pools, one for each host, are never evicted: a thread that has looked one up may keep it."""


class PolicyRetry(Retry):
    """urllib3's `Retry`, which counts the attempts of one request and leaves each decision to a `RetryPolicy`.

    Args:
        total: the retries left.
        policy: decides.
        has_idempotency_key: whether the request carries an idempotency key; see `for_headers`.
        delay: seconds to wait before the next attempt.
        options: urllib3's other options.
    """

    def __init__(
        self,
        total: Any = None,
        *,
        policy: RetryPolicy,
        has_idempotency_key: bool = False,
        delay: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(total, **{**options, "raise_on_status": False})
        self.policy = policy
        self.has_idempotency_key = has_idempotency_key
        self.delay = delay

    def new(self, **options: Any) -> PolicyRetry:
        """Return a copy with changes; urllib3 creates one for each attempt."""
        state = {"policy": self.policy, "has_idempotency_key": self.has_idempotency_key}
        return super().new(**{**state, **options})

    def for_headers(self, headers: Mapping[str, str]) -> PolicyRetry:
        """Return the `Retry` for a request with these headers; the pool calls it, because urllib3 does not."""
        return self.new(has_idempotency_key=True) if names.IDEMPOTENCY_KEY in headers else self

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        """Return whether urllib3 should call `increment` for a response; that decides."""
        return bool(self.total) and status_code in self.policy.statuses

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: urllib3.BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: TracebackType | None = None,
    ) -> PolicyRetry:
        """Return the `Retry` for the next attempt; raise the final error, which is urllib3's only way to give up."""
        failure = _build_failure(response) if response is not None else map_exception(error or OSError())
        delay = self.policy.next(
            failure,
            attempt=len(self.history) + 1,
            method=method or "",
            has_idempotency_key=self.has_idempotency_key,
        )
        if delay is None:
            reason = error or ResponseError(ResponseError.SPECIFIC_ERROR.format(status_code=failure.status))
            raise MaxRetryError(_pool, url or "", reason).with_traceback(_stacktrace or sys.exc_info()[2])
        retry = super().increment(method, url)  # without the error, which urllib3's own rules would raise again
        assert isinstance(retry, PolicyRetry)
        retry.delay = delay
        return retry

    def sleep(self, response: urllib3.BaseHTTPResponse | None = None) -> None:
        """Wait before urllib3's next attempt."""
        time.sleep(self.delay)


def _build_failure(response: urllib3.BaseHTTPResponse) -> APIError:
    """Return the error for the status and headers of a response whose body is not read."""
    retry_after = parse_retry_after(response.headers.get(names.RETRY_AFTER), datetime.now(UTC))
    return error_class(response.status)(status=response.status, retry_after=retry_after)


class RetryAdapter(HTTPAdapter):
    """A `requests.adapters.HTTPAdapter` that follows a `RetryPolicy`, on connections that recover and keep deadlines.

    What it adds to requests' own: requests with an `Idempotency-Key` are retried whatever their method; an idle
    connection that turns out to be closed is replaced at once; the last response is returned, not lost, when no retries
    are left; malformed headers are an error. `TCP_NODELAY` is on, as urllib3 has it, so that a small request is not
    delayed.

    Args:
        policy: what is retried, and when; by default `RetryPolicy()`.
        pool_size: idle connections to keep for each host.
        pool_block: whether there are never more connections than that.
    """

    def __init__(
        self,
        policy: RetryPolicy | None = None,
        *,
        pool_size: int = defaults.POOL_SIZE,
        pool_block: bool = False,
    ) -> None:
        policy = policy or RetryPolicy()
        retry = PolicyRetry(policy.max_retries, policy=policy)
        super().__init__(_MAX_POOLS, pool_size, max_retries=retry, pool_block=pool_block)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Create the manager of the pools; requests calls it."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> urllib3.ProxyManager:
        """Return the manager of the pools behind a proxy; requests calls it."""
        manager: urllib3.ProxyManager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def close(self) -> None:
        """Close all idle connections now: requests leaves it to the garbage collector."""
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for pool in map(manager.pools.get, manager.pools.keys()):
                if pool is not None:
                    pool.close()
        super().close()

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Any:
        """Send a request of an ordinary session, with retries; see `requests.adapters.HTTPAdapter.send`."""
        response = super().send(request, *args, **options)
        budget = self.max_retries.policy.budget if isinstance(self.max_retries, PolicyRetry) else None
        if budget and response.ok:
            budget.refund(len(getattr(getattr(response.raw, "retries", None), "history", ())))
        return response

    def exchange(
        self,
        pool: urllib3.HTTPConnectionPool,
        method: str,
        target: str,
        headers: Any,
        body: Any,
        timeout: DeadlineTimeout,
    ) -> urllib3.BaseHTTPResponse:
        """Send one request without retries and return urllib3's response.

        This is what `send` comes to, without what a `requests.Response` would cost here: a jar for cookies that are
        refused, another dictionary of headers, and the guess of an encoding.
        """
        return pool.urlopen(
            method,
            target,
            body=body,
            headers=headers,
            retries=_NO_RETRIES,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
            timeout=timeout,
            pool_timeout=timeout.remaining(),  # type: ignore[arg-type]  # declared int, but fractions work
        )

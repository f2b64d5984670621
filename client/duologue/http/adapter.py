"""The `requests` adapter: where a user of requests looks for retries.

    session = requests.Session()
    session.mount("https://", RetryAdapter(RetryPolicy(3, budget=RetryBudget())))

On an ordinary session the adapter retries by itself, through urllib3's own loop. `Client` uses the same adapter, the
same connections and the same policy, but with a loop of its own (`api_requestor.APIRequestor`), since urllib3's cannot
do four things: number the attempts in a header, send again when a *body* breaks off (urllib3 has returned the response
by then), refresh a login in between, and wake up from a wait when the client is closed.
"""

from __future__ import annotations

from typing import Any

import urllib3
from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from duologue import defaults
from duologue.http.pool import POOLS, DeadlineTimeout
from duologue.http.retry import RetryPolicy

_ONCE = Retry(False, redirect=False)

_MANY = 1_000_000
"""Pools, one for each host, are never given up: whoever looks one up may keep it."""


class RetryAdapter(HTTPAdapter):
    """A `requests.adapters.HTTPAdapter` that follows a `RetryPolicy`, on connections that recover and keep deadlines.

    What it adds to requests' own: requests with an `Idempotency-Key` are repeated whatever their verb; a kept
    connection that turns out to be closed is replaced at once; the last answer is returned, not lost, when the retries
    are spent; malformed headers are an error. `TCP_NODELAY` is on, as urllib3 has it, so that a small request is not
    held back.

    Args:
        policy: what is retried, and when; by default three times.
        pool_size: idle connections kept for each host.
        pool_block: whether there are never more connections than that.
    """

    def __init__(
        self,
        policy: RetryPolicy | None = None,
        *,
        pool_size: int = defaults.POOL_SIZE,
        pool_block: bool = False,
    ) -> None:
        super().__init__(_MANY, pool_size, max_retries=policy or RetryPolicy(), pool_block=pool_block)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make the pools' manager, as requests asks."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> urllib3.ProxyManager:
        """Return the manager of the pools behind a proxy, as requests asks."""
        manager: urllib3.ProxyManager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def close(self) -> None:
        """Close all connections that are not in use, now: requests leaves it to the garbage collector."""
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for pool in map(manager.pools.get, manager.pools.keys()):
                if pool is not None:
                    pool.close()
        super().close()

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Any:
        """Send a request of an ordinary session, with retries; see `requests.adapters.HTTPAdapter.send`."""
        answer = super().send(request, *args, **options)
        budget = getattr(self.max_retries, "budget", None)
        if budget and answer.ok:
            budget.refund(len(getattr(getattr(answer.raw, "retries", None), "history", ())))
        return answer

    def exchange(
        self,
        pool: urllib3.HTTPConnectionPool,
        method: str,
        target: str,
        headers: Any,
        body: Any,
        patience: DeadlineTimeout,
    ) -> urllib3.BaseHTTPResponse:
        """Make one exchange without retries and return urllib3's answer.

        This is what `send` comes to, without what a `requests.Response` would cost here: a jar for cookies we refuse,
        another dictionary of headers, and the guess of an encoding.
        """
        return pool.urlopen(
            method,
            target,
            body=body,
            headers=headers,
            retries=_ONCE,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
            timeout=patience,
            pool_timeout=patience.left(),  # type: ignore[arg-type]  # fractions are fine
        )

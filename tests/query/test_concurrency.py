"""The pieces that the query layer and the helpers share: the latest call's state, and a pool that may close itself."""

from __future__ import annotations

import threading

import pytest

from duologue.concurrency.latest_state import LatestState
from duologue.concurrency.worker_pool import WorkerPool
from tests.query.fakes import TIMEOUT, BlockingFunction


def test_latest_call_wins() -> None:
    latest = LatestState("initial")
    states: list[str] = []
    unsubscribe = latest.subscribe(states.append)
    first = latest.start("first")
    second = latest.start("second")
    latest.set(first, "late result")
    latest.set(second, "result")
    unsubscribe()
    latest.set(second, "unseen")
    assert states == ["first", "second", "result"]
    assert latest.value == "unseen"


def test_pool_closes_itself() -> None:
    pool = WorkerPool(2, "test-pool")
    pool.submit(pool.close).result(TIMEOUT)
    with pytest.raises(RuntimeError):
        pool.submit(pool.close)


@pytest.mark.parametrize("cancel", [True, False])
def test_pool_close_waits(cancel: bool) -> None:
    pool = WorkerPool(1, "test-pool")
    blocking, queued = BlockingFunction(), threading.Event()
    running = pool.submit(blocking)
    waiting = pool.submit(queued.set)
    assert blocking.started.wait(TIMEOUT)
    closing = threading.Thread(target=lambda: pool.close(cancel=cancel), daemon=True)
    closing.start()
    blocking.release.set()
    closing.join(TIMEOUT)
    assert running.result(TIMEOUT) == "result"
    assert waiting.cancelled() or not cancel or queued.is_set()
    assert queued.is_set() or cancel

"""Fetches that join, replace, time out, are cancelled or invalidated; with data in between."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from duologue import ServerError
from duologue.query import QueryCancelledError, QueryClient, QueryResult, QueryTimeout
from tests.query.fakes import TIMEOUT, BlockingFunction, FakeClock, FakeFunction, Stage, Thread, observe, wait_until

BUSY = ServerError(status=503)


def get_state(queries: QueryClient) -> Any:
    state = queries.get_state(("a",))
    assert state is not None
    return state


def test_join_running_background_fetch(clock: FakeClock) -> None:
    """A thread waits for the fetch that a background thread is in, and does not call the function itself."""
    with ThreadPoolExecutor(1) as executor, QueryClient(clock=clock, executor=executor) as queries:
        blocking = BlockingFunction("data")
        queries.prefetch(("a",), blocking)
        assert blocking.started.wait(TIMEOUT)
        thread = Thread(lambda: queries.fetch(("a",), blocking))
        (fetch,) = queries.fetcher._fetches
        wait_until(lambda: fetch.waiters == 1)
        with pytest.raises(QueryTimeout):
            queries.fetch(("a",), blocking, timeout=5)
        blocking.release.set()
        assert thread.result == "data"
        assert blocking.calls == 1


def test_refetch_replaces(queries: QueryClient) -> None:
    """A refetch replaces a fetch in progress, whose callers get the newer data; what it returns is dropped."""
    queries.set_data(("a",), "old")
    first, second = BlockingFunction("first"), BlockingFunction("second")
    slow = Thread(lambda: queries.query(("a",), first).refetch())
    assert first.started.wait(TIMEOUT)
    fast = Thread(lambda: queries.query(("a",), second).refetch())
    assert second.started.wait(TIMEOUT)
    assert queries.is_fetching() == 1
    first.release.set()
    wait_until(lambda: len(queries.fetcher._fetches) == 1)
    assert get_state(queries).data == "old"
    second.release.set()
    assert (slow.result, fast.result, get_state(queries).data) == ("second", "second", "second")
    assert queries.wait_idle(timeout=0)


def test_refetch_without_data(queries: QueryClient) -> None:
    """There is nothing to show meanwhile, so a refetch joins the first fetch."""
    blocking = BlockingFunction("first")
    slow = Thread(lambda: queries.fetch(("a",), blocking))
    assert blocking.started.wait(TIMEOUT)
    fast = Thread(lambda: queries.query(("a",), FakeFunction("never")).refetch())
    (fetch,) = queries.fetcher._fetches
    wait_until(lambda: fetch.waiters == 2)
    blocking.release.set()
    assert (slow.result, fast.result) == ("first", "first")


@pytest.mark.parametrize("used", [3, 7])
def test_timeout_of_replaced_fetch(queries: QueryClient, clock: FakeClock, used: float) -> None:
    """The timeout is one for both: the fetch that was waited for first, and the one that has replaced it."""
    queries.set_data(("a",), "old")
    first, second = BlockingFunction("first"), BlockingFunction("second")
    slow = Thread(lambda: queries.query(("a",), first).refetch())
    assert first.started.wait(TIMEOUT)
    sleep, threads = clock.sleep, [slow]

    def replace_meanwhile(seconds: float, until: threading.Event) -> None:
        if len(threads) == 1:
            clock.advance(used)
            threads.append(Thread(lambda: queries.query(("a",), second).refetch()))
            assert second.started.wait(TIMEOUT)
        else:
            sleep(seconds, until)

    fetch = queries.fetcher.start(queries.query(("a",), None).spec)
    clock.sleep = replace_meanwhile  # type: ignore[method-assign]
    with pytest.raises(QueryTimeout):
        queries.fetcher.wait(fetch, 5)
    clock.sleep = sleep  # type: ignore[method-assign]
    assert clock.slept == [max(5 - used, 0)]
    for blocking in (first, second):
        blocking.release.set()
    assert [thread.result for thread in threads] == ["second", "second"]


def test_cancelled_after_replacement(queries: QueryClient) -> None:
    """The state is that from before the first of the two fetches, its error included."""
    queries.set_data(("a",), "old")
    with pytest.raises(ServerError):
        queries.query(("a",), FakeFunction(BUSY), retry=0).refetch()
    before = get_state(queries)
    first, second = BlockingFunction("never"), BlockingFunction("never")
    threads = []
    for blocking in (first, second):
        threads.append(Thread(queries.query(("a",), blocking).refetch))
        assert blocking.started.wait(TIMEOUT)
    queries.cancel(("a",))
    assert get_state(queries) == before
    assert (before.status, before.failure_count) == ("error", 1)
    for thread, blocking in zip(threads, (first, second), strict=True):
        blocking.release.set()
        with pytest.raises(QueryCancelledError):
            _ = thread.result
    assert get_state(queries) == before


def test_cancel_between_attempts(queries: QueryClient, clock: FakeClock) -> None:
    """The function is not called again, and nothing is left of the failure."""

    def cancel(seconds: float, until: threading.Event) -> None:
        assert (get_state(queries).failure_count, get_state(queries).failure_reason) == (1, BUSY)
        queries.cancel(("a",))
        assert until.is_set()

    clock.sleep = cancel  # type: ignore[method-assign]
    with pytest.raises(QueryCancelledError):
        queries.fetch(("a",), server := FakeFunction(BUSY))
    assert server.calls == 1
    assert (get_state(queries).status, get_state(queries).failure_count) == ("loading", 0)


def test_close_between_attempts(stage: Stage) -> None:
    """An observer that closes while its fetch waits for the next attempt: there is none."""
    observer, _ = observe(stage, ("a",), server := FakeFunction(BUSY))
    stage.clock.sleep = lambda *_: observer.close()  # type: ignore[method-assign]
    stage.executor.run()
    assert server.calls == 1
    assert (get_state(stage.queries).status, get_state(stage.queries).error) == ("error", BUSY)


def test_retry_for_another_caller(stage: Stage) -> None:
    """A fetch that lost its observer is retried again as soon as a caller wants it."""
    observer, _ = observe(stage, ("a",), server := FakeFunction(BUSY, "data"))
    observer.close()
    stage.queries.prefetch(("a",), server)
    stage.executor.run()
    assert (server.calls, get_state(stage.queries).data) == (2, "data")


def test_invalidated_refetch(stage: Stage) -> None:
    """What a refetch for observers has read before an invalidation is fetched once more."""

    def read() -> int:
        if server.calls == 2:
            stage.queries.invalidate(("a",), refetch_type="none")
        return server.calls

    server = FakeFunction(read)
    observer, results = observe(stage, ("a",), server)
    stage.executor.run()
    stage.queries.invalidate(("a",))
    stage.executor.run()
    assert (server.calls, observer.data, observer.current.is_stale) == (3, 3, False)
    assert [result.data for result in results if result.fetch_status == "idle"][-2:] == [2, 3]


@pytest.mark.parametrize(("refetch_type", "calls"), [("active", 1), ("all", 2), ("none", 0)])
def test_refetch_type(stage: Stage, refetch_type: Any, calls: int) -> None:
    """Observed queries, those without observers too, or none; never those without a function or an enabled observer."""
    active, inactive, disabled = (FakeFunction("old", "new") for _ in range(3))
    stage.queries.set_data(("a", 0), "without a function")
    observe(stage, ("a", 1), active)
    stage.queries.fetch(("a", 2), inactive)
    stage.queries.set_data(("a", 3), "old")
    observe(stage, ("a", 3), disabled, enabled=False)
    stage.executor.run()
    stage.queries.invalidate(("a",), refetch_type=refetch_type)
    stage.executor.run()
    assert active.calls + inactive.calls - 2 == calls
    assert disabled.calls == 0


def test_invalidate_replaces(stage: Stage) -> None:
    """A fetch that began before an invalidation is replaced, and its callers get the newer data."""
    blocking = BlockingFunction("before")
    server = FakeFunction(blocking, "after")
    stage.queries.set_data(("a",), "old")
    observer, _ = observe(stage, ("a",), server)
    thread = Thread(observer.refetch)
    assert blocking.started.wait(TIMEOUT)
    stage.queries.invalidate(("a",))
    stage.executor.run()
    assert (server.calls, observer.data) == (2, "after")
    blocking.release.set()
    assert thread.result.data == observer.data == "after"


def test_refetch_of_removed_query(stage: Stage) -> None:
    queries = stage.queries
    queries.fetch(("a",), server := FakeFunction("data"))
    found = queries.cache.find_all(("a",))
    queries.remove(("a",))
    queries.fetcher.refetch(found)
    stage.executor.run()
    assert (queries.get_state(("a",)), server.calls) == (None, 1)


@pytest.mark.parametrize("method", ["fetch", "prefetch"])
def test_error_in_a_callback(stage: Stage, method: str) -> None:
    """A fetch that is being started for an observer is not cancelled by what fails in a callback meanwhile."""

    def callback(result: QueryResult[Any]) -> None:
        with pytest.raises(ValueError, match="no function"):
            getattr(stage.queries, method)(("b",), None)

    stage.queries.set_data(("a",), "set")
    stage.queries.observe(("a",), None, callback)
    other = stage.queries.observe(("a",), FakeFunction("fetched"), stale_time=0)
    stage.executor.run()
    assert other.data == "fetched"


def test_interrupt_of_another_call(stage: Stage) -> None:
    """Ctrl-C ends what this thread calls; what waits for a background thread, or for another one, is still fetched."""
    queries = stage.queries
    queries.prefetch(("a",), FakeFunction("background"))
    elsewhere = Thread(lambda: queries.fetcher.start(queries.query(("b",), FakeFunction("elsewhere")).spec)).result
    with pytest.raises(KeyboardInterrupt):
        queries.fetch(("c",), FakeFunction(KeyboardInterrupt()))
    assert queries.is_fetching() == 2
    stage.executor.run()
    assert (queries.get_data(("a",)), queries.fetcher.join(elsewhere)) == ("background", "elsewhere")


def test_time_of_error(queries: QueryClient, clock: FakeClock) -> None:
    clock.advance(10)
    with pytest.raises(ServerError):
        queries.fetch(("a",), FakeFunction(BUSY), retry=0)
    assert get_state(queries).error_updated_at == clock.now()


def test_without_executor(caplog: pytest.LogCaptureFixture, clock: FakeClock) -> None:
    """Where no background thread can be had, the first caller fetches."""
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with QueryClient(clock=clock, executor=executor) as queries, caplog.at_level(logging.DEBUG, "duologue"):
        queries.prefetch(("a",), server := FakeFunction("data"))
        assert [record.getMessage() for record in caplog.records] == ["No background thread to fetch ('a',)"]
        assert (queries.is_fetching(), server.calls) == (1, 0)
        assert queries.fetch(("a",), server) == "data"
        assert server.calls == 1


def test_wait_idle(queries: QueryClient) -> None:
    """A fetch that was cancelled counts until its function has returned."""
    assert queries.wait_idle()
    blocking = BlockingFunction("late")
    thread = Thread(lambda: queries.fetch(("a",), blocking))
    assert blocking.started.wait(TIMEOUT)
    assert not queries.wait_idle(timeout=0.01)
    queries.cancel(("a",))
    assert queries.is_fetching() == 0
    assert not queries.wait_idle(timeout=0)
    blocking.release.set()
    assert queries.wait_idle()
    with pytest.raises(QueryCancelledError):
        _ = thread.result


def test_cancel_before_it_runs(stage: Stage) -> None:
    """A background fetch whose turn has not come is cancelled for good."""
    stage.queries.prefetch(("a",), server := FakeFunction("data"))
    stage.queries.cancel(("a",))
    assert stage.queries.wait_idle(timeout=0)
    stage.executor.run()
    assert (server.calls, get_state(stage.queries).status) == (0, "loading")


def test_commit_before_fetch(queries: QueryClient) -> None:
    """A fetch that starts after the server has made a change returns it: it is not applied once more."""
    queries.set_data(("a",), 1)
    other = queries.optimistic_update(("a",), lambda data: data + 10)
    queries.optimistic_update(("a",), lambda data: data + 100).commit()
    assert queries.get_data(("a",)) == 111
    assert queries.query(("a",), FakeFunction(101)).refetch() == 111
    other.rollback()
    assert queries.get_data(("a",)) == 101


def test_no_function(queries: QueryClient) -> None:
    queries.set_data(("a",), 1)
    with pytest.raises(ValueError, match=r"^<QuerySpec \('a',\)> has no function to fetch its data$"):
        queries.query(("a",), None).refetch()
    with pytest.raises(TypeError, match=r"^<QuerySpec \('a',\)> is not an infinite query: it has no pages$"):
        queries.fetcher.start(queries.query(("a",), FakeFunction(1)).spec, direction="forward")
    assert (queries.is_fetching(), get_state(queries).fetch_status) == (0, "idle")


def test_second_observer_joins(stage: Stage) -> None:
    """One that mounts while stale data is fetched starts no other fetch, and lets the first one go on."""
    server = FakeFunction("new", "newer")
    stage.queries.set_data(("a",), "old")
    stage.clock.advance(3600)
    first, second = (observe(stage, ("a",), server)[0] for _ in range(2))
    assert stage.queries.is_fetching() == 1
    stage.executor.run()
    assert (server.calls, first.data, second.data) == (1, "new", "new")


def test_locks_after_a_fork(queries: QueryClient) -> None:
    queries.prefetch(("a",), FakeFunction("data"))
    (fetch,) = queries.fetcher._fetches
    ended = fetch.ended
    queries.fetcher.after_fork()
    assert fetch.ended is not ended
    assert fetch.ended.is_set()
    assert queries.wait_idle(timeout=0)


def test_invalidated_meanwhile_without_refetch(stage: Stage) -> None:
    """What arrives is out of date, and it was asked not to fetch it again."""
    server = FakeFunction("one", "two")

    def fetch() -> Any:
        stage.queries.invalidate(("a",), refetch_type="none")
        return server()

    observer, _ = observe(stage, ("a",), fetch)
    stage.executor.run()
    assert (server.calls, observer.data, observer.current.is_stale) == (1, "one", True)

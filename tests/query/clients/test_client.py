"""Fetching, data, invalidation: `QueryClient` on one thread."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest

from duologue import ClientClosedError, NotFoundError, ServerError
from duologue.query import MISSING, QueryCancelledError, QueryClient, RetryOptions
from tests.query.fakes import BlockingFunction, FakeClock, FakeFunction, ManualExecutor, Thread


def test_fetch_fresh(queries: QueryClient, clock: FakeClock) -> None:
    server = FakeFunction("one", "two")
    assert [queries.fetch(("a",), server) for _ in range(3)] == ["one"] * 3
    clock.advance(299)
    assert queries.fetch(("a",), server) == "one"
    clock.advance(1)
    assert queries.fetch(("a",), server) == "two"


def test_equal_keys(queries: QueryClient) -> None:
    server = FakeFunction("one", "two")
    assert queries.fetch(("a", {"x": 1, "y": 2}), server) == queries.fetch(("a", {"y": 2, "x": 1}), server)
    assert queries.fetch(("a", {"x": True, "y": 2}), server) == "two"


def test_none_is_data(queries: QueryClient) -> None:
    server = FakeFunction(None)
    assert queries.fetch(("a",), server) is None
    assert queries.fetch(("a",), server) is None
    assert server.calls == 1
    assert queries.get_data(("a",), "nothing") is None


def test_retry_delays(queries: QueryClient, clock: FakeClock) -> None:
    with pytest.raises(ServerError):
        queries.fetch(("a",), server := FakeFunction(ServerError(status=503)))
    assert (server.calls, clock.slept) == (4, [1.0, 2.0, 4.0])


def test_no_retry_after_404(queries: QueryClient, clock: FakeClock) -> None:
    with pytest.raises(NotFoundError):
        queries.fetch(("a",), server := FakeFunction(NotFoundError(status=404)))
    assert (server.calls, clock.slept) == (1, [])


@pytest.mark.parametrize(("failures", "wait"), [(0, 1), (1, 2), (4, 16), (5, 30), (5000, 30)])
def test_default_delay(failures: int, wait: float) -> None:
    assert RetryOptions(max_retries=10_000).get_delay(failures, ValueError()) == wait


def test_retry_options() -> None:
    options = RetryOptions(2, delay=lambda failures: failures + 0.5, retry_if=lambda error: isinstance(error, OSError))
    assert [options.get_delay(failures, OSError()) for failures in range(4)] == [0.5, 1.5, None, None]
    assert options.get_delay(0, ValueError()) is None
    assert RetryOptions.resolve(options) is options
    assert RetryOptions.resolve(7) == RetryOptions(max_retries=7)
    assert RetryOptions().get_delay(0, NotFoundError(status=404)) is None
    assert RetryOptions().get_delay(0, ServerError(status=503)) == 1.0


def test_failed_refetch_keeps_data(queries: QueryClient) -> None:
    failure = NotFoundError(status=404)
    server = FakeFunction("one", failure)
    queries.fetch(("a",), server)
    queries.refetch(("a",))
    state = queries.get_state(("a",))
    assert state is not None
    assert (state.status, state.data, state.error, state.fetch_status) == ("error", "one", failure, "idle")


def test_set_and_update_data(queries: QueryClient, clock: FakeClock) -> None:
    assert queries.update_data(("a",), lambda old: old + 1) is None
    assert queries.get_state(("a",)) is None
    empty: list[int] = []
    assert queries.update_data(("a",), lambda old: [*old, 1], default=empty) == [1]
    assert queries.set_data(("a",), 5) == 5
    assert queries.update_data(("a",), lambda old: MISSING) == 5
    assert queries.fetch(("a",), FakeFunction("never")) == 5
    queries.set_data(("a",), 6, updated_at=clock.now() - timedelta(minutes=5))
    assert queries.fetch(("a",), FakeFunction(7)) == 7


def test_updater_raises(queries: QueryClient) -> None:
    queries.set_data(("a",), 1)
    with pytest.raises(ZeroDivisionError):
        queries.update_data(("a",), lambda old: old / 0)
    assert queries.get_data(("a",)) == 1


def test_fetch_invalidated(queries: QueryClient, executor: ManualExecutor) -> None:
    server = FakeFunction("one", "two")
    queries.fetch(("users", 1), server)
    queries.invalidate(("users",))
    assert (server.calls, executor.jobs, queries.get_data(("users", 1))) == (1, [], "one")
    assert queries.fetch(("users", 1), server) == "two"


def test_invalidate_during_fetch(queries: QueryClient) -> None:
    blocking = BlockingFunction("read before")
    thread = Thread(lambda: queries.fetch(("a",), blocking))
    blocking.started.wait()
    queries.invalidate(("a",))
    blocking.release.set()
    assert thread.result == "read before"
    assert queries.fetch(("a",), FakeFunction("read after")) == "read after"


def test_cancel_reverts(queries: QueryClient) -> None:
    queries.set_data(("a",), "old")
    blocking = BlockingFunction("new")
    thread = Thread(lambda: queries.query(("a",), blocking).refetch())
    blocking.started.wait()
    queries.set_data(("a",), "newer")
    queries.cancel(("a",))
    blocking.release.set()
    with pytest.raises(QueryCancelledError):
        _ = thread.result
    state = queries.get_state(("a",))
    assert state is not None
    assert (state.data, state.status, state.fetch_status) == ("newer", "success", "idle")


@pytest.mark.parametrize("method", ["remove", "clear", "clear_user_data", "reset", "close"])
def test_result_dropped_after(queries: QueryClient, method: str) -> None:
    blocking = BlockingFunction("stale")
    thread = Thread(lambda: queries.fetch(("a",), blocking))
    blocking.started.wait()
    getattr(queries, method)()
    blocking.release.set()
    with pytest.raises(QueryCancelledError):
        _ = thread.result
    assert queries.get_data(("a",)) is None


def test_background_fetch_once(queries: QueryClient, executor: ManualExecutor, clock: FakeClock) -> None:
    server = FakeFunction("one", "two")
    queries.prefetch(("a",), server)
    queries.prefetch(("a",), server)
    assert server.calls == 0
    executor.run()
    assert (server.calls, queries.get_data(("a",))) == (1, "one")
    clock.advance(301)
    assert [queries.ensure(("a",), server, revalidate_if_stale=True) for _ in range(3)] == ["one"] * 3
    executor.run()
    assert (server.calls, queries.get_data(("a",))) == (2, "two")


def test_join_background_fetch(queries: QueryClient, executor: ManualExecutor) -> None:
    server = FakeFunction("one")
    queries.prefetch(("a",), server)
    assert queries.fetch(("a",), server) == "one"
    executor.run()
    assert server.calls == 1


def test_queries_data(queries: QueryClient) -> None:
    for number in range(3):
        queries.fetch(("n", number), FakeFunction(number, number + 10))
    queries.set_queries_data(("n",), lambda old: old + 100)
    assert queries.get_queries_data(("n",)) == [(("n", 0), 100), (("n", 1), 101), (("n", 2), 102)]
    queries.refetch(("n",))
    assert [data for _, data in queries.get_queries_data(("n",))] == [10, 11, 12]
    queries.remove(("n", 1))
    assert len(queries) == 2


def test_closed(queries: QueryClient) -> None:
    queries.close()
    with pytest.raises(ClientClosedError):
        queries.fetch(("a",), FakeFunction(1))
    queries.close()


@pytest.mark.parametrize("key", ["users", None, 5, {"users": 1}])
def test_key_not_tuple(queries: QueryClient, key: Any) -> None:
    with pytest.raises(TypeError, match="A query key is a tuple"):
        queries.get_data(key)


def test_unknown_option(queries: QueryClient) -> None:
    with pytest.raises(TypeError):
        queries.fetch(("a",), FakeFunction(1), staletime=5)  # type: ignore[call-arg]


def test_fetch_own_key(queries: QueryClient) -> None:
    def fetch() -> Any:
        return queries.fetch(("a",), fetch, retry=0)

    with pytest.raises(RuntimeError, match="requests its own result"):
        fetch()


def test_interrupted_fetch(queries: QueryClient) -> None:
    with pytest.raises(KeyboardInterrupt):
        queries.fetch(("a",), FakeFunction(KeyboardInterrupt()))
    state = queries.get_state(("a",))
    assert state is not None
    assert state.fetch_status == "idle"
    assert queries.fetch(("a",), FakeFunction("one")) == "one"


def test_structural_sharing(queries: QueryClient) -> None:
    counter = itertools.count()
    one = queries.query(("a",), lambda: {"same": [1, 2], "other": next(counter)}).refetch()
    two = queries.query(("a",), lambda: {"same": [1, 2], "other": next(counter)}).refetch()
    assert two["other"] == 1
    assert two["same"] is one["same"]


def test_update_conflict(queries: QueryClient) -> None:
    queries.set_data(("n",), 0)
    conflicts: list[int | None] = []

    def update(old: int) -> int:
        if not conflicts:
            conflicts.append(queries.update_data(("n",), lambda old: old + 10))
        return old + 1

    assert queries.update_data(("n",), update) == 11


def test_commit_merges_patch(queries: QueryClient) -> None:
    queries.set_data(("a",), 1)
    with queries.optimistic_update(("a",), lambda data: data + 1):
        pass
    (entry,) = queries.cache.find_all(("a",))
    assert (entry.base, entry.patches) == (2, ())


def test_commit_during_fetch(queries: QueryClient) -> None:
    queries.set_data(("a",), 1)
    update = queries.optimistic_update(("a",), lambda data: data + 100)
    blocking = BlockingFunction(1)
    thread = Thread(lambda: queries.query(("a",), blocking).refetch())
    blocking.started.wait()
    update.commit()
    blocking.release.set()
    assert thread.result == 101
    assert queries.query(("a",), FakeFunction(101)).refetch() == 101


def test_mutation_after_logout(queries: QueryClient) -> None:
    blocking = BlockingFunction("secret")
    save = queries.mutation(blocking, stores=lambda data, _: [(("a",), data)])
    thread = Thread(save)
    blocking.started.wait()
    queries.clear_user_data()
    blocking.release.set()
    assert thread.result == "secret"
    assert queries.get_data(("a",)) is None

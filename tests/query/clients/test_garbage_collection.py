"""What the cache forgets: unused data after its cache time, and the least recently used above the limit."""

from __future__ import annotations

from duologue.query import QueryClient
from tests.query.fakes import BlockingFunction, FakeClock, FakeFunction, ManualExecutor, Thread


def test_garbage_collection(queries: QueryClient, clock: FakeClock) -> None:
    queries.fetch(("a",), FakeFunction("one"), stale_time=float("inf"))
    clock.advance(599)
    assert queries.get_data(("a",)) == "one"
    clock.advance(1)
    assert queries.fetch(("a",), FakeFunction("two"), stale_time=float("inf")) == "two"
    clock.advance(601)
    assert len(queries) == 0


def test_gc_memory_is_bounded(queries: QueryClient) -> None:
    for number in range(100):
        queries.fetch(("a",), FakeFunction(number), stale_time=0)
    assert len(queries.cache._gc_heap) == 1


def test_max_entries(clock: FakeClock, executor: ManualExecutor) -> None:
    with QueryClient(clock=clock, executor=executor, max_entries=3) as queries:
        queries.observe(("seen",), FakeFunction("seen"))
        for name in ("a", "b"):
            queries.set_data((name,), name)
        queries.get_data(("a",))
        queries.set_data(("c",), "c")
        assert [queries.get_data((name,)) for name in ("a", "b", "c")] == ["a", None, "c"]
        assert len(queries) == 3


def test_no_gc_while_fetching(queries: QueryClient) -> None:
    blocking = BlockingFunction("late")
    thread = Thread(lambda: queries.fetch(("a",), blocking, cache_time=0))
    blocking.started.wait()
    queries.set_data(("a",), "meanwhile")
    assert queries.fetch(("a",), FakeFunction("never"), cache_time=0) == "meanwhile"
    blocking.release.set()
    assert thread.result == "late"
    assert queries.get_data(("a",)) is None


def test_use_starts_cache_time_anew(queries: QueryClient, clock: FakeClock) -> None:
    queries.set_data(("a",), "one")
    clock.advance(300)
    observer = queries.observe(("a",), FakeFunction(), stale_time=float("inf"))
    clock.advance(100)
    observer.close()
    clock.advance(200)
    assert queries.get_data(("a",)) == "one"  # 600 seconds after it was set
    clock.advance(399)
    assert queries.get_data(("a",)) == "one"
    clock.advance(1)
    assert len(queries) == 0


def test_what_is_removed_holds_up_nothing(queries: QueryClient, clock: FakeClock) -> None:
    for name in ("a", "b", "c"):
        queries.set_data((name,), name)
    queries.remove(("a",))
    queries.observe(("b",), FakeFunction(), stale_time=float("inf"))
    clock.advance(600)
    assert len(queries) == 1
    assert queries.get_data(("b",)) == "b"


def test_new_data_under_old_key(queries: QueryClient, clock: FakeClock) -> None:
    queries.set_data(("a",), "old")
    clock.advance(300)
    queries.remove(("a",))
    queries.set_data(("a",), "new")
    clock.advance(599)
    assert queries.get_data(("a",)) == "new"
    clock.advance(1)
    assert len(queries) == 0


def test_newest_stays(clock: FakeClock, executor: ManualExecutor) -> None:
    with QueryClient(clock=clock, executor=executor, max_entries=1) as queries:
        queries.observe(("seen",), FakeFunction("seen"))
        for name in ("a", "b"):
            queries.set_data((name,), name)
            assert queries.get_data((name,)) == name
        assert queries.get_data(("a",)) is None

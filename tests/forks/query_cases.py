"""Forks while threads of the parent use the query layer and the helper classes; run by `test_forks`."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from concurrent.futures import CancelledError, Future
from typing import Any

from duologue.compat.batching import BatchProcessor, RequestBatcher
from duologue.compat.ttl_cache import TTLCache
from duologue.query import QueryClient, QueryResult
from duologue.query.single_flight import SingleFlight
from tests.forks.script import TIMEOUT, Blocked, fork
from tests.query.fakes import FakeClock


def use(client: QueryClient, key: Any) -> None:
    """Use each part of the cache once."""
    assert client.fetch(key, lambda: "child") == "child"
    client.set_data((*key, "set"), 1)
    assert client.update_data((*key, "set"), lambda old: old + 1) == 2
    client.invalidate(key)
    client.refetch(key)
    client.cancel(key)
    client.reset((*key, "set"))
    client.prefetch((*key, "background"), lambda: "background")
    assert client.wait_idle(timeout=TIMEOUT)
    assert client.get_data((*key, "background")) == "background"
    with client.observe((*key, "observed"), lambda: "observed") as observer:
        assert client.wait_idle(timeout=TIMEOUT)
        assert observer.data == "observed"
    with client.optimistic_update(key, lambda data: data + "!"):
        assert client.get_data(key) == "child!"
    assert client.mutation(lambda: "mutation", stores=lambda data, _: [(key, data)])() == "mutation"
    assert client.get_data(key) == "mutation"
    client.remove(key)
    assert key not in [other for other, _ in client.get_queries_data(key)]
    client.close()


def during_fetch() -> None:
    client = QueryClient()
    client.set_data(("a",), "before")
    blocked = Blocked(lambda function: client.query(("a",), function).refetch())
    first = Blocked(lambda function: client.fetch(("first",), function))

    def check() -> None:
        state = client.get_state(("a",))
        assert state is not None
        assert (state.data, state.fetch_status) == ("before", "idle")
        assert client.is_fetching() == 0
        assert client.wait_idle(timeout=TIMEOUT)
        assert client.fetch(("first",), lambda: "child") == "child"
        use(client, ("a", "new"))

    fork(check)
    assert (blocked.release(), first.release()) == ("parent", "parent")
    assert client.get_data(("a",)) == "parent"


def during_background_fetch() -> None:
    client = QueryClient()
    blocked = Blocked(lambda function: client.prefetch(("a",), function))
    for number in range(10):
        client.prefetch(("queued", number), lambda: "parent")

    def check() -> None:
        for number in range(10):
            assert client.fetch(("queued", number), lambda: "child") in ("child", "parent")
        use(client, ("a",))

    fork(check)
    blocked.release()
    assert client.wait_idle(timeout=TIMEOUT)
    assert client.get_data(("a",)) == "parent"


def in_the_function() -> None:
    """The thread that fetches forks: its fetch goes on in both processes."""
    client = QueryClient()
    children = [-1]

    def function() -> str:
        children[0] = os.fork()
        return "parent" if children[0] else "child"

    try:
        data = client.fetch(("a",), function)
        assert data == client.get_data(("a",)) == ("parent" if children[0] else "child")
        use(client, ("b",))
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    if children[0] == 0:
        os._exit(0)
    assert os.waitpid(children[0], 0)[1] == 0


def in_a_callback() -> None:
    client = QueryClient()
    results: list[Any] = []

    def check() -> None:
        client.set_data(("a",), 2)
        assert results == [1], "delivered when the callback has returned"
        client.observe(("b",), None, results.append)
        client.set_data(("b",), "other")
        assert len(results) == 2

    def callback(result: QueryResult[Any]) -> None:
        results.append(result.data)
        fork(check)

    client.observe(("a",), None, callback)
    client.set_data(("a",), 1)
    assert results == [1]


def during_a_callback() -> None:
    client = QueryClient()
    results: list[Any] = []
    observers = []

    def observe(function: Any) -> None:
        def callback(result: QueryResult[Any]) -> None:
            results.append(result.data)
            if result.data == 1:
                function()

        observers.append(client.observe(("a",), None, callback))
        client.set_data(("a",), 1)

    blocked = Blocked(observe)

    def check() -> None:
        client.set_data(("a",), 2)
        assert results == [1, 2]

    fork(check)
    blocked.release()
    client.set_data(("a",), 3)
    assert results == [1, 3]


def during_a_mutation() -> None:
    client = QueryClient()
    client.set_data(("a",), ("base",))
    optimistic: Any = lambda _: [(("a",), lambda data: (*data, "optimistic"))]  # noqa: E731
    blocked = Blocked(lambda function: client.mutation(function, optimistic=optimistic)())
    assert client.get_data(("a",)) == ("base", "optimistic")

    def check() -> None:
        state = client.get_state(("a",))
        assert state is not None
        assert (state.data, state.is_stale) == (("base",), True)
        assert client.fetch(("a",), lambda: ("new",)) == ("new",)

    fork(check)
    blocked.release()
    assert client.get_data(("a",)) == ("base", "optimistic")


def with_the_lock_held() -> None:
    """Between any two lines of a change: the index, the heap and the states are whole again."""
    client = QueryClient()
    cache = client.cache
    for number in range(20):
        client.set_data(("a", number), number)
    holding, released = threading.Event(), threading.Event()

    def hold() -> None:
        with cache.lock:
            zombie = cache._queries[("a", 0)]
            zombie.removed = True  # in the middle of `_remove`
            del cache._index._root.children["a"].children[1]  # of `build`
            cache._gc_heap.clear()
            holding.set()
            released.wait(TIMEOUT)

    threading.Thread(target=hold, daemon=True).start()
    assert holding.wait(TIMEOUT)

    def check() -> None:
        assert [data for _, data in client.get_queries_data(("a",))] == list(range(1, 20))
        client.set_data(("a", 0), "again")
        assert len(client) == 20
        client.remove(("a",))
        assert len(client) == 0
        use(client, ("a",))

    fork(check)
    released.set()


def before_garbage_collection() -> None:
    """Unused data is collected when it would have been, and a query whose fetch was the parent's after its time."""
    clock = FakeClock()
    client = QueryClient(clock=clock)
    client.set_data(("a",), 1)
    clock.advance(300)
    blocked = Blocked(lambda function: client.fetch(("b",), function))

    def check() -> None:
        clock.advance(299)
        assert len(client) == 2
        clock.advance(1)
        assert len(client) == 1
        clock.advance(300)
        assert len(client) == 0

    fork(check)
    blocked.release()
    assert client.get_data(("b",)) == "parent"


def during_logout() -> None:
    """Another thread has cleared only a part of the data: the child has nothing of the previous user."""
    client = QueryClient()
    client.set_data(("a",), "secret")
    clear = client.cache.clear

    def run(function: Any) -> None:
        client.cache.clear = lambda: clear() if function() == "child" else None  # type: ignore[method-assign]
        client.clear_user_data()

    blocked = Blocked(run)
    client.cache.clear = clear  # type: ignore[method-assign]

    def check() -> None:
        assert client.get_queries_data() == []

    fork(check)
    blocked.release()


def single_flight() -> None:
    flights = SingleFlight()
    blocked = Blocked(lambda function: flights.do("a", function))
    waiting = threading.Thread(target=lambda: flights.do("a", str), daemon=True)
    waiting.start()

    def check() -> None:
        assert len(flights) == 0
        assert flights.do("a", lambda: "child", timeout=TIMEOUT) == "child"

    with flights._lock:
        fork(check)
    assert blocked.release() == "parent"
    waiting.join(TIMEOUT)


def batchers() -> None:
    batcher, processor = RequestBatcher(), BatchProcessor(batch_size=1)
    futures: list[Future[Any]] = []
    blocked = [
        Blocked(lambda function: futures.append(batcher.submit("a", function, delay=0))),
        Blocked(lambda function: futures.append(processor.add("a", function))),
    ]
    futures += [batcher.submit("b", lambda: "parent", delay=0.01), processor.add("b", lambda: "parent")]
    pending = [futures[0], futures[1], futures[3]]

    def check() -> None:
        for future in pending:
            try:
                future.result(TIMEOUT)
            except CancelledError:
                continue
            raise AssertionError("the call runs in the parent")
        assert batcher.batch("a", lambda: "child") == "child"
        assert batcher.batch("b", lambda: "child") == "child"
        assert processor.add("a", lambda: "child").result(TIMEOUT) == "child"
        batcher.close()
        processor.close()

    fork(check)
    for one in blocked:
        one.release()
    assert [future.result(TIMEOUT) for future in futures] == ["parent"] * 4


def ttl_cache() -> None:
    cache: TTLCache[int] = TTLCache()
    cache.set("a", 1)
    holding, released = threading.Event(), threading.Event()

    def hold() -> None:
        with cache._lock:
            cache._expiry_heap.clear()
            holding.set()
            released.wait(TIMEOUT)

    threading.Thread(target=hold, daemon=True).start()
    assert holding.wait(TIMEOUT)

    def check() -> None:
        cache.set("b", 2)
        assert [cache.get(name) for name in cache] == [1, 2]
        assert len(cache._expiry_heap) == 2

    fork(check)
    released.set()


def closed() -> None:
    client = QueryClient()
    client.prefetch(("a",), lambda: 1)
    client.close()

    def check() -> None:
        assert client.closed
        try:
            client._executor.submit(print)
        except RuntimeError:
            return
        raise AssertionError("the pool is open")

    fork(check)


CASES = {
    case.__name__: case
    for case in (
        during_fetch,
        during_background_fetch,
        in_the_function,
        in_a_callback,
        during_a_callback,
        during_a_mutation,
        with_the_lock_held,
        before_garbage_collection,
        during_logout,
        single_flight,
        batchers,
        ttl_cache,
        closed,
    )
}

if __name__ == "__main__":
    CASES[sys.argv[1]]()

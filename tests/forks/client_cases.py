"""Forks while threads of the parent use a client, its realtime connection included; run by `test_forks`."""

from __future__ import annotations

import functools
import gc
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from duologue import Client, ConnectionLostError, FileTokenStorage, NotFoundError, PerformanceMonitor
from duologue.compat.batching import BatchProcessor, RequestBatcher
from duologue.compat.loading import LoadingState, RetryableCall
from duologue.compat.ttl_cache import TTLCache
from duologue.query.single_flight import SingleFlight
from duologue_mock import MockServer
from tests.forks.script import TIMEOUT, fork

LOCKS = (type(threading.Lock()), type(threading.RLock()))


class Used:
    """A client and the helpers, each of which has been used.

    Args:
        mock: the server.
        folder: where the login is stored.
    """

    def __init__(self, mock: MockServer, folder: Path) -> None:
        self.api = Client(
            base_url=mock.base_url,
            chat_base_url=mock.chat_base_url,
            api_key=mock.api_key,
            timeout=TIMEOUT,
            token_storage=FileTokenStorage(str(folder / "tokens.json")),
        )
        self.monitor = PerformanceMonitor().attach(self.api)
        self.flights, self.cache = SingleFlight(), TTLCache[int](max_items=10)
        self.batcher, self.processor = RequestBatcher(), BatchProcessor()
        self.loading, self.retrying = LoadingState(self.api.users.list), RetryableCall(self.api.users.list)
        self.seen: list[Any] = []
        self.use()

    def use(self) -> None:
        """Use each part once."""
        api = self.api
        api.mutations.login(email="john@example.com", password="password")
        api.auth.refresh()
        assert api.user_id
        assert api.validate_api_key()
        assert api.queries.users().fetch().total
        assert api.queries.chats().refetch() is not None
        api.queries.me().prefetch()
        with api.queries.me().observe(self.seen.append) as observer:
            assert observer.refetch().data is not None
        assert api.query_client.wait_idle(timeout=TIMEOUT)
        api.mutations.toggle_favorite(api.mutations.create_chat(title="Forks").id)
        api.on_call(self.seen.append)()
        assert self.monitor.report()
        assert self.flights.do("a", lambda: 1) == 1
        self.cache.set("a", 1)
        assert self.cache.get("a") == 1
        assert self.batcher.batch("a", lambda: 1, delay=0) == 1
        assert self.processor.add("a", lambda: 1).result(TIMEOUT) == 1
        assert self.loading.execute().total
        assert self.retrying().total
        with api.realtime.connect() as live, api.query_client.sync(live):
            live.on("connected", self.seen.append)
            live.off("connected", self.seen.append)
            live.subscribe("user:created", self.seen.append)
            live.unsubscribe("user:created", self.seen.append)
            expect_not_found(api)

    def close(self) -> None:
        """Close everything."""
        self.api.close()
        for one in (self.batcher, self.processor, self.retrying):
            one.close()


def expect_not_found(api: Client) -> None:
    """Assert that the realtime connection works in both directions."""
    try:
        api.realtime.call("unknown", timeout=TIMEOUT)
    except NotFoundError:
        return
    raise AssertionError("the mock does not know this event")


@contextmanager
def use_client() -> Iterator[Used]:
    with MockServer(rate_limit=None) as mock, tempfile.TemporaryDirectory() as folder:
        yield Used(mock, Path(folder))


def find_locks() -> dict[int, Any]:
    """Return every lock, condition and event that an object of the client has."""
    locks: dict[int, Any] = {}
    for one in gc.get_objects():
        kind = type(one)
        if str(kind.__module__).partition(".")[0] != "duologue":
            continue
        slots = [name for base in kind.__mro__ for name in getattr(base, "__slots__", ()) if isinstance(name, str)]
        values = [*getattr(one, "__dict__", {}).values(), *[getattr(one, name, None) for name in slots]]
        values += [
            getattr(one, "lock", None) for one in vars(kind).values() if isinstance(one, functools.cached_property)
        ]
        for value in values:
            for lock in unwrap(value):
                locks[id(lock)] = lock
    return locks


def unwrap(value: Any) -> Iterator[Any]:
    """Yield the locks in a primitive."""
    if isinstance(value, LOCKS):
        yield value
    elif isinstance(value, (threading.Event, Future)):
        yield from unwrap(getattr(value, "_cond", None) or getattr(value, "_condition", None))
    elif isinstance(value, threading.Condition):
        yield value._lock  # type: ignore[attr-defined]
    elif isinstance(value, ThreadPoolExecutor):
        yield value._shutdown_lock


def with_all_locks_held() -> None:
    """Another thread holds every lock that the client has: the child uses every part of it all the same."""
    with use_client() as used:
        used.api.realtime.connect()
        holding, release = threading.Event(), threading.Event()
        locks = list(find_locks().values())
        assert len(locks) > 30, len(locks)

        def hold() -> None:
            held = [lock for lock in locks if lock.acquire(timeout=1)]
            holding.set()
            release.wait(TIMEOUT)
            for lock in held:
                lock.release()

        threading.Thread(target=hold, daemon=True).start()
        assert holding.wait(2 * TIMEOUT)

        def check() -> None:
            used.use()
            used.close()

        fork(check)
        release.set()
        expect_not_found(used.api)
        used.use()
        used.close()


def realtime_of_parent() -> None:
    """The child's end does nothing to the parent's connection, of either transport; the child makes its own."""
    for transport in ("websocket", "polling"):
        with use_client() as used:
            api = used.api
            live = api.realtime.connect(transports=[transport])
            iterator = live.events()
            statuses: list[Any] = []
            live.on("disconnected", statuses.append)

            def check(api: Client = api, iterator: Iterator[Any] = iterator, transport: str = transport) -> None:
                assert not api.realtime.connected
                assert list(iterator) == []
                try:
                    api.realtime.emit("a")
                except ConnectionLostError:
                    pass
                else:
                    raise AssertionError("there is no connection")
                api.realtime.disconnect()
                with api.realtime.connect(transports=[transport]):
                    expect_not_found(api)
                api.close()

            fork(check)
            expect_not_found(api)
            assert statuses == []
            used.close()


CASES = {case.__name__: case for case in (with_all_locks_held, realtime_of_parent)}

if __name__ == "__main__":
    CASES[sys.argv[1]]()

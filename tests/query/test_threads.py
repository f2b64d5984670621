"""Thread safety: random programs of real threads, and a few races by name."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from duologue import Clock
from duologue.query import QueryCancelledError, QueryClient, QueryResult, QueryTimeout
from duologue.query.single_flight import SingleFlight
from tests.query.fakes import TIMEOUT, BlockingFunction, FakeFunction, Thread, wait_until


@pytest.fixture
def client() -> Any:
    with QueryClient() as client:
        yield client


def test_concurrent_fetches(client: QueryClient) -> None:
    blocking = BlockingFunction("one")
    threads = [Thread(lambda: client.fetch(("a",), blocking)) for _ in range(200)]
    blocking.started.wait(TIMEOUT)
    blocking.release.set()
    assert {thread.result for thread in threads} == {"one"}
    assert blocking.calls == 1


def test_error_reaches_waiters(client: QueryClient) -> None:
    blocking = BlockingFunction(ValueError("no"))
    threads = [Thread(lambda: client.fetch(("a",), blocking, retry=0)) for _ in range(10)]
    blocking.started.wait(TIMEOUT)
    wait_until(lambda: next(iter(client.fetcher._fetches)).waiters == 10)
    blocking.release.set()
    for thread in threads:
        with pytest.raises(ValueError, match="no"):
            _ = thread.result
    assert blocking.calls == 1


def test_waiter_timeout(client: QueryClient) -> None:
    blocking = BlockingFunction("one")
    leader = Thread(lambda: client.fetch(("a",), blocking))
    blocking.started.wait(TIMEOUT)
    with pytest.raises(QueryTimeout):
        client.fetch(("a",), blocking, timeout=0.01)
    blocking.release.set()
    assert leader.result == "one"


def test_waiter_takes_over(client: QueryClient) -> None:
    started, release = threading.Event(), threading.Event()
    count = itertools.count()

    def fetch() -> str:
        if next(count) == 0:
            started.set()
            release.wait(TIMEOUT)
            raise KeyboardInterrupt
        return "one"

    leader = Thread(lambda: client.fetch(("a",), fetch))
    started.wait(TIMEOUT)
    follower = Thread(lambda: client.fetch(("a",), fetch))
    wait_until(lambda: next(iter(client.fetcher._fetches)).waiters == 2)
    release.set()
    with pytest.raises(KeyboardInterrupt):
        _ = leader.result
    assert follower.result == "one"


def test_close_during_retry() -> None:
    queries = QueryClient()
    failing = Thread(lambda: queries.fetch(("a",), FakeFunction(ValueError())))
    wait_until(lambda: (state := queries.get_state(("a",))) is not None and state.failure_count == 1)
    queries.close()
    with pytest.raises(QueryCancelledError):
        _ = failing.result


def test_callback_holds_no_lock(client: QueryClient) -> None:
    data: list[Any] = []

    def callback(result: QueryResult[Any]) -> None:
        data.append(result.data)
        if result.data == 1:
            Thread(lambda: client.set_data(("b",), 2)).join(TIMEOUT)
            assert client.get_data(("b",)) == 2
            client.set_data(("a",), 2)
            assert data == [1], "the next result comes when the callback has returned"

    client.query(("a",), None).observe(callback)
    client.set_data(("a",), 1)
    assert data == [1, 2]


def test_deadlock_is_detected(client: QueryClient) -> None:
    both = threading.Barrier(2)

    def fetching(other: str) -> Callable[[], Any]:
        def fetch() -> Any:
            both.wait(TIMEOUT)
            return client.fetch((other,), FakeFunction("never"), retry=0)

        return fetch

    threads = [
        Thread(lambda: client.fetch(("a",), fetching("b"), retry=0)),
        Thread(lambda: client.fetch(("b",), fetching("a"), retry=0)),
    ]
    for thread in threads:
        with pytest.raises(RuntimeError, match="would deadlock"):
            _ = thread.result


def test_concurrent_updates(client: QueryClient) -> None:
    client.set_data(("n",), 0)

    def add() -> None:
        for _ in range(100):
            client.update_data(("n",), lambda old: old + 1)

    for thread in [Thread(add) for _ in range(8)]:
        _ = thread.result
    assert client.get_data(("n",)) == 800


def test_close_in_callback() -> None:
    queries = QueryClient()
    closed = threading.Event()

    def callback(result: QueryResult[Any]) -> None:
        if result.is_success:
            queries.close()
            closed.set()

    queries.observe(("a",), FakeFunction("one"), callback)
    assert closed.wait(TIMEOUT)
    wait_until(lambda: not [one for one in threading.enumerate() if one.name.startswith("duologue-query")])


def test_single_flight() -> None:
    flights, blocking = SingleFlight(), BlockingFunction("one")
    threads = [Thread(lambda: flights.do("sessions", blocking)) for _ in range(20)]
    blocking.started.wait(TIMEOUT)
    blocking.release.set()
    assert {thread.result for thread in threads} == {"one"}
    assert blocking.calls <= 20
    assert len(flights) == 0
    assert flights.dedupe("sessions", lambda: "two") == flights.deduplicate("sessions", lambda: "two") == "two"


class InstantClock(Clock):
    """Waits for other threads, but not between attempts."""

    def sleep(self, seconds: float, until: threading.Event) -> None:
        until.wait(min(seconds, 0.001) if seconds < 100 else TIMEOUT)


class FakeServer:
    """A server with a version that grows; a read returns the current user and version."""

    def __init__(self) -> None:
        self.version = 0
        self.user = "ada"
        self.lock = threading.Lock()

    def read(self) -> tuple[str, int]:
        with self.lock:
            read = (self.user, self.version)
        for _ in range(3):
            threading.Event().wait(0)  # let other threads run first
        if read[1] % 5 == 3:
            raise RuntimeError("not now")
        return read


class Threads(RuleBasedStateMachine):
    """The rules run on threads that overlap; the invariants are checked when all have ended."""

    @initialize()
    def initialize_client(self) -> None:
        self.server = FakeServer()
        self.queries = QueryClient(clock=InstantClock(), retry=1)
        self.pool = ThreadPoolExecutor(6)
        self.jobs: list[Any] = []
        self.results: list[QueryResult[Any]] = []
        self.in_callback = threading.Lock()
        self.overlapped = False
        self.observer: Any = None

    def run_in_thread(self, function: Callable[[], object]) -> None:
        def run() -> None:
            with suppress(QueryCancelledError, RuntimeError):
                function()

        self.jobs.append(self.pool.submit(run))

    def on_result(self, result: QueryResult[Any]) -> None:
        self.overlapped |= not self.in_callback.acquire(blocking=False)
        self.results.append(result)
        self.in_callback.release()

    @rule(count=st.integers(1, 4))
    def fetch(self, count: int) -> None:
        for _ in range(count):
            self.run_in_thread(lambda: self.queries.fetch(("k",), self.server.read))

    @rule()
    def change(self) -> None:
        def change() -> None:
            with self.server.lock:
                self.server.version += 1
            self.queries.invalidate(("k",))

        self.run_in_thread(change)

    @rule()
    def change_user(self) -> None:
        def change() -> None:
            with self.server.lock:
                self.server.user = "grace" if self.server.user == "ada" else "ada"
            self.queries.clear_user_data()

        self.run_in_thread(change)

    @rule(name=st.sampled_from(["remove", "cancel", "reset"]))
    def disturb(self, name: str) -> None:
        self.run_in_thread(lambda: getattr(self.queries, name)(("k",)))

    @rule()
    def update_optimistically(self) -> None:
        def change() -> None:
            with self.queries.optimistic_update(("k",), lambda data: data):
                threading.Event().wait(0)

        self.run_in_thread(change)

    @rule()
    def observe(self) -> None:
        if self.observer is None:
            self.observer = self.queries.observe(("k",), self.server.read, self.on_result)

    @rule()
    def close_observer(self) -> None:
        if self.observer is not None:
            self.observer.close()
            self.observer = None

    @rule()
    def wait_for_all(self) -> None:
        for job in self.jobs:
            job.result(TIMEOUT)
        self.jobs.clear()
        assert self.queries.wait_idle(timeout=TIMEOUT)
        self.check_fresh_data()

    def check_fresh_data(self) -> None:
        state = self.queries.get_state(("k",))
        if state is not None and state.data is not None and not state.is_stale and state.is_success:
            assert state.data == (self.server.user, self.server.version)

    @invariant()
    def callbacks_do_not_overlap(self) -> None:
        assert not getattr(self, "overlapped", False)

    def teardown(self) -> None:
        if not hasattr(self, "queries"):
            return
        self.wait_for_all()
        self.queries.close()
        self.pool.shutdown()
        assert self.queries.wait_idle(timeout=0)
        assert not [one for one in threading.enumerate() if one.name.startswith("duologue-query")]
        times = [result.updated_at for result in self.results if result.updated_at is not None]
        assert times == sorted(times), "results come in order"


TestThreads = Threads.TestCase
TestThreads.settings = settings(max_examples=40, stateful_step_count=30, suppress_health_check=[HealthCheck.too_slow])


@given(st.lists(st.sampled_from(["update", "commit", "rollback", "server", "set"]), max_size=12), st.randoms())
@settings(max_examples=200)
def test_optimistic_model(events: list[str], random: Any) -> None:
    """The visible data is the server's with every optimistic update that was not rolled back."""
    with QueryClient(clock=InstantClock()) as queries:
        queries.set_data(("k",), ())
        base: tuple[Any, ...] = ()
        changes: list[tuple[int, Any, bool]] = []
        for number, event in enumerate(events):
            pending = [index for index, (_, _, settled) in enumerate(changes) if not settled]
            if event == "update":
                update = queries.optimistic_update(("k",), lambda data, number=number: (*data, number))  # type: ignore[misc]
                changes.append((number, update, False))
            elif event == "commit" and pending:
                index = random.choice(pending)
                changes[index][1].commit()
                changes[index] = (*changes[index][:2], True)
            elif event == "rollback" and pending:
                changes.pop(random.choice(pending))[1].rollback()
            elif event in ("server", "set"):
                base = (f"server {number}",)
                if event == "server":
                    queries.query(("k",), lambda base=base: base).refetch()  # type: ignore[misc]
                else:
                    queries.set_data(("k",), base)
                changes = [change for change in changes if not change[2]]
            assert queries.get_data(("k",)) == (*base, *[number for number, _, _ in changes])

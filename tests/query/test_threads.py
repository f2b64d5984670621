"""What must hold whatever threads do: a random program played by real threads, and a few races by name."""

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
from duologue.concurrency.single_flight import SingleFlight
from duologue.query import QueryCancelledError, QueryClient, QueryResult, QueryTimeout
from tests.query.fakes import TIMEOUT, BlockingFunction, FakeFunction, Thread, wait_until


@pytest.fixture
def real() -> Any:
    with QueryClient() as client:
        yield client


def test_concurrent_fetches(real: QueryClient) -> None:
    held = BlockingFunction("one")
    threads = [Thread(lambda: real.fetch(("a",), held)) for _ in range(200)]
    held.started.wait(TIMEOUT)
    held.release.set()
    assert {thread.result for thread in threads} == {"one"}
    assert held.calls == 1


def test_error_reaches_waiters(real: QueryClient) -> None:
    held = BlockingFunction(ValueError("no"))
    threads = [Thread(lambda: real.fetch(("a",), held, retry=0)) for _ in range(10)]
    held.started.wait(TIMEOUT)
    wait_until(lambda: next(iter(real.fetcher._fetches)).waiters == 10)
    held.release.set()
    for thread in threads:
        with pytest.raises(ValueError, match="no"):
            _ = thread.result
    assert held.calls == 1


def test_waiter_timeout(real: QueryClient) -> None:
    held = BlockingFunction("one")
    leader = Thread(lambda: real.fetch(("a",), held))
    held.started.wait(TIMEOUT)
    with pytest.raises(QueryTimeout):
        real.fetch(("a",), held, timeout=0.01)
    held.release.set()
    assert leader.result == "one"


def test_waiter_takes_over(real: QueryClient) -> None:
    begun, release = threading.Event(), threading.Event()
    count = itertools.count()

    def fetch() -> str:
        if next(count) == 0:
            begun.set()
            release.wait(TIMEOUT)
            raise KeyboardInterrupt
        return "one"

    leader = Thread(lambda: real.fetch(("a",), fetch))
    begun.wait(TIMEOUT)
    follower = Thread(lambda: real.fetch(("a",), fetch))
    wait_until(lambda: next(iter(real.fetcher._fetches)).waiters == 2)
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


def test_callback_holds_no_lock(real: QueryClient) -> None:
    seen: list[Any] = []

    def callback(snapshot: QueryResult[Any]) -> None:
        seen.append(snapshot.data)
        if snapshot.data == 1:
            Thread(lambda: real.set_data(("b",), 2)).join(TIMEOUT)
            assert real.get_data(("b",)) == 2
            real.set_data(("a",), 2)
            assert seen == [1], "told of the next only when it has returned"

    real.query(("a",), None).observe(callback)
    real.set_data(("a",), 1)
    assert seen == [1, 2]


def test_deadlock_is_detected(real: QueryClient) -> None:
    both = threading.Barrier(2)

    def asking_for(other: str) -> Callable[[], Any]:
        def fetch() -> Any:
            both.wait(TIMEOUT)
            return real.fetch((other,), FakeFunction("never"), retry=0)

        return fetch

    threads = [
        Thread(lambda: real.fetch(("a",), asking_for("b"), retry=0)),
        Thread(lambda: real.fetch(("b",), asking_for("a"), retry=0)),
    ]
    for thread in threads:
        with pytest.raises(RuntimeError, match="would deadlock"):
            _ = thread.result


def test_concurrent_updates(real: QueryClient) -> None:
    real.set_data(("n",), 0)

    def add() -> None:
        for _ in range(100):
            real.update_data(("n",), lambda old: old + 1)

    for thread in [Thread(add) for _ in range(8)]:
        _ = thread.result
    assert real.get_data(("n",)) == 800


def test_close_in_callback() -> None:
    queries = QueryClient()
    closed = threading.Event()

    def callback(snapshot: QueryResult[Any]) -> None:
        if snapshot.is_success:
            queries.close()
            closed.set()

    queries.observe(("a",), FakeFunction("one"), callback)
    assert closed.wait(TIMEOUT)
    wait_until(lambda: not [one for one in threading.enumerate() if one.name.startswith("duologue-query")])


def test_single_flight() -> None:
    flights, held = SingleFlight(), BlockingFunction("one")
    threads = [Thread(lambda: flights.do("sessions", held)) for _ in range(20)]
    held.started.wait(TIMEOUT)
    held.release.set()
    assert {thread.result for thread in threads} == {"one"}
    assert held.calls <= 20
    assert len(flights) == 0
    assert flights.dedupe("sessions", lambda: "two") == flights.deduplicate("sessions", lambda: "two") == "two"


class Instant(Clock):
    """Waits for other threads, but not between tries."""

    def sleep(self, seconds: float, until: threading.Event) -> None:
        until.wait(min(seconds, 0.001) if seconds < 100 else TIMEOUT)


class Truth:
    """A server with a version that grows: what is read is what was there at that moment, for whoever was logged in."""

    def __init__(self) -> None:
        self.version = 0
        self.user = "ada"
        self.lock = threading.Lock()

    def read(self) -> tuple[str, int]:
        with self.lock:
            read = (self.user, self.version)
        for _ in range(3):
            threading.Event().wait(0)  # let others go first
        if read[1] % 5 == 3:
            raise RuntimeError("not now")
        return read


class Threads(RuleBasedStateMachine):
    """Each rule is played by threads that overlap; the invariants are looked at when all have come to an end."""

    @initialize()
    def begin(self) -> None:
        self.truth = Truth()
        self.queries = QueryClient(clock=Instant(), retry=1)
        self.pool = ThreadPoolExecutor(6)
        self.jobs: list[Any] = []
        self.seen: list[QueryResult[Any]] = []
        self.telling = threading.Lock()
        self.overlapped = False
        self.observer: Any = None

    def play(self, part: Callable[[], object]) -> None:
        def quietly() -> None:
            with suppress(QueryCancelledError, RuntimeError):
                part()

        self.jobs.append(self.pool.submit(quietly))

    def tell(self, snapshot: QueryResult[Any]) -> None:
        self.overlapped |= not self.telling.acquire(blocking=False)
        self.seen.append(snapshot)
        self.telling.release()

    @rule(count=st.integers(1, 4))
    def fetch(self, count: int) -> None:
        for _ in range(count):
            self.play(lambda: self.queries.fetch(("k",), self.truth.read))

    @rule()
    def change(self) -> None:
        def change() -> None:
            with self.truth.lock:
                self.truth.version += 1
            self.queries.invalidate(("k",))

        self.play(change)

    @rule()
    def change_user(self) -> None:
        def change() -> None:
            with self.truth.lock:
                self.truth.user = "grace" if self.truth.user == "ada" else "ada"
            self.queries.clear_user_data()

        self.play(change)

    @rule(name=st.sampled_from(["remove", "cancel", "reset"]))
    def disturb(self, name: str) -> None:
        self.play(lambda: getattr(self.queries, name)(("k",)))

    @rule()
    def change_optimistically(self) -> None:
        def change() -> None:
            with self.queries.optimistic_update(("k",), lambda data: data):
                threading.Event().wait(0)

        self.play(change)

    @rule()
    def observe(self) -> None:
        if self.observer is None:
            self.observer = self.queries.observe(("k",), self.truth.read, self.tell)

    @rule()
    def leave(self) -> None:
        if self.observer is not None:
            self.observer.close()
            self.observer = None

    @rule()
    def come_to_an_end(self) -> None:
        for job in self.jobs:
            job.result(TIMEOUT)
        self.jobs.clear()
        assert self.queries.wait_idle(timeout=TIMEOUT)
        self.nothing_wrong_is_taken_for_fresh()

    def nothing_wrong_is_taken_for_fresh(self) -> None:
        state = self.queries.get_state(("k",))
        if state is not None and state.data is not None and not state.is_stale and state.is_success:
            assert state.data == (self.truth.user, self.truth.version)

    @invariant()
    def callbacks_come_one_at_a_time(self) -> None:
        assert not getattr(self, "overlapped", False)

    def teardown(self) -> None:
        if not hasattr(self, "queries"):
            return
        self.come_to_an_end()
        self.queries.close()
        self.pool.shutdown()
        assert self.queries.wait_idle(timeout=0)
        assert not [one for one in threading.enumerate() if one.name.startswith("duologue-query")]
        moments = [one.updated_at for one in self.seen if one.updated_at is not None]
        assert moments == sorted(moments), "told in order"


TestThreads = Threads.TestCase
TestThreads.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@given(st.lists(st.sampled_from(["begin", "confirm", "take back", "server", "set"]), max_size=12), st.randoms())
@settings(max_examples=200, deadline=None)
def test_optimistic_model(events: list[str], chance: Any) -> None:
    """A model: what is seen is the server's data with every change on it that was begun and not taken back."""
    with QueryClient(clock=Instant()) as queries:
        queries.set_data(("k",), ())
        base: tuple[Any, ...] = ()
        changes: list[tuple[int, Any, bool]] = []
        for number, event in enumerate(events):
            pending = [index for index, (_, _, settled) in enumerate(changes) if not settled]
            if event == "begin":
                update = queries.optimistic_update(("k",), lambda data, number=number: (*data, number))  # type: ignore[misc]
                changes.append((number, update, False))
            elif event == "confirm" and pending:
                index = chance.choice(pending)
                changes[index][1].commit()
                changes[index] = (*changes[index][:2], True)
            elif event == "take back" and pending:
                changes.pop(chance.choice(pending))[1].rollback()
            elif event in ("server", "set"):
                base = (f"server {number}",)
                if event == "server":
                    queries.query(("k",), lambda base=base: base).refetch()  # type: ignore[misc]
                else:
                    queries.set_data(("k",), base)
                changes = [change for change in changes if not change[2]]
            assert queries.get_data(("k",)) == (*base, *[number for number, _, _ in changes])

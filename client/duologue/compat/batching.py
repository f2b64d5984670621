"""Combining calls for a moment, and running operations a few at a time: the specifications' two batchers."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future, InvalidStateError
from typing import Any, Final, NamedTuple, Self, TypeVar

from duologue.concurrency import fork_safety
from duologue.concurrency.clock import Clock
from duologue.concurrency.worker_pool import WorkerPool
from duologue.errors import ClientClosedError

T = TypeVar("T")

BATCH_DELAY: Final = 0.05
"""Seconds for which `RequestBatcher` waits for further calls."""

MAX_BATCHES: Final = 64
"""How many batches `RequestBatcher` waits for or runs at a time; further ones start when one has ended."""

BATCH_SIZE: Final = 5
"""How many operations `BatchProcessor` runs at a time."""

BATCH_PAUSE: Final = 0.1
"""Seconds for which `BatchProcessor` waits between two batches."""

_log = logging.getLogger("duologue")


class _Batcher:
    """What the two batchers share: a pool of threads that starts when it is needed, and ends with `close`.

    A forked process has none of the calls that wait or run in its parent: there, their futures are cancelled.
    """

    def __init__(self, name: str, max_workers: int, clock: Clock | None) -> None:
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._pool = WorkerPool(max_workers, name)
        self._futures: set[Future[Any]] = set()
        fork_safety.watch_locks(self, "_lock", "_closing")
        fork_safety.watch(self)

    def close(self) -> None:
        """Stop waiting, refuse later calls, and return when nothing is running."""
        with self._lock:
            self._closing.set()
        self._pool.close(cancel=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def after_fork(self) -> None:
        """Cancel the futures of the parent's calls."""
        for future in self._futures:
            Future.__init__(future)  # a lost thread may hold its lock
            future.cancel()
        self._futures.clear()

    def _check_open(self) -> None:
        if self._closing.is_set():
            raise _create_closed_error()

    def _create_future(self) -> Future[Any]:
        future: Future[Any] = Future()
        self._futures.add(future)
        return future

    def _settle(self, calls: Iterable[_Call], error: BaseException | None = None) -> None:
        """Make the last of some calls that were not cancelled, and settle the futures of all; or settle them with an
        error."""
        waiting = [call for call in calls if _start(call.future)]
        result: Any = None
        try:
            if error is None and waiting:
                result = waiting[-1].request()
        except BaseException as raised:
            error = raised
        for call in waiting:
            _set_outcome(call.future, result, error)
        self._futures.difference_update([call.future for call in calls])


class RequestBatcher(_Batcher):
    """Makes calls of one key that come within a moment once: the Platform API specification's `RequestBatcher`.

        batcher = RequestBatcher()
        users = batcher.batch("users", api.users.list)   # waits 50 ms for other calls of "users"

    As in the specification each further call restarts the delay, and the last one's function is called.

    Args:
        clock: waits; tests pass their own.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        super().__init__("duologue-batcher", MAX_BATCHES, clock)
        self._batches: dict[Hashable, _Batch] = {}

    def batch(self, key: Hashable, request: Callable[[], T], delay: float = BATCH_DELAY) -> T:
        """Wait for the batch of a key, and return or raise the result of its call.

        Args:
            key: calls with equal keys are one batch.
            request: makes the call.
            delay: seconds to wait for further calls.

        Raises:
            ClientClosedError: the batcher is closed.
        """
        return self.submit(key, request, delay).result()

    def submit(self, key: Hashable, request: Callable[[], T], delay: float = BATCH_DELAY) -> Future[T]:
        """Add a call to the batch of a key without waiting; see `batch`."""
        with self._lock:
            self._check_open()
            batch = self._batches.get(key)
            if batch is None:
                batch = _Batch()
                self._pool.submit(self._run, key, batch)  # first: if no thread can be started, there is no batch
                self._batches[key] = batch
            future: Future[T] = self._create_future()
            batch.calls.append(_Call(str(key), request, future))
            batch.due = self._clock.monotonic() + delay
        return future

    def after_fork(self) -> None:
        """Cancel the futures of the parent's calls."""
        self._batches.clear()
        super().after_fork()

    def _run(self, key: Hashable, batch: _Batch) -> None:
        with self._lock:  # `submit` is about to add the first call
            due = batch.due
        while (delay := due - self._clock.monotonic()) > 0 and not self._closing.is_set():
            self._clock.sleep(delay, self._closing)
            due = batch.due
        with self._lock:
            if self._batches.get(key) is batch:
                del self._batches[key]
        self._settle(batch.calls, _create_closed_error() if self._closing.is_set() else None)


class _Batch:
    def __init__(self) -> None:
        self.calls: list[_Call] = []
        self.due = 0.0


class _Call(NamedTuple):
    name: str
    request: Callable[[], Any]
    future: Future[Any]


class BatchProcessor(_Batcher):
    """Runs operations five at a time, with a pause between batches (`BatchProcessor` of the Smart Chat API).

        with BatchProcessor() as batch:
            futures = [batch.add(id, lambda id=id: api.chats.get(id)) for id in ids]
            sessions = [future.result() for future in futures]

    One that fails does not fail the others.

    Args:
        batch_size: how many operations to run at a time.
        batch_delay: seconds between two batches.
        clock: waits; tests pass their own.
    """

    def __init__(
        self, *, batch_size: int = BATCH_SIZE, batch_delay: float = BATCH_PAUSE, clock: Clock | None = None
    ) -> None:
        super().__init__("duologue-batches", batch_size + 1, clock)  # one thread forms the batches
        self._size = batch_size
        self._delay = batch_delay
        self._queue: deque[_Call] = deque()
        self._processing = False

    def add(self, id: str, operation: Callable[[], T]) -> Future[T]:
        """Queue an operation; the future has its result.

        Args:
            id: its name in the log.
            operation: a function.

        Raises:
            ClientClosedError: the batcher is closed.
        """
        with self._lock:
            self._check_open()
            if not self._processing:
                self._pool.submit(self._process)  # first: if no thread can be started, nothing is queued
                self._processing = True
            future: Future[T] = self._create_future()
            self._queue.append(_Call(id, operation, future))
        return future

    def after_fork(self) -> None:
        """Cancel the futures of the parent's calls."""
        self._queue.clear()
        self._processing = False
        super().after_fork()

    def _process(self) -> None:
        while self._run_batch():
            if self._queue:
                self._clock.sleep(self._delay, self._closing)

    def _run_batch(self) -> bool:
        """Run the next operations; when the batcher is closed, fail all that are left. False if there are none."""
        running: list[Future[None]] = []
        error: BaseException | None = None
        with self._lock:  # `close` waits for it, so that the pool takes the whole batch
            if self._closing.is_set():
                error = _create_closed_error()
            count = len(self._queue) if error else min(self._size, len(self._queue))
            calls = [self._queue.popleft() for _ in range(count)]
            self._processing = bool(calls)
            try:
                while error is None and len(running) < len(calls):
                    running.append(self._pool.submit(self._run_operation, calls[len(running)]))
            except RuntimeError as failure:  # no thread can be started
                error = failure
        for call in calls[len(running) :]:
            self._settle([call], error)
        for operation in running:
            operation.result()
        return bool(calls)

    def _run_operation(self, call: _Call) -> None:
        _log.debug("Batch operation %s", call.name)
        self._settle([call])


def _create_closed_error() -> ClientClosedError:
    return ClientClosedError("The batcher is closed")


def _start(future: Future[Any]) -> bool:
    """Return whether a call is to be made: False if its future was cancelled."""
    try:
        return future.set_running_or_notify_cancel()
    except (InvalidStateError, RuntimeError):  # the caller has settled it
        return False


def _set_outcome(future: Future[Any], result: Any, error: BaseException | None) -> None:
    try:
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
    except BaseException:  # of a callback of the future; the other futures of the batch are settled all the same
        _log.exception("A callback of a batched call failed")

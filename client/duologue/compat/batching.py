"""Combining calls for a moment, and running operations a few at a time: the specifications' two batchers."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, Final, NoReturn, Self, TypeVar

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
    """What the two batchers share: a pool of threads that starts when it is needed, and ends with `close`."""

    def __init__(self, name: str, max_workers: int, clock: Clock | None) -> None:
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._pool = WorkerPool(max_workers, name)

    def close(self) -> None:
        """Stop waiting, refuse later calls, and return when nothing is running."""
        with self._lock:
            self._closing.set()
        self._pool.close(cancel=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._closing.is_set():
            _raise_closed()


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
        future: Future[T] = Future()
        with self._lock:
            self._check_open()
            batch = self._batches.setdefault(key, _Batch())
            batch.futures.append(future)
            batch.request = request
            batch.due = self._clock.monotonic() + delay
            if len(batch.futures) == 1:
                self._pool.submit(self._run, key, batch)
        return future

    def _run(self, key: Hashable, batch: _Batch) -> None:
        while (delay := batch.due - self._clock.monotonic()) > 0 and not self._closing.is_set():
            self._clock.sleep(delay, self._closing)
        with self._lock:
            del self._batches[key]
        _settle(batch.futures, _raise_closed if self._closing.is_set() else batch.request)


class _Batch:
    def __init__(self) -> None:
        self.futures: list[Future[Any]] = []
        self.request: Callable[[], Any] = lambda: None
        self.due = 0.0


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
        self._queue: deque[tuple[str, Callable[[], Any], Future[Any]]] = deque()
        self._processing = False

    def add(self, id: str, operation: Callable[[], T]) -> Future[T]:
        """Queue an operation; the future has its result.

        Args:
            id: its name in the log.
            operation: a function.

        Raises:
            ClientClosedError: the batcher is closed.
        """
        future: Future[T] = Future()
        with self._lock:
            self._check_open()
            self._queue.append((id, operation, future))
            if not self._processing:
                self._processing = True
                self._pool.submit(self._process)
        return future

    def _process(self) -> None:
        while running := self._start_batch():
            for operation in running:
                operation.result()
            if self._queue:
                self._clock.sleep(self._delay, self._closing)

    def _start_batch(self) -> list[Future[None]]:
        with self._lock:  # `close` waits for it, so that the pool takes the whole batch
            if self._closing.is_set():
                while self._queue:
                    self._queue.popleft()[2].set_exception(ClientClosedError("The batcher is closed"))
            batch = [self._queue.popleft() for _ in range(min(self._size, len(self._queue)))]
            self._processing = bool(batch)
            return [self._pool.submit(_run_operation, *item) for item in batch]


def _raise_closed() -> NoReturn:
    raise ClientClosedError("The batcher is closed")


def _run_operation(id: str, operation: Callable[[], Any], future: Future[Any]) -> None:
    _log.debug("Batch operation %s", id)
    _settle([future], operation)


def _settle(futures: list[Future[Any]], request: Callable[[], Any]) -> None:
    waiting = [future for future in futures if future.set_running_or_notify_cancel()]
    try:
        result = request()
    except BaseException as error:
        for future in waiting:
            future.set_exception(error)
    else:
        for future in waiting:
            future.set_result(result)

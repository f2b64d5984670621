"""Calls gathered for a moment, and operations done a few at a time: the documents' two batchers."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Final, NoReturn, Self, TypeVar

from duologue.concurrency.clock import Clock
from duologue.errors import ClientClosedError

T = TypeVar("T")

BATCH_DELAY: Final = 0.05
"""Seconds for which `RequestBatcher` waits for further calls."""

BATCH_SIZE: Final = 5
"""How many operations `BatchProcessor` runs at a time."""

BATCH_PAUSE: Final = 0.1
"""Seconds for which `BatchProcessor` waits between two batches."""

_log = logging.getLogger("duologue")


class _Worker:
    """A thread that is there while there is something to do; base of the two."""

    def __init__(self, name: str, clock: Clock | None) -> None:
        self._name = name
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._threads: set[threading.Thread] = set()

    def close(self) -> None:
        """End waiting, refuse what comes later, and return when nothing runs any more."""
        with self._lock:
            self._closing.set()
            threads = list(self._threads)
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self, work: Callable[[], None]) -> None:
        """Begin a thread; the lock is held."""

        def run() -> None:
            try:
                work()
            finally:
                with self._lock:
                    self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=run, name=self._name, daemon=True)
        self._threads.add(thread)
        thread.start()

    def _refuse_if_closed(self) -> None:
        if self._closing.is_set():
            _refuse()


class RequestBatcher(_Worker):
    """Calls of one key that come within a moment are made once: the platform document's `RequestBatcher`.

        batcher = RequestBatcher()
        users = batcher.batch("users", api.users.list)   # waits 50 ms for others that want the same

    As in the document each further call begins the moment anew, and the last one's function is what is called.

    Args:
        clock: waits; tests pass their own.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        super().__init__("duologue-batcher", clock)
        self._batches: dict[Hashable, _Batch] = {}

    def batch(self, key: Hashable, request: Callable[[], T], delay: float = BATCH_DELAY) -> T:
        """Wait for the batch of a key and return what its call returned, or raise what it raised.

        Args:
            key: calls with equal keys are one.
            request: makes the call.
            delay: seconds to wait for further calls.
        """
        return self.submit(key, request, delay).result()

    def submit(self, key: Hashable, request: Callable[[], T], delay: float = BATCH_DELAY) -> Future[T]:
        """The same, without waiting."""
        answer: Future[T] = Future()
        with self._lock:
            self._refuse_if_closed()
            batch = self._batches.setdefault(key, _Batch())
            batch.answers.append(answer)
            batch.request = request
            batch.due = self._clock.monotonic() + delay
            if len(batch.answers) == 1:
                self._start(lambda: self._run(key, batch))
        return answer

    def _run(self, key: Hashable, batch: _Batch) -> None:
        while (left := batch.due - self._clock.monotonic()) > 0 and not self._closing.is_set():
            self._clock.sleep(left, self._closing)
        with self._lock:
            del self._batches[key]
        _settle(batch.answers, _refuse if self._closing.is_set() else batch.request)


class _Batch:
    def __init__(self) -> None:
        self.answers: list[Future[Any]] = []
        self.request: Callable[[], Any] = lambda: None
        self.due = 0.0


class BatchProcessor(_Worker):
    """Does operations five at a time, with a pause between two batches: the chat document's `BatchProcessor`.

        with BatchProcessor() as batch:
            answers = [batch.add(id, lambda id=id: api.chats.get(id)) for id in ids]
            sessions = [answer.result() for answer in answers]

    One that fails does not fail the others.

    Args:
        batch_size: how many at a time.
        batch_delay: seconds between two batches.
        clock: waits; tests pass their own.
    """

    def __init__(
        self,
        *,
        batch_size: int = BATCH_SIZE,
        batch_delay: float = BATCH_PAUSE,
        clock: Clock | None = None,
    ) -> None:
        super().__init__("duologue-batches", clock)
        self._size = batch_size
        self._delay = batch_delay
        self._queue: deque[tuple[str, Callable[[], Any], Future[Any]]] = deque()
        self._processing = False

    def add(self, id: str, operation: Callable[[], T]) -> Future[T]:
        """Queue an operation; the future has what comes of it.

        Args:
            id: its name, for the log.
            operation: a function.
        """
        answer: Future[T] = Future()
        with self._lock:
            self._refuse_if_closed()
            self._queue.append((id, operation, answer))
            if not self._processing:
                self._processing = True
                self._start(self._process)
        return answer

    def _process(self) -> None:
        with ThreadPoolExecutor(self._size, thread_name_prefix=self._name) as pool:
            while batch := self._next_batch():
                for done in [pool.submit(_do, *item) for item in batch]:
                    done.result()
                if self._queue:
                    self._clock.sleep(self._delay, self._closing)

    def _next_batch(self) -> list[tuple[str, Callable[[], Any], Future[Any]]]:
        with self._lock:
            if self._closing.is_set():
                while self._queue:
                    self._queue.popleft()[2].set_exception(ClientClosedError("The batcher is closed"))
            batch = [self._queue.popleft() for _ in range(min(self._size, len(self._queue)))]
            self._processing = bool(batch)
            return batch


def _refuse() -> NoReturn:
    raise ClientClosedError("The batcher is closed")


def _do(id: str, operation: Callable[[], Any], answer: Future[Any]) -> None:
    _log.debug("Batch operation %s", id)
    _settle([answer], operation)


def _settle(answers: list[Future[Any]], request: Callable[[], Any]) -> None:
    waiting = [answer for answer in answers if answer.set_running_or_notify_cancel()]
    try:
        result = request()
    except BaseException as error:
        for answer in waiting:
            answer.set_exception(error)
    else:
        for answer in waiting:
            answer.set_result(result)

"""One call and what has become of it: `useAPI`, `useLoadingState` and `useRetryableAPI` of the documents."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, ParamSpec, TypeVar

from duologue.concurrency.clock import Clock
from duologue.concurrency.notify import ListenerQueue, NotifyManager
from duologue.errors import APIError
from duologue.query.retry import RetryOptions

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Loading(Generic[T]):
    """What has become of a call.

    Args:
        data: what it returned, None before that.
        is_loading: whether it is under way (the chat document says `loading`).
        error: why it failed.
    """

    data: T | None = None
    is_loading: bool = False
    error: Exception | None = None

    @property
    def loading(self) -> bool:
        """The chat document's name for `is_loading`."""
        return self.is_loading


class LoadingState(Generic[P, T]):
    """A function with its state: the chat document's `useAPI` (and the platform document's `useLoadingState`).

        create = LoadingState(api.chats.create)
        session = create.execute(title="Shopping")
        print(create.state.data, create.state.error)

    As in `useAPI` the last data stays while a new call is under way and when it fails. The state is the latest call's.

    Args:
        function: makes the call.
        on_change: called with each new state, no lock held.
    """

    def __init__(self, function: Callable[P, T], on_change: Callable[[Loading[T]], object] | None = None) -> None:
        self._function = function
        self._lock = threading.Lock()
        self._post = NotifyManager()
        self._mailbox: ListenerQueue[Loading[T]] | None = None if on_change is None else ListenerQueue(on_change)
        self._turn = 0
        self._state: Loading[T] = Loading()

    @property
    def state(self) -> Loading[T]:
        """What has become of the latest call."""
        return self._state

    def execute(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Make the call, and return or raise what came of it."""
        turn = self._next_turn()
        known = self._state.data
        self._set(turn, Loading(known, is_loading=True))
        try:
            data = self._function(*args, **kwargs)
        except Exception as error:
            self._set(turn, Loading(known, error=error))
            raise
        except BaseException:
            self._set(turn, Loading(known))
            raise
        self._set(turn, Loading(data))
        return data

    def reset(self) -> None:
        """Forget the latest call; if it is under way, what comes of it is not looked at."""
        self._set(self._next_turn(), Loading())

    def _next_turn(self) -> int:
        with self._lock:
            self._turn += 1
            return self._turn

    def _set(self, turn: int, state: Loading[T]) -> None:
        with self._lock:
            if turn != self._turn:
                return
            self._state = state
            if self._mailbox is not None:
                self._post.put(self._mailbox, state)
        self._post.deliver()


class RetryableCall(Generic[P, T]):
    """A function that is called again when it fails and may yet succeed: the chat document's `useRetryableAPI`.

        ask = RetryableCall(api.smart_chat.ask, max_retries=2)
        reply = ask.execute_with_retry("test-session-1", message="Hello")

    It waits 1, 2, 4 … seconds, and gives up after the configured number of retries (the document's never does).

    Args:
        function: makes the call.
        max_retries: how often to try again.
        clock: waits; tests pass their own.
    """

    def __init__(self, function: Callable[P, T], max_retries: int = 3, *, clock: Clock | None = None) -> None:
        self._function = function
        self._retry = RetryOptions(max_retries, retry_if=_retryable)
        self._clock = clock or Clock()
        self._closing = threading.Event()
        self.retry_count = 0
        """How often the latest call was tried again; 0 when it has succeeded."""

    def execute_with_retry(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Make the call, and return or raise what came of it at last."""
        failures = 0
        while True:
            try:
                data = self._function(*args, **kwargs)
            except Exception as error:
                wait = self._retry.get_delay(failures, error)
                if wait is None or self._closing.is_set():
                    raise
            else:
                self.retry_count = 0
                return data
            failures += 1
            self.retry_count = failures
            self._clock.sleep(wait, self._closing)

    __call__ = execute_with_retry

    def close(self) -> None:
        """End the waiting: a call that waits is tried once more at once, and not again."""
        self._closing.set()


def _retryable(error: Exception) -> bool:
    """As the document has it: only what says so of itself."""
    return isinstance(error, APIError) and error.is_retryable()

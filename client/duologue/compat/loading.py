"""One call and its state: `useAPI`, `useLoadingState` and `useRetryableAPI` of the specifications."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, ParamSpec, TypeVar

from duologue.concurrency import fork_safety
from duologue.concurrency.clock import Clock
from duologue.concurrency.latest_state import LatestState
from duologue.errors import APIError
from duologue.query.retry import RetryOptions

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Loading(Generic[T]):
    """The state of a call.

    Args:
        data: what it returned; None before that.
        is_loading: whether it is running (`loading` in the Smart Chat API specification).
        error: why it failed.
    """

    data: T | None = None
    is_loading: bool = False
    error: Exception | None = None

    @property
    def loading(self) -> bool:
        """The Smart Chat API specification's name for `is_loading`."""
        return self.is_loading


class LoadingState(Generic[P, T]):
    """A function and the state of its latest call: `useAPI` and `useLoadingState` of the specifications.

        create = LoadingState(api.chats.create)
        session = create.execute(title="Shopping")
        print(create.state.data, create.state.error)

    As in `useAPI` the last data stays while a new call is running and when it fails.

    Args:
        function: makes the call.
        on_change: called with each new state, with no lock held.
    """

    def __init__(self, function: Callable[P, T], on_change: Callable[[Loading[T]], object] | None = None) -> None:
        self._function = function
        self._latest: LatestState[Loading[T]] = LatestState(Loading())
        if on_change is not None:
            self._latest.subscribe(on_change)

    @property
    def state(self) -> Loading[T]:
        """The state of the latest call."""
        return self._latest.value

    def execute(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Make the call, and return its result or raise its error."""
        previous = self.state.data
        call = self._latest.start(Loading(previous, is_loading=True))
        try:
            data = self._function(*args, **kwargs)
        except Exception as error:
            self._latest.set(call, Loading(previous, error=error))
            raise
        except BaseException:
            self._latest.set(call, Loading(previous))
            raise
        self._latest.set(call, Loading(data))
        return data

    def reset(self) -> None:
        """Return to the initial state. The result of a call that is still running does not change it."""
        self._latest.start(Loading())


class RetryableCall(Generic[P, T]):
    """A function that is retried when its error is retryable: the Smart Chat API specification's `useRetryableAPI`.

        ask = RetryableCall(api.smart_chat.ask, max_retries=2)
        reply = ask.execute_with_retry("test-session-1", message="Hello")

    It waits 1, 2, 4 … seconds, and stops after the configured number of retries (the specification's never does).

    Args:
        function: makes the call.
        max_retries: how often to retry.
        clock: waits; tests pass their own.
    """

    def __init__(self, function: Callable[P, T], max_retries: int = 3, *, clock: Clock | None = None) -> None:
        self._function = function
        self._retry = RetryOptions(max_retries, retry_if=_is_retryable)
        self._clock = clock or Clock()
        self._closing = threading.Event()
        fork_safety.watch_locks(self, "_closing")
        self.retry_count = 0
        """How often the latest call was retried; 0 once it has succeeded."""

    def execute_with_retry(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Make the call, and return its result or raise its last error."""
        failures = 0
        while True:
            try:
                data = self._function(*args, **kwargs)
            except Exception as error:
                delay = self._retry.get_delay(failures, error)
                if delay is None or self._closing.is_set():
                    raise
            else:
                self.retry_count = 0
                return data
            failures += 1
            self.retry_count = failures
            self._clock.sleep(delay, self._closing)

    __call__ = execute_with_retry

    def close(self) -> None:
        """Stop waiting: a call that waits is retried once more at once, and not again."""
        self._closing.set()


def _is_retryable(error: Exception) -> bool:
    """As in the specification: only an `APIError` that says so."""
    return isinstance(error, APIError) and error.is_retryable()

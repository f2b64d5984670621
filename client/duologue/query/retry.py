"""Whether a failed function is called again, and when (TanStack Query's `retryer.ts`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from duologue.errors import APIError
from duologue.query import defaults


def default_delay(failures: int) -> float:
    """Return the seconds before the next try: 1, 2, 4 … at most 30.

    Args:
        failures: how many tries have failed before this one: 0 after the first.
    """
    return min(defaults.RETRY_DELAY * 2.0 ** min(failures, 30), defaults.MAX_RETRY_DELAY)


def is_retryable(error: Exception) -> bool:
    """Tell whether trying again may help.

    An `APIError` says so itself (`is_retryable()`): a 404 stays a 404, and TanStack Query's habit of asking four
    times for what is not there is not worth copying. Of other exceptions nothing is known, so they are tried again.
    """
    return error.is_retryable() if isinstance(error, APIError) else True


@dataclass(frozen=True, slots=True)
class RetryOptions:
    """How failures are met.

    Args:
        max_retries: how often to try again; 0 never does.
        delay: the seconds before a try, given how many have failed before the last.
        retry_if: whether an error is worth another try.
    """

    max_retries: int = defaults.RETRIES
    delay: Callable[[int], float] = default_delay
    retry_if: Callable[[Exception], bool] = is_retryable

    def get_delay(self, failures: int, error: Exception) -> float | None:
        """Return the seconds to wait before the next try, None to give up.

        Args:
            failures: how many tries have failed before this one.
            error: how this one did.
        """
        return self.delay(failures) if failures < self.max_retries and self.retry_if(error) else None

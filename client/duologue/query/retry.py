"""Whether a failed function is retried, and when (TanStack Query's `retryer.ts`). Times are in seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from duologue.errors import APIError

MAX_RETRIES: Final = 3
"""How often a failed query is retried (`retry: 3` in the Platform API specification)."""

RETRY_DELAY: Final = 1.0
"""The delay before the first retry; it doubles with each further one."""

MAX_RETRY_DELAY: Final = 30.0
"""The longest delay (`Math.min(1000 * 2 ** attemptIndex, 30000)`)."""


def default_delay(failures: int) -> float:
    """Return the seconds before the next attempt: 1, 2, 4 … at most 30.

    Args:
        failures: how many attempts failed before the last one: 0 after the first.
    """
    return min(RETRY_DELAY * 2.0 ** min(failures, 30), MAX_RETRY_DELAY)


def is_retryable(error: Exception) -> bool:
    """Return whether another attempt may succeed.

    An `APIError` decides itself (`is_retryable()`): a 404 stays a 404, and unlike in TanStack Query it is not requested
    four times. Nothing is known about other exceptions, so they are retried.
    """
    return error.is_retryable() if isinstance(error, APIError) else True


@dataclass(frozen=True, slots=True)
class RetryOptions:
    """How failures are retried (`retry`, `retryDelay`).

    Args:
        max_retries: how often to retry; 0 never does.
        delay: the seconds before a retry, given how many attempts failed before the last one.
        retry_if: whether to retry after an error.
    """

    max_retries: int = MAX_RETRIES
    delay: Callable[[int], float] = default_delay
    retry_if: Callable[[Exception], bool] = is_retryable

    @classmethod
    def resolve(cls, retry: RetryOptions | int) -> RetryOptions:
        """Return retry options, of which a number is the maximum of retries."""
        return cls(retry) if isinstance(retry, int) else retry

    def get_delay(self, failures: int, error: Exception) -> float | None:
        """Return the seconds to wait before the next attempt, None to give up.

        Args:
            failures: how many attempts failed before this one.
            error: the error of this one.
        """
        return self.delay(failures) if failures < self.max_retries and self.retry_if(error) else None

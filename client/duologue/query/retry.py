"""Whether a failed function is called again, and when (TanStack Query's `retryer.ts`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from duologue.errors import ApiException
from duologue.query import defaults


def default_delay(failures: int) -> float:
    """Return the seconds before the next try: 1, 2, 4 … at most 30.

    Args:
        failures: how many tries have failed before this one: 0 after the first.
    """
    return min(defaults.RETRY_DELAY * 2.0 ** min(failures, 30), defaults.MAX_RETRY_DELAY)


def may_pass(error: Exception) -> bool:
    """Tell whether trying again may help.

    An `ApiException` says so itself (`is_retryable()`): a 404 stays a 404, and TanStack Query's habit of asking four
    times for what is not there is not worth copying. Of other exceptions nothing is known, so they are tried again.
    """
    return error.is_retryable() if isinstance(error, ApiException) else True


@dataclass(frozen=True, slots=True)
class Retry:
    """How failures are met.

    Args:
        limit: how often to try again; 0 never does.
        delay: the seconds before a try, given how many have failed before the last.
        when: whether an error is worth another try.
    """

    limit: int = defaults.RETRIES
    delay: Callable[[int], float] = default_delay
    when: Callable[[Exception], bool] = may_pass

    def wait(self, failures: int, error: Exception) -> float | None:
        """Return the seconds to wait before the next try, None to give up.

        Args:
            failures: how many tries have failed before this one.
            error: how this one did.
        """
        return self.delay(failures) if failures < self.limit and self.when(error) else None

"""What the query layer itself raises; everything else comes from the functions it calls."""

from __future__ import annotations

from duologue.errors import ApiException, RequestTimedOut


class QueryCancelled(ApiException):
    """The fetch was called off: by `cancel`, `remove`, `clear`, or because somebody else logged in."""

    default_message = "The query was cancelled"

    def is_retryable(self) -> bool:
        """Return False: whoever cancelled meant it."""
        return False


class QueryTimedOut(RequestTimedOut):
    """The time that the caller gave was over before the fetch; others may still wait for it."""

    default_message = "The query took too long"

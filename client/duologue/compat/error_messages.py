"""The Smart Chat API specification's `handleApiError`: a sentence about an error, to show to users."""

from __future__ import annotations

import logging

from duologue.errors import APIError

_log = logging.getLogger("duologue")

_MESSAGES = {
    401: "Please log in again",
    403: "You do not have permission to perform this action",
    404: "The requested resource was not found",
    409: "This action conflicts with the current state",
    429: "Too many requests. Please wait a moment and try again",
    500: "Server error. Please try again later",
    502: "Server error. Please try again later",
    503: "Server error. Please try again later",
}


def handle_api_error(error: object, context: str | None = None) -> str:
    """Log an error and return a sentence about it to show to users.

    Args:
        error: an `APIError` is described by its status, any other exception by its own text.
        context: where it happened, for the log.
    """
    _log.error("API error%s: %s", f" in {context}" if context else "", error)
    if isinstance(error, APIError):
        return _MESSAGES.get(error.status) or error.message or "An unexpected error occurred"
    return str(error) if isinstance(error, Exception) else "An unknown error occurred"

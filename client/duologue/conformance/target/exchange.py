"""A response with its request, as the checks of the door see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import requests

from duologue.contract import Operation


@dataclass(frozen=True)
class Problem:
    """How a response breaks a rule."""

    message: str
    expected: Any = None
    actual: Any = None
    differences: tuple[str, ...] = ()

    def get_details(self) -> dict[str, Any]:
        """Return all but the message, as arguments of a `BrokenRuleError`."""
        return {"expected": self.expected, "actual": self.actual, "differences": self.differences}


@dataclass(frozen=True)
class Exchange:
    """A response and what it responds to."""

    response: requests.Response
    operation: Operation[Any] | None = field(repr=False)
    streamed: bool = False
    """Whether the body is read later."""

    @property
    def method(self) -> str:
        """The method of the request."""
        return str(self.response.request.method)

    @property
    def status(self) -> int:
        """The status of the response."""
        return self.response.status_code

    @property
    def is_error(self) -> bool:
        """Whether the status is one of an error."""
        return self.status >= 400

    @property
    def is_success(self) -> bool:
        """Whether an operation succeeded, with a body to judge."""
        return self.operation is not None and self.status == self.operation.status and not self.is_error

    @cached_property
    def json(self) -> Any:
        """The body as a JSON value; None if it is none, or is read later."""
        if self.streamed or not self.response.content:
            return None
        try:
            return self.response.json()
        except (ValueError, RecursionError):
            return None

    def get_header(self, name: str) -> str | None:
        """Return a header of the response."""
        return self.response.headers.get(name)

    def get_sent(self, name: str) -> str | None:
        """Return a header of the request."""
        value = self.response.request.headers.get(name)
        return value.decode("latin-1") if isinstance(value, bytes) else value

    def read_list(self, name: str) -> set[str]:
        """Return the elements of a header that is a list, in lower case."""
        return {part.strip().lower() for part in (self.get_header(name) or "").split(",") if part.strip()}

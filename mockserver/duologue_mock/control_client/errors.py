"""What a control call raises: errors of this module, never those of an HTTP library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ControlAPIError(Exception):
    """A control call failed: the mock refused it, and changed nothing; or it did not respond.

    Args:
        status: the HTTP status; None if there was no response.
        title: what is wrong, in a few words.
        detail: the value that is wrong, and what to do.
        pointer: where in the call's JSON it is, as a JSON pointer (RFC 6901): `/request/method`.
    """

    def __init__(
        self, status: int | None, title: str, *, detail: str | None = None, pointer: str | None = None
    ) -> None:
        self.status = status
        self.title = title
        self.detail = detail
        self.pointer = pointer
        super().__init__(self._describe())

    def _describe(self) -> str:
        status = "" if self.status is None else f"{self.status} "
        detail = f": {self.detail}" if self.detail else ""
        pointer = f" (at {self.pointer})" if self.pointer else ""
        return f"{status}{self.title}{detail}{pointer}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.status, self.title, self.detail, self.pointer)


class WaitTimeoutError(ControlAPIError):
    """What was waited for did not come in time; the message says what came near."""


def build_error(status: int, body: object) -> ControlAPIError:
    """Return the error that a response reports.

    Args:
        status: its HTTP status.
        body: its JSON; anything else if it has none.
    """
    first = _get_first_error(body)
    if first is not None:
        source = first.get("source")
        pointer = source.get("pointer") if isinstance(source, Mapping) else None
        return ControlAPIError(
            status, str(first.get("title") or "The call failed"), detail=first.get("detail"), pointer=pointer
        )
    message = body.get("message") if isinstance(body, Mapping) else None
    return ControlAPIError(status, str(message or "This is not the control API of a Duologue mock"))


def _get_first_error(body: object) -> Mapping[str, Any] | None:
    errors = body.get("errors") if isinstance(body, Mapping) else None
    if isinstance(errors, list) and errors and isinstance(errors[0], Mapping):
        return errors[0]
    return None


def _restore(
    error_class: type[ControlAPIError], status: int | None, title: str, detail: str | None, pointer: str | None
) -> ControlAPIError:
    return error_class(status, title, detail=detail, pointer=pointer)

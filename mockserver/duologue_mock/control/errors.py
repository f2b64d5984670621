"""What the control API refuses, in WireMock's words."""

from __future__ import annotations

from typing import Any

INVALID = 10
"""WireMock's code of JSON that is not what the endpoint takes."""


class ControlError(Exception):
    """A control call that is refused and changes nothing.

    Args:
        status: the HTTP status.
        title: what is wrong, in a few words.
        detail: the value that is wrong, and what to do; None for the title alone.
        pointer: where in the call's JSON it is, as a JSON pointer (RFC 6901).
        code: WireMock's number of the error.
        errors: further errors of the same call.
        headers: response headers that belong to the error.
    """

    def __init__(
        self,
        status: int,
        title: str,
        *,
        detail: str | None = None,
        pointer: str | None = None,
        code: int = INVALID,
        errors: tuple[ControlError, ...] = (),
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(title if detail is None else f"{title}: {detail}")
        self.status = status
        self.title = title
        self.detail = detail
        self.pointer = pointer
        self.code = code
        self.errors = errors
        self.headers = headers

    def body(self) -> dict[str, Any]:
        """Return the JSON that reports it: `{"errors": [{"code", "source": {"pointer"}, "title", "detail"}]}`."""
        return {"errors": [error._describe() for error in (self, *self.errors)]}

    def _describe(self) -> dict[str, Any]:
        described: dict[str, Any] = {"code": self.code, "title": self.title}
        if self.pointer is not None:
            described["source"] = {"pointer": self.pointer or "/"}
        if self.detail is not None:
            described["detail"] = self.detail
        return described


def invalid(pointer: str, detail: str, title: str = "Error parsing JSON") -> ControlError:
    """Return the 422 of JSON that the endpoint does not take.

    Args:
        pointer: where it is (RFC 6901): `/request/method`.
        detail: the value that is wrong, and what to do.
        title: what is wrong, in a few words.
    """
    return ControlError(422, title, detail=detail, pointer=pointer)


def not_found(what: str) -> ControlError:
    """Return the 404 of something that does not exist: `not_found("stub 3fd…")`."""
    return ControlError(404, f"There is no {what}", code=0)

"""The `Prefer` header (RFC 7240): what one request asks of the mock for itself, without a stub."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from duologue.contract.core import Operation
from duologue_mock.control.json_keys import find_nearest
from duologue_mock.control.json_values import MAX_INTEGER
from duologue_mock.control.responses.definition import ResponseDefinition
from duologue_mock.control.responses.faults import Fault
from duologue_mock.errors import HTTPError
from duologue_mock.http.messages import JSON, json_bytes

HEADER = "Prefer"
HEADER_KEY = "HTTP_PREFER"
APPLIED = "Preference-Applied"

_NAMES = ("code", "delay", "fault", "example")
_OTHERS = frozenset(
    {"depth-noroot", "handling", "respond-async", "return", "safe", "timezone", "wait", "maxpagesize", "transient"}
)
"""Preferences that are registered for other purposes (RFC 7240, section 5.1), and ignored as the RFC says."""
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PREFERENCE = re.compile(rf"[ \t]*({_WORD})[ \t]*(?:=[ \t]*({_WORD}|\"[^\"\\,;]*\")[ \t]*)?(;[^,]*)?(?:,|$)", re.ASCII)
_MAX_SHOWN = 80
DEFAULT_EXAMPLES = ("golden", "default", "success")
"""The names of an operation's one example, that of the OpenAPI document."""


@dataclass(frozen=True)
class Preference:
    """What a request prefers. None stands for what it leaves to the mock."""

    code: int | None = None
    """The status of the response."""
    delay: int | None = None
    """Milliseconds before the response."""
    fault: Fault | None = None
    example: str | None = None
    """The name of the operation's example that is sent."""

    @property
    def chooses_response(self) -> bool:
        """Whether it says what is sent, so that no stub is asked."""
        return self.code is not None or self.fault is not None or self.example is not None

    def __str__(self) -> str:
        """Return it as `Preference-Applied` has it."""
        parts = {"code": self.code, "delay": self.delay, "fault": self.fault, "example": self.example}
        return ", ".join(f"{name}={value}" for name, value in parts.items() if value is not None)


NO_PREFERENCE = Preference()


@lru_cache(maxsize=256)
def parse_preference(header: str) -> Preference:
    """Return what a `Prefer` header asks for.

    Raises:
        HTTPError: it is malformed, or asks for what the mock does not know (400).
    """
    values: dict[str, str] = {}
    for name, value in _split(header):
        if name in _NAMES:
            values.setdefault(name, value)  # of several, the first counts (RFC 7240, section 2)
        elif name not in _OTHERS:
            nearest = find_nearest(name, _NAMES)
            hint = f"Did you mean {nearest}?" if nearest else f"Known are {', '.join(_NAMES)}."
            raise _refuse(f"There is no preference {name[:_MAX_SHOWN]!r}. {hint}")
    preference = Preference(
        code=_parse_number(values, "code", 200, 599),
        delay=_parse_number(values, "delay", 0, MAX_INTEGER),
        fault=_parse_fault(values.get("fault")),
        example=values.get("example"),
    )
    if preference.fault is not None and (preference.code is not None or preference.example is not None):
        raise _refuse("A fault has neither a code nor an example.")
    return preference


def choose_response(preference: Preference, operation: Operation[Any] | None) -> ResponseDefinition:
    """Return the response that a preference chooses.

    Args:
        preference: one that chooses a response.
        operation: the operation that is requested; None for none.

    Raises:
        HTTPError: the operation has no such response (400).
    """
    if preference.fault is not None:
        return ResponseDefinition(passes_through=preference.fault.keeps_response, fault=preference.fault)
    if preference.example is not None:
        return _choose_example(preference, operation)
    assert preference.code is not None
    if preference.code < 400 and (operation is None or preference.code != operation.status):
        done = "This is no operation" if operation is None else f"{operation.id} is done with status {operation.status}"
        raise _refuse(f"code={preference.code}: {done}; any status from 400 to 599 can be asked for besides.")
    status = preference.code if preference.code >= 400 else None
    return ResponseDefinition(passes_through=True, status=status)


def _choose_example(preference: Preference, operation: Operation[Any] | None) -> ResponseDefinition:
    if operation is None:
        raise _refuse("There is no operation here that has examples.")
    names = [*DEFAULT_EXAMPLES, operation.id]
    if preference.example not in names:
        raise _refuse(f"{operation.id} has no example {preference.example!r}. It has {', '.join(names)}.")
    status, headers, body = _read_example(operation.id)
    if preference.code not in (None, status):
        raise _refuse(f"This example has status {status}, not {preference.code}.")
    return ResponseDefinition(status=status, headers=headers, content=body)


@lru_cache(maxsize=64)
def _read_example(name: str) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
    """Return status, headers and body of an operation's golden example, which the OpenAPI document shows too."""
    file = resources.files("duologue.golden") / f"{name}.json"
    response = json.loads(file.read_text("utf-8"))["response"]
    headers = response.get("headers", {})
    kept = tuple((one, headers[one]) for one in ("Content-Type", "Location", "Cache-Control") if one in headers)
    body = response.get("body")
    if body is None:
        return response["status"], kept, b""
    return response["status"], kept if "Content-Type" in headers else (("Content-Type", JSON), *kept), json_bytes(body)


def _split(header: str) -> list[tuple[str, str]]:
    """Return the preferences of a header, each with its value; empty where it has none."""
    pairs, position = [], 0
    while position < len(header):
        if header[position] in ", \t":  # around preferences, and of empty elements (RFC 9110, section 5.6.1)
            position += 1
            continue
        match = _PREFERENCE.match(header, position)
        if match is None:
            raise _refuse(f"{header[position : position + _MAX_SHOWN]!r} is not like `code=503, delay=1500`.")
        name, value, parameters = match.groups()
        if parameters and name.lower() in _NAMES and parameters.strip("; \t"):
            raise _refuse(f"{name} takes no parameters. Separate preferences with commas.")
        pairs.append((name.lower(), (value or "").strip('"')))
        position = match.end()
    return pairs


def _parse_number(values: dict[str, str], name: str, minimum: int, maximum: int) -> int | None:
    value = values.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 10 and minimum <= int(value) <= maximum):
        shown = value[:_MAX_SHOWN]
        raise _refuse(f"{name} must be a whole number from {minimum} to {maximum}, not {shown!r}.")
    return int(value)


def _parse_fault(value: str | None) -> Fault | None:
    if value is None:
        return None
    if value.upper() not in Fault.__members__:
        raise _refuse(f"fault must be one of {', '.join(Fault)}, not {value[:_MAX_SHOWN]!r}.")
    return Fault(value.upper())


def _refuse(reason: str) -> HTTPError:
    return HTTPError(400, "The Prefer header cannot be satisfied", fields={HEADER: [reason]})

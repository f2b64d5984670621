"""What a stub has the mock send, as WireMock's JSON describes it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from duologue_mock.control.errors import invalid
from duologue_mock.control.json_keys import find_nearest, join_pointer, read_object, show
from duologue_mock.control.json_values import MIN_INTEGER, read_boolean, read_integer, read_text
from duologue_mock.control.pretty_json import write_compact
from duologue_mock.control.responses.delays import DelayDistribution, Dribble, read_distribution, read_dribble
from duologue_mock.control.responses.faults import Fault


@dataclass(frozen=True)
class ResponseDefinition:
    """What is sent in response to a request. None stands for what is not defined."""

    status: int | None = None
    status_message: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    content: bytes | None = None
    """The body, as it is sent."""
    fixed_delay: int | None = None
    """Milliseconds; negative for none."""
    delay_distribution: DelayDistribution | None = None
    dribble: Dribble | None = None
    fault: Fault | None = None
    passes_through: bool = False
    """Whether the mock's own response is sent, with all this laid over it."""
    body_patch: Any = None
    """A merge patch (RFC 7396) of the own response's JSON."""
    source: Mapping[str, Any] = field(default_factory=dict)
    """Its body and headers, as they are in JSON."""

    @property
    def replaces_operation(self) -> bool:
        """Whether the operation is not done: its place takes an error, or what the stub defines."""
        return not self.passes_through or (self.status is not None and self.status >= 400)

    def to_json(self) -> dict[str, Any]:
        """Return it as WireMock's JSON has it."""
        parts: dict[str, Any] = {
            "status": self.status,
            "statusMessage": self.status_message,
            **self.source,
            "fixedDelayMilliseconds": self.fixed_delay,
            "delayDistribution": self.delay_distribution and self.delay_distribution.to_json(),
            "chunkedDribbleDelay": self.dribble and self.dribble.to_json(),
            "fault": self.fault,
            "passThrough": self.passes_through or None,
            "bodyPatch": self.body_patch,
        }
        return {name: value for name, value in parts.items() if value is not None}


OWN_RESPONSE = ResponseDefinition(passes_through=True)
"""The mock's own response, as it is."""


def read_response_definition(value: Any, pointer: str) -> ResponseDefinition:
    """Return the response that JSON describes; None describes an empty one of status 200.

    Raises:
        ControlError: it has an unknown key or an invalid value, or its keys contradict each other.
    """
    fields = read_object({} if value is None else _drop_empty(value), pointer, KEYS, unsupported=UNSUPPORTED)
    passes_through = read_boolean(fields.get("passThrough", False), f"{pointer}/passThrough")
    _check_combination(fields, pointer, passes_through)
    content = _read_content(fields, pointer)
    return ResponseDefinition(
        status=_read_status(fields, pointer, passes_through),
        status_message=_read_status_message(fields, pointer),
        headers=_read_headers(fields.get("headers"), f"{pointer}/headers", passes_through),
        content=content,
        fixed_delay=_read_delay(fields, pointer),
        delay_distribution=_read_part(fields, "delayDistribution", pointer, read_distribution),
        dribble=_read_part(fields, "chunkedDribbleDelay", pointer, read_dribble),
        fault=_read_part(fields, "fault", pointer, _read_fault),
        passes_through=passes_through,
        body_patch=fields.get("bodyPatch"),
        source=MappingProxyType(_build_source(fields, content)),
    )


KEYS = (
    "status",
    "statusMessage",
    "headers",
    "body",
    "jsonBody",
    "base64Body",
    "fixedDelayMilliseconds",
    "delayDistribution",
    "chunkedDribbleDelay",
    "fault",
    "passThrough",
    "bodyPatch",
)

_TEMPLATING = "Response templates are not supported; a stub with passThrough and bodyPatch changes the own response."
_PROXYING = "The mock does not proxy; passThrough sends its own response."
UNSUPPORTED: Mapping[str, str] = MappingProxyType(
    {
        "transformers": _TEMPLATING,
        "transformerParameters": _TEMPLATING,
        "bodyFileName": "Bodies from files are not supported; send the body as body, jsonBody or base64Body.",
        "proxyBaseUrl": _PROXYING,
        "proxyUrlPrefixToRemove": _PROXYING,
        "additionalProxyRequestHeaders": _PROXYING,
        "removeProxyRequestHeaders": _PROXYING,
    }
)
"""Keys of WireMock that are refused, with the sentence that says so."""

_BODIES = ("body", "jsonBody", "base64Body")
_MIN_STATUS, _MAX_STATUS = 200, 999
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_LENGTH = re.compile(r"[0-9]{1,15}", re.ASCII)


def _drop_empty(value: Any) -> Any:
    """Leave out what clients send of unsupported keys where it asks for nothing: `"transformers": []`."""
    if not isinstance(value, dict):
        return value
    return {key: inner for key, inner in value.items() if inner or key not in UNSUPPORTED}


def _check_combination(fields: Mapping[str, Any], pointer: str, passes_through: bool) -> None:
    bodies = [name for name in _BODIES if name in fields]
    if len(bodies) > 1:
        raise invalid(f"{pointer}/{bodies[1]}", f"There is a {bodies[0]} too; a response has one body.")
    if bodies and passes_through:
        raise invalid(f"{pointer}/{bodies[0]}", "passThrough sends the mock's own body; bodyPatch changes it.")
    if "bodyPatch" in fields and not passes_through:
        raise invalid(f"{pointer}/bodyPatch", "bodyPatch changes the mock's own response: it needs passThrough: true.")


def _read_status(fields: Mapping[str, Any], pointer: str, passes_through: bool) -> int | None:
    if "status" not in fields:
        return None if passes_through else _MIN_STATUS
    return read_integer(fields["status"], f"{pointer}/status", minimum=_MIN_STATUS, maximum=_MAX_STATUS)


def _read_status_message(fields: Mapping[str, Any], pointer: str) -> str | None:
    if "statusMessage" not in fields:
        return None
    message = read_text(fields["statusMessage"], f"{pointer}/statusMessage")
    if not _HEADER_VALUE.fullmatch(message):
        raise invalid(f"{pointer}/statusMessage", "Must be one line of Latin-1, as a status line has it.")
    return message


def _read_headers(value: Any, pointer: str, passes_through: bool) -> tuple[tuple[str, str], ...]:
    if value is None:
        return ()
    if not isinstance(value, dict):
        raise invalid(pointer, f"Must be an object of names and values, not {show(value)}.")
    headers: list[tuple[str, str]] = []
    spellings: dict[str, str] = {}
    for name, values in value.items():
        inner = join_pointer(pointer, name)
        if not _HEADER_NAME.fullmatch(name):
            raise invalid(inner, f"{show(name)} is not a header name (RFC 9110, section 5.1).")
        if values == []:
            raise invalid(inner, "There is no value.")
        for one in values if isinstance(values, list) else [values]:
            spelling = spellings.setdefault(name.lower(), name)
            headers.append((spelling, _read_header_value(name, one, inner, passes_through)))
    return tuple(headers)


def _read_header_value(name: str, value: Any, pointer: str, passes_through: bool) -> str:
    if not isinstance(value, str):
        raise invalid(pointer, f"Must be a text or a list of texts, not {show(value)}.")
    if not _HEADER_VALUE.fullmatch(value):
        raise invalid(pointer, "Must be one line of Latin-1, as HTTP has header values.")
    lowered = name.lower()
    if lowered in ("content-length", "transfer-encoding") and passes_through:
        raise invalid(pointer, "The mock sets it for its own response.")
    if lowered == "content-length" and not _LENGTH.fullmatch(value):
        raise invalid(pointer, "Must be a whole number of bytes.")
    if lowered == "transfer-encoding" and value.lower() != "chunked":
        raise invalid(pointer, "Must be 'chunked'.")
    return value


def _read_content(fields: Mapping[str, Any], pointer: str) -> bytes | None:
    if "body" in fields:
        return read_text(fields["body"], f"{pointer}/body").encode("utf-8", "replace")
    if "jsonBody" in fields:
        return write_compact(fields["jsonBody"])
    return _read_base64(fields["base64Body"], f"{pointer}/base64Body") if "base64Body" in fields else None


def _read_base64(value: Any, pointer: str) -> bytes:
    text = read_text(value, pointer)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise invalid(pointer, f"Must be Base64, not {show(text)}.") from None


def _read_delay(fields: Mapping[str, Any], pointer: str) -> int | None:
    name = "fixedDelayMilliseconds"
    return read_integer(fields[name], f"{pointer}/{name}", minimum=MIN_INTEGER) if name in fields else None


def _read_part(fields: Mapping[str, Any], name: str, pointer: str, read: Any) -> Any:
    return read(fields[name], f"{pointer}/{name}") if name in fields else None


def _read_fault(value: Any, pointer: str) -> Fault:
    if isinstance(value, str) and value in Fault.__members__:
        return Fault(value)
    nearest = find_nearest(value, Fault) if isinstance(value, str) else None
    hint = f" Did you mean {nearest}?" if nearest else ""
    raise invalid(pointer, f"Must be one of {', '.join(Fault)}, not {show(value)}.{hint}")


def _build_source(fields: Mapping[str, Any], content: bytes | None) -> dict[str, Any]:
    """Return body and headers as WireMock shows them: a body is a text, and Base64 is padded."""
    source = {name: fields[name] for name in ("jsonBody",) if name in fields}
    if "headers" in fields:
        source["headers"] = _show_headers(fields["headers"])
    if content is not None and "body" in fields:
        source["body"] = content.decode()
    if content is not None and "base64Body" in fields:
        source["base64Body"] = base64.b64encode(content).decode()
    return source


def _show_headers(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Return headers as WireMock shows them: those of one name together, a single value without a list."""
    names: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for name, value in headers.items():
        several = value if isinstance(value, list) else [value]
        values.setdefault(names.setdefault(name.lower(), name), []).extend(several)
    return {name: several[0] if len(several) == 1 else several for name, several in values.items()}

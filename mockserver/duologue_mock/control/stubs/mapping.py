"""A stub as WireMock's JSON describes it: a request pattern, a response, and when it applies."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from duologue_mock.control.errors import invalid
from duologue_mock.control.json_keys import read_object, show
from duologue_mock.control.json_values import read_boolean, read_integer, read_number, read_text
from duologue_mock.control.responses.definition import ResponseDefinition, read_response_definition
from duologue_mock.http.messages import json_bytes

if TYPE_CHECKING:
    from duologue_mock.control.matching.request_pattern import RequestPattern

DEFAULT_PRIORITY = 5
STARTED = "Started"
"""The state in which every scenario begins."""


@dataclass(frozen=True)
class StubMapping:
    """A stub. Its JSON has milliseconds where this has."""

    id: uuid.UUID
    pattern: RequestPattern
    response: ResponseDefinition
    name: str | None = None
    priority: int | None = None
    """The lowest number comes first; None for 5."""
    scenario_name: str | None = None
    required_state: str | None = None
    new_state: str | None = None
    is_persistent: bool | None = None
    metadata: Mapping[str, Any] | None = None
    times: int | None = None
    """How often it is served; None for always."""
    probability: float | None = None
    """How likely it is served where it matches, from 0 to 1; None for always."""
    lifetime: int | None = None
    """Milliseconds after which it expires, by the namespace's clock; None for never."""

    @property
    def order(self) -> int:
        """The number by which stubs are sorted before their age."""
        return DEFAULT_PRIORITY if self.priority is None else self.priority

    @cached_property
    def json(self) -> dict[str, Any]:
        """It as WireMock's JSON has it. Not to be changed."""
        parts: dict[str, Any] = {
            "id": str(self.id),
            "name": self.name,
            "request": self.pattern.dump(),
            "response": self.response.to_json(),
            "uuid": str(self.id),
            "persistent": self.is_persistent,
            "priority": self.priority,
            "scenarioName": self.scenario_name,
            "requiredScenarioState": self.required_state,
            "newScenarioState": self.new_state,
            "metadata": self.metadata,
            "times": self.times,
            "probability": self.probability,
            "expiresAfterMilliseconds": self.lifetime,
        }
        return {name: value for name, value in parts.items() if value is not None}

    @cached_property
    def size(self) -> int:
        """Bytes that it takes, roughly."""
        return len(json_bytes(self.json)) + _OVERHEAD

    def with_id(self, id: uuid.UUID) -> StubMapping:
        """Return a stub like this with another id."""
        return replace(self, id=id)

    def as_persistent(self) -> StubMapping:
        """Return a stub like this that a reset leaves in place."""
        return self if self.is_persistent else replace(self, is_persistent=True)


def read_stub(value: Any, pointer: str, new_id: uuid.UUID) -> StubMapping:
    """Return the stub that JSON describes.

    Args:
        value: the JSON.
        pointer: where it is (RFC 6901).
        new_id: its id where the JSON has none.

    Raises:
        ControlError: it has an unknown key or an invalid value, or its keys contradict each other.
    """
    # Loaded for the first stub: matching is a third of the code, and a mock should start at once.
    from duologue_mock.control.matching.request_pattern import RequestPattern

    fields = read_object(_drop_empty(value), pointer, KEYS, unsupported=UNSUPPORTED)
    _check_scenario(fields, pointer)
    return StubMapping(
        id=_read_id(fields, pointer, new_id),
        pattern=RequestPattern.parse(fields.get("request"), f"{pointer}/request"),
        response=read_response_definition(fields.get("response", {}), f"{pointer}/response"),
        name=_read(fields, "name", pointer, read_text),
        priority=_read(fields, "priority", pointer, read_integer),
        scenario_name=_read(fields, "scenarioName", pointer, read_text),
        required_state=_read(fields, "requiredScenarioState", pointer, read_text),
        new_state=_read(fields, "newScenarioState", pointer, read_text),
        is_persistent=_read(fields, "persistent", pointer, read_boolean),
        metadata=_read(fields, "metadata", pointer, _read_metadata),
        times=_read(fields, "times", pointer, read_integer, minimum=1),
        probability=_read(fields, "probability", pointer, read_number, minimum=0, maximum=1),
        lifetime=_read(fields, "expiresAfterMilliseconds", pointer, read_integer, minimum=1),
    )


KEYS = (
    "id",
    "uuid",
    "name",
    "request",
    "response",
    "priority",
    "scenarioName",
    "requiredScenarioState",
    "newScenarioState",
    "persistent",
    "metadata",
    "times",
    "probability",
    "expiresAfterMilliseconds",
    "insertionIndex",
)
"""`insertionIndex` is WireMock's, in the files that it writes: there it says which of several stubs is newer."""

UNSUPPORTED: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(
        ("postServeActions", "serveEventListeners"),
        "Webhooks and other actions are not supported; GET /__admin/events streams what happens.",
    )
)

_OVERHEAD = 2048
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def _drop_empty(value: Any) -> Any:
    """Leave out what clients send of unsupported keys where it asks for nothing."""
    if not isinstance(value, dict):
        return value
    return {key: inner for key, inner in value.items() if inner or key not in UNSUPPORTED}


def _read(fields: Mapping[str, Any], name: str, pointer: str, read: Any, **bounds: float) -> Any:
    return read(fields[name], f"{pointer}/{name}", **bounds) if name in fields else None


def _read_id(fields: Mapping[str, Any], pointer: str, new_id: uuid.UUID) -> uuid.UUID:
    """Return the id; of `id` and `uuid`, the later one counts, as in WireMock."""
    ids = [read_uuid(fields[name], f"{pointer}/{name}") for name in fields if name in ("id", "uuid")]
    return ids[-1] if ids else new_id


def read_uuid(value: Any, pointer: str) -> uuid.UUID:
    """Return a UUID of 36 characters.

    Raises:
        ControlError: it is none.
    """
    if isinstance(value, str) and _UUID.fullmatch(value):
        return uuid.UUID(value)
    raise invalid(pointer, f"Must be a UUID of 36 characters, not {show(value)}.")


def _read_metadata(value: Any, pointer: str) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    raise invalid(pointer, f"Must be a JSON object, not {show(value)}.")


def _check_scenario(fields: Mapping[str, Any], pointer: str) -> None:
    for name in ("requiredScenarioState", "newScenarioState"):
        if name in fields and "scenarioName" not in fields:
            raise invalid(f"{pointer}/{name}", f"{name} is of a scenario: scenarioName is missing.")

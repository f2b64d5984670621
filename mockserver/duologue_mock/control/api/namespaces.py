"""`/namespaces`: whole mocks of their own behind one address."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from duologue.contract.fields import format_timestamp
from duologue_mock.control.api.endpoints import ControlCall, Endpoints
from duologue_mock.control.cooperation import Turns
from duologue_mock.control.errors import ControlError, invalid, not_found
from duologue_mock.control.json_keys import read_object, show
from duologue_mock.control.namespace_control import NamespaceControl
from duologue_mock.control.state.reset import initialize
from duologue_mock.control.state.run_time_settings import list_differences, read_settings
from duologue_mock.http.namespaces import DEFAULT, Namespace

endpoints = Endpoints("namespaces")

_COUNT = MappingProxyType({"type": "integer", "minimum": 0})
_SETTINGS = MappingProxyType(
    {"type": "object", "description": "Settings of the mock that this namespace has of its own."}
)
_NAMESPACE = MappingProxyType(
    {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "preset": {"type": ["string", "null"]},
            "settings": _SETTINGS,
            "usedAt": {"type": ["string", "null"], "format": "date-time"},
            "users": _COUNT,
            "chats": _COUNT,
            "logins": _COUNT,
        },
        "required": ["name", "preset", "settings", "usedAt", "users", "chats", "logins"],
        "additionalProperties": False,
    }
)
_LIST = MappingProxyType(
    {
        "type": "object",
        "properties": {
            "namespaces": {"type": "array", "items": _NAMESPACE},
            "meta": {"type": "object", "properties": {"total": _COUNT}, "required": ["total"]},
        },
        "required": ["namespaces", "meta"],
        "additionalProperties": False,
    }
)
_START = MappingProxyType(
    {
        "type": "object",
        "properties": {"preset": {"type": "string"}, "settings": _SETTINGS},
        "additionalProperties": False,
    }
)
_SEEN = MappingProxyType(
    {
        "type": "object",
        "properties": {
            "coverage": {"type": "object", "description": "As `GET /coverage` has it."},
            "byRule": {"type": "object", "additionalProperties": _COUNT, "description": "As `GET /violations` has it."},
        },
        "required": ["coverage", "byRule"],
        "additionalProperties": False,
    }
)
_NO_NAME = "It is no name of a namespace."


@endpoints.add("GET", "/namespaces", response=_LIST)
def list_namespaces(call: ControlCall) -> Any:
    """List the namespaces that are in use, `default` first."""
    described = [_describe(call, namespace) for namespace in call.server.namespaces]
    return {"namespaces": described, "meta": {"total": len(described)}}


@endpoints.add(
    "PUT",
    "/namespaces/{name}",
    request=_START,
    response=_NAMESPACE,
    statuses={400: _NO_NAME, 404: "There is no such preset.", 422: "A setting or the preset is not valid."},
)
def put_namespace(call: ControlCall) -> Any:
    """Create a namespace, in place of one that exists: from the fixtures or a preset, and with settings of its own."""
    fields = read_object(call.json_object(), "", ("preset", "settings"))
    start = call.server.start
    if "preset" in fields:
        start = call.server.presets.build(_read_preset_name(fields["preset"]), start, Turns(call.control.sleep).take)
    if "settings" in fields:
        start = replace(start, settings=read_settings(fields["settings"], "/settings", start.settings))
    namespace = call.server.namespaces.get(call.args["name"])
    initialize(start, namespace, _get_control(namespace))
    return _describe(call, namespace)


@endpoints.add(
    "DELETE",
    "/namespaces/{name}",
    response=_SEEN,
    statuses={404: "There is no such namespace.", 409: "It is `default`, which always exists: reset it."},
)
def drop_namespace(call: ControlCall) -> dict[str, Any]:
    """Drop a namespace with all that it has; return what it has seen: coverage, and how often each rule was broken."""
    name = call.args["name"]
    if name == DEFAULT:
        raise ControlError(
            409, "The default namespace cannot be dropped", detail="POST /__admin/reset returns it to its start."
        )
    try:
        recorder = _get_control(call.server.namespaces.drop(name)).recorder
    except KeyError:
        raise not_found(f"namespace {name[:100]!r}") from None
    return {"coverage": recorder.coverage.render(), "byRule": dict(sorted(recorder.violations.by_rule.items()))}


def _read_preset_name(value: Any) -> str:
    if not isinstance(value, str):
        raise invalid("/preset", f"Must be the name of a preset, not {show(value)}.")
    return value


def _get_control(namespace: Namespace) -> NamespaceControl:
    """Return what steers a namespace."""
    control: Any = namespace.interceptor
    steered: NamespaceControl = control
    return steered


def _describe(call: ControlCall, namespace: Namespace) -> dict[str, Any]:
    is_default = namespace is call.server.namespaces.default
    return {
        "name": namespace.name,
        "preset": _get_control(namespace).start.preset,
        "settings": list_differences(namespace.settings, call.server.settings),
        "usedAt": None if is_default else format_timestamp(datetime.fromtimestamp(namespace.used_at, UTC)),
        "users": len(namespace.state.users),
        "chats": len(namespace.state.chats),
        "logins": len(namespace.state.logins),
    }

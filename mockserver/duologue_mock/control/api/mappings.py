"""`/mappings`: stubs, in WireMock's words."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from duologue_mock.control.api.endpoints import ControlCall, ControlResponse, Endpoints
from duologue_mock.control.errors import ControlError, invalid
from duologue_mock.control.json_keys import join_pointer, read_object, show
from duologue_mock.control.json_values import read_boolean, read_list
from duologue_mock.control.matching.matcher_parsing import parse_value_matcher
from duologue_mock.control.matching.metadata import matches_metadata
from duologue_mock.control.stubs.mapping import StubMapping, read_stub
from duologue_mock.control.stubs.mapping_files import MappingFileError

endpoints = Endpoints("stubs")

_STUB = MappingProxyType({"type": "object", "description": "A stub mapping, as WireMock's JSON has it."})
_ID = "The id is not a UUID."
_NO_STUB = "There is no stub with this id."
_INVALID = "The JSON is not a stub mapping; nothing is changed."


@endpoints.add(
    "GET",
    "/mappings",
    query={"limit": "The most stubs to return.", "offset": "How many to leave out before them."},
    response={"type": "object"},
    statuses={400: "A parameter is not a whole number."},
)
def list_mappings(call: ControlCall) -> Any:
    """List the stubs in the order in which they are tried."""
    limit, offset = call.integer("limit"), call.integer("offset") or 0
    stubs = call.control.stubs.list_all()
    end = None if limit is None else offset + limit
    return _list_json(stubs[offset:end], len(stubs))


@endpoints.add("POST", "/mappings", request=_STUB, response=_STUB, statuses={201: "Added.", 422: _INVALID})
def add_mapping(call: ControlCall) -> ControlResponse:
    """Add a stub, as the newest."""
    stub = _read_stub(call)
    call.control.stubs.add(stub)
    _publish(call, "added", stub)
    return ControlResponse(201, stub.json)


@endpoints.add("DELETE", "/mappings")
def remove_all_mappings(call: ControlCall) -> None:
    """Remove all stubs, the persistent ones too."""
    call.control.stubs.remove_where(lambda stub: True)
    _publish(call, "removed")


@endpoints.add("POST", "/mappings/reset")
def reset_mappings(call: ControlCall) -> None:
    """Remove all stubs but the persistent ones, put the scenarios back, and empty the journal."""
    call.control.reset_stubs()
    call.control.recorder.clear()
    _publish(call, "reset")


@endpoints.add("POST", "/mappings/import", request={"type": "object"}, statuses={422: _INVALID})
def import_mappings(call: ControlCall) -> None:
    """Add a list of stubs, of which the first is tried first."""
    fields = read_object(call.json(), "", ("mappings", "importOptions", "meta"))
    options = read_object(
        fields.get("importOptions", {}), "/importOptions", ("duplicatePolicy", "deleteAllNotInImport")
    )
    # WireMock's defaults: options without a policy leave what is there, and no options at all overwrite it.
    policy = options.get("duplicatePolicy", "IGNORE" if "importOptions" in fields else "OVERWRITE")
    if policy not in ("OVERWRITE", "IGNORE"):
        raise invalid("/importOptions/duplicatePolicy", f"Must be OVERWRITE or IGNORE, not {show(policy)}.")
    deletes = read_boolean(options.get("deleteAllNotInImport", False), "/importOptions/deleteAllNotInImport")
    if "mappings" not in fields:
        raise invalid("/mappings", "The list of stubs is missing.")
    stubs = call.control.stubs
    imported = [
        read_stub(value, join_pointer("/mappings", number), stubs.new_id())
        for number, value in enumerate(read_list(fields["mappings"], "/mappings"))
    ]
    stubs.import_all(imported, overwrites=policy == "OVERWRITE", deletes_others=deletes)
    _publish(call, "imported")


@endpoints.add("POST", "/mappings/save", statuses={500: "A file cannot be written."})
def save_mappings(call: ControlCall) -> None:
    """Make all stubs persistent, and write them to the folder of `--mappings` if there is one."""
    try:
        call.control.save_stubs()
    except MappingFileError as error:
        raise ControlError(500, "The stubs are not saved", detail=str(error)) from None
    _publish(call, "saved")


@endpoints.add("POST", "/mappings/find-by-metadata", request={"type": "object"}, response={"type": "object"})
def find_by_metadata(call: ControlCall) -> Any:
    """List the stubs whose metadata a matcher matches."""
    matches = _read_metadata_matcher(call)
    stubs = [stub for stub in call.control.stubs.list_all() if matches(stub)]
    return _list_json(stubs, len(stubs))


@endpoints.add("POST", "/mappings/remove-by-metadata", request={"type": "object"})
def remove_by_metadata(call: ControlCall) -> None:
    """Remove the stubs whose metadata a matcher matches."""
    call.control.stubs.remove_where(_read_metadata_matcher(call))
    _publish(call, "removed")


@endpoints.add("GET", "/mappings/{id}", response=_STUB, statuses={400: _ID, 404: _NO_STUB})
def get_mapping(call: ControlCall) -> Any:
    """Return a stub."""
    return call.control.stubs.get(call.uuid()).json


@endpoints.add(
    "PUT", "/mappings/{id}", request=_STUB, response=_STUB, statuses={400: _ID, 404: _NO_STUB, 422: _INVALID}
)
def replace_mapping(call: ControlCall) -> Any:
    """Replace a stub, which keeps its id and its place among the others."""
    stubs, id = call.control.stubs, call.uuid()
    stubs.get(id)  # a stub that does not exist is the first thing that is wrong
    stub = stubs.replace(id, _read_stub(call))
    _publish(call, "changed", stub)
    return stub.json


@endpoints.add("DELETE", "/mappings/{id}", statuses={400: _ID, 404: _NO_STUB})
def remove_mapping(call: ControlCall) -> None:
    """Remove a stub."""
    stubs, id = call.control.stubs, call.uuid()
    stub = stubs.get(id)
    stubs.remove(id)
    _publish(call, "removed", stub)


def _publish(call: ControlCall, action: str, stub: StubMapping | None = None) -> None:
    """Publish that the stubs have changed, for the live stream.

    Args:
        call: the call that has changed them.
        action: what has been done.
        stub: the stub that it was done with; None if it may be several.
    """
    named = {} if stub is None else {"id": str(stub.id), "name": stub.name}
    call.control.events.publish("stub", {"action": action, **named})


def _read_stub(call: ControlCall) -> StubMapping:
    return read_stub(call.json(), "", call.control.stubs.new_id())


def _list_json(stubs: list[StubMapping], total: int) -> dict[str, Any]:
    return {"mappings": [stub.json for stub in stubs], "meta": {"total": total}}


def _read_metadata_matcher(call: ControlCall) -> Callable[[StubMapping], bool]:
    """Return whether a stub's metadata are what the body's matcher says."""
    matcher = parse_value_matcher(call.json(), "")
    return lambda stub: matches_metadata(matcher, stub.metadata)

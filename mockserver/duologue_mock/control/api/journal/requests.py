"""`/requests`: the journal, its entries searched, counted, waited for and removed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any

from duologue_mock.control.api.endpoints import ControlCall, ControlResponse, Endpoints
from duologue_mock.control.api.journal.waiting import WaitLimits, take_wait_limits, wait_for_entries
from duologue_mock.control.api.long_lists import build_list, build_meta
from duologue_mock.control.cooperation import Turns
from duologue_mock.control.errors import ControlError, not_found
from duologue_mock.control.journal.entry import Entry
from duologue_mock.control.journal.near_misses import NearMisses
from duologue_mock.control.journal.searching import RequestMatcher, matches_metadata, search
from duologue_mock.control.matching.matcher_parsing import parse_value_matcher
from duologue_mock.control.matching.request_pattern import RequestPattern

endpoints = Endpoints("requests")

_PATTERN = MappingProxyType({"type": "object", "description": "A request pattern, as in a stub's `request`."})
_ENTRY = MappingProxyType({"type": "object", "description": "An entry in WireMock's shape."})
_REQUESTS = MappingProxyType(
    {
        "type": "object",
        "properties": {
            "requests": {"type": "array", "items": dict(_ENTRY)},
            "requestJournalDisabled": {"type": "boolean"},
        },
    }
)
_WAIT_STATUSES = MappingProxyType(
    {408: "the time is over; the body has how many came, and the nearest misses", 409: "the journal is off",
     503: "too many calls wait, or the mock stops"}
)  # fmt: skip


@endpoints.add(
    "GET",
    "/requests",
    query={
        "limit": "The most entries to return.",
        "since": "Only entries that were logged after this moment (ISO 8601).",
        "unmatched": "`true` for those that no operation and no stub responded to.",
        "matchingStub": "Only those that the stub of this id responded to.",
    },
    response=_REQUESTS,
)
def list_requests(call: ControlCall) -> ControlResponse:
    """List the requests that came, the newest first."""
    since, limit, entries = _parse_since(call), call.integer("limit"), list(call.control.journal)[::-1]
    stub_id = call.query.get("matchingStub")
    if stub_id is not None:
        wanted = _parse_uuid(stub_id, "matchingStub")
        entries = [entry for entry in entries if entry.stub_id == wanted]
    if call.query.get("unmatched", "").lower() == "true":
        entries = [entry for entry in entries if entry.is_unmatched]
    total = len(entries)
    if since is not None:
        entries = [entry for entry in entries if entry.logged_at > since]
    return _build_entries(call, "requests", entries[:limit], {"meta": build_meta(total, call.control.journal.dropped)})


@endpoints.add("DELETE", "/requests", response={"type": "object"})
def delete_requests(call: ControlCall) -> None:
    """Empty the journal, and forget the violations."""
    call.control.recorder.clear()


@endpoints.add("POST", "/requests/reset", response={"type": "object"})
def reset_requests(call: ControlCall) -> None:
    """Empty the journal, and forget the violations."""
    call.control.recorder.clear()


@endpoints.add("POST", "/requests/count", request=_PATTERN, response={"type": "object"})
def count_requests(call: ControlCall) -> dict[str, Any]:
    """Count the requests that match a pattern."""
    count = len(_search(call))
    return {"count": count if call.control.journal.is_enabled else -1, **_build_state(call)}


@endpoints.add("POST", "/requests/find", request=_PATTERN, response=_REQUESTS)
def find_requests(call: ControlCall) -> ControlResponse:
    """Find the requests that match a pattern, the oldest first."""
    return _build_requests(call, _search(call))


@endpoints.add("POST", "/requests/remove", request=_PATTERN, response={"type": "object"})
def remove_requests(call: ControlCall) -> ControlResponse:
    """Remove the requests that match a pattern, and return their entries."""
    return _remove(call, _search(call))


@endpoints.add("POST", "/requests/remove-by-metadata", request=_PATTERN, response={"type": "object"})
def remove_requests_by_metadata(call: ControlCall) -> ControlResponse:
    """Remove the requests to which stubs responded whose metadata match, and return their entries."""
    matcher = parse_value_matcher(call.json(), "")
    return _remove(call, search(call.control.journal, partial(matches_metadata, matcher), _take_turns(call)))


@endpoints.add("GET", "/requests/unmatched", response=_REQUESTS)
def list_unmatched_requests(call: ControlCall) -> ControlResponse:
    """List the requests that no operation and no stub responded to, the newest first."""
    return _build_requests(call, [entry for entry in call.control.journal if entry.is_unmatched][::-1])


@endpoints.add("POST", "/requests/wait", request=_PATTERN, response=_REQUESTS, statuses=_WAIT_STATUSES)
def wait_for_requests(call: ControlCall) -> ControlResponse:
    """Wait until so many requests have come that match a pattern; those that came before count."""
    fields = call.json_object()
    journal = call.control.journal
    limits = take_wait_limits(fields, journal)
    pattern = RequestPattern.parse(fields, "")
    matches = RequestMatcher(journal, pattern)
    entries = wait_for_entries(call, journal, call.control.recorder.waiters, matches, limits)
    if len(entries) < limits.count:
        return _build_timeout(call, pattern, entries, limits)
    return _build_requests(call, entries, {"count": len(entries)})


@endpoints.add("GET", "/requests/{id}", response=_ENTRY, statuses={404: "there is no such entry, or no more"})
def get_request(call: ControlCall) -> dict[str, Any]:
    """Get an entry by its id, by its `Unique-Reference-Code` or by its `X-Request-Id`."""
    entry = _find_entry(call)
    if entry is None:
        raise not_found(f"request {call.args['id'][:100]}")
    return call.control.recorder.renderer.render(entry)


@endpoints.add("DELETE", "/requests/{id}", response={"type": "object"})
def delete_request(call: ControlCall) -> None:
    """Remove an entry; one that does not exist is no error."""
    entry = _find_entry(call)
    if entry is not None:
        call.control.journal.remove([entry])


def _find_entry(call: ControlCall) -> Entry | None:
    """Return the entry that the path names.

    Raises:
        ControlError: it is neither a UUID nor a code that a request had (400).
    """
    name, journal = call.args["id"], call.control.journal
    entry = journal.get_by_code(name)
    return entry if entry is not None else journal.get(call.uuid())


def _search(call: ControlCall) -> list[Entry]:
    """Return the entries that match the pattern in the body, the oldest first."""
    pattern = RequestPattern.parse(call.json(), "")
    journal = call.control.journal
    return search(journal, RequestMatcher(journal, pattern), _take_turns(call))


def _remove(call: ControlCall, entries: list[Entry]) -> ControlResponse:
    response = _build_entries(call, "serveEvents", entries[::-1], {}, has_state=False)
    call.control.journal.remove(entries)
    return response


def _build_entries(
    call: ControlCall, name: str, entries: list[Entry], rest: Mapping[str, Any], *, has_state: bool = True
) -> ControlResponse:
    rendered = map(call.control.recorder.renderer.render, entries)
    return build_list(name, rendered, {**rest, **(_build_state(call) if has_state else {})}, _take_turns(call))


def _build_requests(call: ControlCall, entries: list[Entry], rest: Mapping[str, Any] | None = None) -> ControlResponse:
    rendered = map(call.control.recorder.renderer.render_request, entries)
    return build_list("requests", rendered, {**(rest or {}), **_build_state(call)}, _take_turns(call))


def _build_state(call: ControlCall) -> dict[str, bool]:
    return {"requestJournalDisabled": not call.control.journal.is_enabled}


def _take_turns(call: ControlCall) -> Turns:
    return Turns(call.control.sleep)


def _parse_since(call: ControlCall) -> datetime | None:
    """Return the moment that the query names; like WireMock, it must have a time and an offset."""
    text = call.query.get("since")
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ControlError(400, f"{text[:100]} is not a valid ISO8601 date", pointer="since")
    return moment


def _parse_uuid(text: str, name: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        title = f"Query parameter {name} value '{text[:100]}' is not a valid UUID"
        raise ControlError(400, title, code=15) from None


def _build_timeout(
    call: ControlCall, pattern: RequestPattern, entries: list[Entry], limits: WaitLimits
) -> ControlResponse:
    recorder = call.control.recorder
    near = NearMisses(recorder.journal, recorder.renderer, _take_turns(call))
    matching = {entry.sequence for entry in entries}
    others = [entry for entry in recorder.journal if entry.sequence not in matching][::-1]
    detail = f"{len(entries)} of {limits.count} came within {limits.timeout} ms."
    error = ControlError(408, "Not so many requests have come", detail=detail)
    nearest = near.find_requests(pattern, others)
    return ControlResponse(408, {**error.body(), "count": len(entries), "nearMisses": nearest})

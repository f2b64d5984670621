"""`/__admin/messages`: the journal of Socket.IO messages."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from duologue_mock.control.api.endpoints import ControlCall, ControlResponse, Endpoints
from duologue_mock.control.api.journal.waiting import (
    DEFAULT_TIMEOUT,
    MAX_TIMEOUT,
    take_wait_limits,
    wait_for_entries,
)
from duologue_mock.control.api.long_lists import build_list, build_meta
from duologue_mock.control.cooperation import Turns
from duologue_mock.control.errors import ControlError, not_found
from duologue_mock.control.journal.searching import search
from duologue_mock.control.realtime.message_journal import MessageEntry
from duologue_mock.control.realtime.message_pattern import read_message_pattern

endpoints = Endpoints("messages")

_MESSAGE = MappingProxyType({"type": "object", "description": "A message: what was sent or received, and by whom."})
_MESSAGES = MappingProxyType(
    {
        "type": "object",
        "properties": {
            "messages": {"type": "array", "items": dict(_MESSAGE)},
            "messageJournalDisabled": {"type": "boolean"},
        },
    }
)
_PATTERN_PROPERTIES = MappingProxyType(
    {
        "direction": {"enum": ["sent", "received"]},
        "type": {
            "type": "string",
            "description": "`connect`, `connect_error`, `disconnect`, `event`, `ack` and others.",
        },
        "event": {"description": "The event's name, or a matcher of it."},
        "payload": {"type": "object", "description": "A matcher of the payload's JSON."},
        "channelId": {"type": "string"},
        "userId": {"type": "string"},
        "role": {"type": "string"},
        "chatUserId": {"type": "string"},
    }
)
_PATTERN = MappingProxyType({"type": "object", "properties": dict(_PATTERN_PROPERTIES), "additionalProperties": False})
_WAIT = MappingProxyType(
    {
        **_PATTERN,
        "properties": {
            **_PATTERN_PROPERTIES,
            "count": {"type": "integer", "minimum": 1, "default": 1},
            "timeoutMilliseconds": {
                "type": "integer",
                "minimum": 0,
                "maximum": MAX_TIMEOUT,
                "default": DEFAULT_TIMEOUT,
            },
        },
    }
)
_WAIT_STATUSES = MappingProxyType(
    {408: "the time is over; the body has how many came", 409: "the journal is off",
     503: "too many calls wait, or the mock stops"}
)  # fmt: skip


@endpoints.add("GET", "/messages", query={"limit": "The most messages to return."}, response=_MESSAGES)
def list_messages(call: ControlCall) -> ControlResponse:
    """List the messages that were sent and received, the newest first."""
    journal = call.control.realtime.journal
    entries = list(journal)[::-1][: call.integer("limit")]
    return _build_messages(call, entries, {"meta": build_meta(len(journal), journal.dropped)})


@endpoints.add("DELETE", "/messages", response={"type": "object"})
def remove_messages(call: ControlCall) -> None:
    """Empty the journal of messages."""
    call.control.realtime.journal.clear()


@endpoints.add("GET", "/messages/{id}", response=_MESSAGE, statuses={404: "there is no such message, or no more"})
def get_message(call: ControlCall) -> dict[str, Any]:
    """Get a message."""
    id = call.uuid()
    entry = call.control.realtime.journal.get(id)
    if entry is None:
        raise not_found(f"message {id}")
    return call.control.realtime.render(entry)


@endpoints.add("POST", "/messages/find", request=_PATTERN, response=_MESSAGES)
def find_messages(call: ControlCall) -> ControlResponse:
    """Find the messages that match a pattern, the oldest first."""
    return _build_messages(call, _find(call), {})


@endpoints.add("POST", "/messages/count", request=_PATTERN)
def count_messages(call: ControlCall) -> dict[str, Any]:
    """Count the messages that match a pattern."""
    return {"count": len(_find(call)), "messageJournalDisabled": not call.control.realtime.journal.is_enabled}


@endpoints.add("POST", "/messages/wait", request=_WAIT, response=_MESSAGES, statuses=_WAIT_STATUSES)
def wait_for_messages(call: ControlCall) -> ControlResponse:
    """Wait until so many messages match a pattern; those that were there before count."""
    fields = call.json_object()
    realtime = call.control.realtime
    limits = take_wait_limits(fields, realtime.journal)
    pattern = read_message_pattern(fields)
    entries = wait_for_entries(
        call, realtime.journal, realtime.waiters, lambda entry: pattern.matches(entry.message), limits
    )
    if len(entries) < limits.count:
        detail = f"{len(entries)} of {limits.count} came within {limits.timeout} ms. GET /__admin/messages lists all."
        error = ControlError(408, "Not so many messages have come", detail=detail)
        return ControlResponse(408, {**error.body(), "count": len(entries)})
    return _build_messages(call, entries, {"count": len(entries)})


def _find(call: ControlCall) -> list[MessageEntry]:
    pattern = read_message_pattern(call.json_object())
    turns = Turns(call.control.sleep)
    return search(call.control.realtime.journal, lambda entry: pattern.matches(entry.message), turns)


def _build_messages(call: ControlCall, entries: list[MessageEntry], rest: Mapping[str, Any]) -> ControlResponse:
    realtime = call.control.realtime
    state = {"messageJournalDisabled": not realtime.journal.is_enabled}
    return build_list("messages", map(realtime.render, entries), {**rest, **state}, Turns(call.control.sleep))

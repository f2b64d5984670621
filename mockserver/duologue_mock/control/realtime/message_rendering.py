"""The JSON of messages."""

from __future__ import annotations

from typing import Any

from duologue.contract.fields import format_timestamp
from duologue_mock.control.realtime.channels import describe_channel
from duologue_mock.control.realtime.message_journal import MessageEntry


def render_message(entry: MessageEntry) -> dict[str, Any]:
    """Return the JSON of a message, with its secrets."""
    message = entry.message
    parts: dict[str, Any] = {
        "id": str(entry.id),
        "direction": message.direction,
        "type": message.type,
        "event": message.event,
        "payload": message.payload,
        "payloadOmitted": True if entry.is_cut else None,
        "action": message.action,
        "size": message.size,
        "loggedDate": round(entry.logged_at.timestamp() * 1000),
        "loggedDateString": format_timestamp(entry.logged_at),
    }
    rendered = {name: value for name, value in parts.items() if value is not None}
    return {**rendered, "channels": [describe_channel(channel) for channel in message.channels]}

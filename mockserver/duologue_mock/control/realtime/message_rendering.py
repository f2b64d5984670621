"""The JSON of messages."""

from __future__ import annotations

import uuid
from typing import Any

from duologue.contract.fields import format_timestamp
from duologue_mock.control.realtime.channels import describe_channel
from duologue_mock.control.realtime.message_journal import MessageEntry


def render_message(entry: MessageEntry, id: uuid.UUID) -> dict[str, Any]:
    """Return the JSON of a message, whose id this is, with its secrets."""
    message = entry.message
    parts: dict[str, Any] = {
        "id": str(id),
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

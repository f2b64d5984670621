"""Asking the assistant, whole and streamed."""

from __future__ import annotations

import json
from typing import Any

import requests

from duologue.conformance.target.caller import Api
from duologue.conformance.target.responses import read_data

STREAM = {"Accept": "text/event-stream"}


ReceivedEvents = list[tuple[str, dict[str, Any]]]


def ask(chat: Api, session: str, message: str, **more: Any) -> dict[str, Any]:
    """Ask the assistant and return its message."""
    reply: dict[str, Any] = read_data(chat.post(f"/chats/{session}/smart-chat", {"message": message, **more}), 201)
    return reply


def stream(chat: Api, session: str, message: str) -> ReceivedEvents:
    """Ask the assistant for a streamed reply and return the events."""
    response = chat.post(f"/chats/{session}/smart-chat", {"message": message}, headers=STREAM)
    return read_events(response)


def read_events(response: requests.Response) -> ReceivedEvents:
    """Read server-sent events, as the HTML standard has them: fields of lines, an event ends at an empty one."""
    assert response.headers["Content-Type"].split(";")[0] == "text/event-stream"
    text = response.content.decode("utf-8").replace("\r\n", "\n")
    assert text.endswith("\n\n")
    blocks = [_fields(block) for block in text.split("\n\n")]
    return [(fields["event"], json.loads(fields["data"])) for fields in blocks if "data" in fields]


def _fields(block: str) -> dict[str, str]:
    lines = [line.partition(":") for line in block.split("\n") if line and not line.startswith(":")]
    return {name: value.removeprefix(" ") for name, _, value in lines}

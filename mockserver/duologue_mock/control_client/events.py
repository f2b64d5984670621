"""What happens in a namespace, as it happens: the control API's server-sent events."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from duologue_mock.control_client.errors import ControlAPIError

if TYPE_CHECKING:
    from duologue_mock.control_client.transport import ControlTransport

_MAX_LINE = 4 * 1024 * 1024
"""Characters of the longest line that is read; an entry of the journal is shorter."""


@dataclass(frozen=True)
class ControlEvent:
    """Something that happened in a namespace."""

    type: str
    """`request`, `message`, `channel`, `stub`, `state` or `clock`."""
    data: Any
    """What happened, as JSON."""
    id: str | None = None
    """Where it is in the stream; `MockControl.events(after=…)` goes on from there."""


def stream_events(
    transport: ControlTransport, *, after: str | None = None, timeout: float | None = None
) -> Iterator[ControlEvent]:
    """Yield events as they happen; `MockControl.events` describes the arguments.

    Raises:
        ControlAPIError: the call failed, or the stream broke off.
    """
    headers = {"Accept": "text/event-stream"} | ({} if after is None else {"Last-Event-ID": after})
    with transport.stream("/events", headers=headers, timeout=timeout) as chunks:
        yield from parse_events(chunks)


def parse_events(chunks: Iterable[bytes]) -> Iterator[ControlEvent]:
    """Yield the events of a stream (the HTML standard, section 9.2.6); comments, which keep it open, are skipped."""
    fields: dict[str, str] = {}
    last_id: str | None = None
    for line in _split_lines(chunks):
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            fields[name] = f"{fields['data']}\n{value}" if name == "data" and "data" in fields else value
            continue
        last_id = fields.get("id", last_id)
        if "data" in fields:
            yield ControlEvent(fields.get("event", "message"), _parse_data(fields["data"]), last_id)
        fields = {}


def _split_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    rest = ""
    for chunk in chunks:
        *lines, rest = (rest + decode(chunk)).split("\n")
        for line in lines:
            yield line.removesuffix("\r")
        if len(rest) > _MAX_LINE:
            raise ControlAPIError(None, "The stream of events has a line that is too long")


def _parse_data(data: str) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data

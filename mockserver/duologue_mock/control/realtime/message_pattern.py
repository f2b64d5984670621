"""Which messages of the journal a control call means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

from duologue_mock.control.errors import invalid
from duologue_mock.control.json_keys import read_object, show
from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.matching.matcher_parsing import parse_value_matcher
from duologue_mock.control.matching.value_matchers import EqualTo, ValueMatcher
from duologue_mock.http.messages import json_bytes
from duologue_mock.realtime.messages import Channel, Direction, Message, MessageType

KEYS = ("direction", "type", "event", "payload", "channelId", "userId", "role", "chatUserId")


@dataclass(frozen=True)
class MessagePattern:
    """What a message must be; what is None may be anything."""

    direction: Direction | None = None
    type: MessageType | None = None
    event: ValueMatcher | None = None
    payload: ValueMatcher | None = None
    channel: tuple[tuple[str, str], ...] = ()
    """What one of its channels must have, as names and values of `Channel`."""

    def matches(self, message: Message) -> bool:
        """Whether a message is as it must be."""
        return (
            self.direction in (None, message.direction)
            and self.type in (None, message.type)
            and (not self.channel or any(self._matches_channel(channel) for channel in message.channels))
            and (self.event is None or self.event.matches(message.event, Evaluation()))
            and (self.payload is None or self.payload.matches(_write_payload(message), Evaluation()))
        )

    def _matches_channel(self, channel: Channel) -> bool:
        return all(getattr(channel, name) == value for name, value in self.channel)


_CHANNEL_KEYS = (("channelId", "id"), ("userId", "user_id"), ("role", "role"), ("chatUserId", "chat_user_id"))


def read_message_pattern(fields: Any) -> MessagePattern:
    """Return the pattern that JSON describes; `{}` is one of all messages.

    Raises:
        ControlError: it has an unknown key or an invalid value.
    """
    fields = read_object(fields, "", KEYS)
    return MessagePattern(
        direction=_get_choice(fields, "direction", get_args(Direction)),
        type=_get_choice(fields, "type", get_args(MessageType)),
        event=_build_matcher(fields, "event"),
        payload=_build_matcher(fields, "payload"),
        channel=tuple((name, _get_text(fields, key)) for key, name in _CHANNEL_KEYS if key in fields),
    )


def _get_choice(fields: dict[str, Any], key: str, choices: tuple[Any, ...]) -> Any:
    value = fields.get(key)
    if value is not None and value not in choices:
        raise invalid(f"/{key}", f"Must be one of {', '.join(choices)}, not {show(value)}.")
    return value


def _build_matcher(fields: dict[str, Any], key: str) -> ValueMatcher | None:
    value = fields.get(key)
    if value is None:
        return None
    return EqualTo(value) if isinstance(value, str) and key == "event" else parse_value_matcher(value, f"/{key}")


def _get_text(fields: dict[str, Any], key: str) -> str:
    if not isinstance(fields[key], str):
        raise invalid(f"/{key}", f"Must be a text, not {show(fields[key])}.")
    return str(fields[key])


def _write_payload(message: Message) -> str | None:
    return None if message.payload is None else json_bytes(message.payload).decode()

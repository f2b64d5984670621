"""Message mappings: what happens to events of a kind in place of being delivered, and whether clients may connect."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from duologue.contract import events
from duologue_mock.control.errors import invalid
from duologue_mock.control.json_keys import find_nearest, read_object, show
from duologue_mock.control.json_values import MAX_INTEGER, read_integer, read_number, read_text, too_many
from duologue_mock.control.uuid_sequence import UUIDSequence
from duologue_mock.realtime.messages import CONNECT_EVENT, Action, Intervention
from duologue_mock.store.clock import Clock

MAX_MAPPINGS = 1000
MAX_DELAY = 10 * 60 * 1000
"""Milliseconds by which a message is delayed at most."""

ACTIONS: tuple[Action, ...] = ("drop", "delay", "duplicate", "disconnect", "refuse")
_KEYS = ("id", "name", "event", "action", "delayMilliseconds", "times", "probability", "expiresAfterMilliseconds")
_HANDSHAKE_ACTIONS = ("refuse", "disconnect")


@dataclass(frozen=True)
class MessageMapping:
    """What happens to the events of a name, or to handshakes."""

    id: uuid.UUID
    event: str
    action: Action
    name: str | None = None
    delay: int | None = None
    """Milliseconds, for `delay`."""
    times: int | None = None
    """How often it applies; None for always."""
    probability: float | None = None
    """How likely it applies to one message, from 0 to 1; None for always."""
    lifetime: int | None = None
    """Milliseconds after which it expires, by the namespace's clock; None for never."""

    @property
    def intervention(self) -> Intervention:
        """What happens."""
        return Intervention(self.action, (self.delay or 0) / 1000)

    def to_json(self) -> dict[str, Any]:
        """Return its JSON."""
        parts: dict[str, Any] = {
            "id": str(self.id),
            "name": self.name,
            "event": self.event,
            "action": self.action,
            "delayMilliseconds": self.delay,
            "times": self.times,
            "probability": self.probability,
            "expiresAfterMilliseconds": self.lifetime,
        }
        return {name: value for name, value in parts.items() if value is not None}


class MessageMappings:
    """The message mappings of one namespace. Of those for one event, the newest that applies decides.

    Args:
        clock: the namespace's; mappings expire by it.
        seed: what ids and probabilities are drawn from: the same seed and the same calls and messages draw the same.
            None draws at random.
        namespace: the namespace's name; with the same seed, the ids of another one differ.
    """

    def __init__(self, clock: Clock, seed: int | None, namespace: str = "") -> None:
        self._clock = clock
        self._seed = seed
        self._namespace = namespace
        self._mappings: dict[uuid.UUID, MessageMapping] = {}
        self._left: dict[uuid.UUID, int] = {}
        self._expiries: dict[uuid.UUID, float] = {}
        self._start_sequences()

    def __len__(self) -> int:
        return len(self._mappings)

    def __iter__(self) -> Iterator[MessageMapping]:
        """Iterate over the mappings, the newest first."""
        self._remove_expired()
        return reversed(list(self._mappings.values()))

    def new_id(self) -> uuid.UUID:
        """Return an id for a mapping that brings none."""
        return self._ids.next(self._mappings)

    def add(self, mapping: MessageMapping) -> None:
        """Add a mapping, in place of the one of the same id if there is one.

        Raises:
            ControlError: there are as many as may be (422).
        """
        if self.get(mapping.id) is None:
            self.check_room()
        self.remove(mapping.id)
        self._mappings[mapping.id] = mapping
        if mapping.times is not None:
            self._left[mapping.id] = mapping.times
        if mapping.lifetime is not None:
            self._expiries[mapping.id] = self._clock.seconds() + mapping.lifetime / 1000

    def check_room(self) -> None:
        """Raise `ControlError` (422) if there is no room for one more mapping."""
        self._remove_expired()
        check_number(len(self._mappings) + 1)

    def get(self, id: uuid.UUID) -> MessageMapping | None:
        """Return a mapping; None if there is none of this id."""
        self._remove_expired()
        return self._mappings.get(id)

    def remove(self, id: uuid.UUID) -> bool:
        """Remove a mapping, and return whether there was one."""
        self._left.pop(id, None)
        self._expiries.pop(id, None)
        return self._mappings.pop(id, None) is not None

    def clear(self) -> None:
        """Remove all mappings, and start anew from the seed."""
        self._mappings.clear()
        self._left.clear()
        self._expiries.clear()
        self._start_sequences()

    def intercept(self, event: str) -> Intervention | None:
        """Return what happens to a message; None if no mapping applies to it."""
        if not self._mappings:
            return None
        for mapping in self:
            if mapping.event == event and self._applies(mapping):
                return mapping.intervention
        return None

    def _remove_expired(self) -> None:
        if self._expiries:
            now = self._clock.seconds()
            for id in [id for id, seconds in self._expiries.items() if seconds <= now]:
                self.remove(id)

    def _applies(self, mapping: MessageMapping) -> bool:
        """Return whether a mapping applies this time, which is counted."""
        if self._left.get(mapping.id) == 0:
            return False
        if mapping.probability is not None and self._random.random() >= mapping.probability:
            return False
        if mapping.id in self._left:
            self._left[mapping.id] -= 1
        return True

    def _start_sequences(self) -> None:
        self._random = Random(None if self._seed is None else f"{self._seed} messages")  # noqa: S311  # to be predictable
        self._ids = UUIDSequence(self._seed, f"message mappings of {self._namespace}")


def check_number(number: int) -> None:
    """Raise `ControlError` (422) for more mappings than a namespace may have."""
    if number > MAX_MAPPINGS:
        raise too_many("message mappings", MAX_MAPPINGS)


def read_message_mapping(value: Any, pointer: str, id: uuid.UUID) -> MessageMapping:
    """Return the mapping that JSON describes.

    Args:
        value: the JSON.
        pointer: where it is (RFC 6901).
        id: its id where the JSON has none.

    Raises:
        ControlError: it has an unknown key or an invalid value, or its keys contradict each other.
    """
    fields = read_object(value, pointer, _KEYS)
    for name in ("event", "action"):
        if name not in fields:
            raise invalid(f"{pointer}/{name}", f"{name} is missing.")
    event, action = _read_event_name(fields["event"], pointer), _read_action(fields["action"], pointer)
    _check_combination(event, action, fields, pointer)
    probability = fields.get("probability")
    return MessageMapping(
        id=_read_mapping_id(fields["id"], pointer) if "id" in fields else id,
        event=event,
        action=action,
        name=read_text(fields["name"], f"{pointer}/name") if "name" in fields else None,
        delay=_read_whole_number(fields, "delayMilliseconds", pointer, minimum=0, maximum=MAX_DELAY),
        times=_read_whole_number(fields, "times", pointer, minimum=1, maximum=MAX_INTEGER),
        probability=None
        if probability is None
        else read_number(probability, f"{pointer}/probability", minimum=0, maximum=1),
        lifetime=_read_whole_number(fields, "expiresAfterMilliseconds", pointer, minimum=1, maximum=MAX_INTEGER),
    )


def _read_event_name(value: Any, pointer: str) -> str:
    names = [event.name for event in events()]
    if value in (*names, CONNECT_EVENT):
        return str(value)
    nearest = find_nearest(str(value), [*names, CONNECT_EVENT])
    hint = (
        f"Did you mean {nearest!r}?"
        if nearest
        else f"The events are {', '.join(names)}; {CONNECT_EVENT!r} is the handshake."
    )
    raise invalid(f"{pointer}/event", f"{show(value)} is not an event of the contract. {hint}")


def _read_action(value: Any, pointer: str) -> Action:
    for action in ACTIONS:
        if value == action:
            return action
    raise invalid(f"{pointer}/action", f"Must be one of {', '.join(ACTIONS)}, not {show(value)}.")


def _check_combination(event: str, action: Action, fields: dict[str, Any], pointer: str) -> None:
    if event == CONNECT_EVENT and action not in _HANDSHAKE_ACTIONS:
        raise invalid(f"{pointer}/action", f"A handshake ({CONNECT_EVENT!r}) takes refuse or disconnect, not {action}.")
    if event != CONNECT_EVENT and action == "refuse":
        raise invalid(f"{pointer}/action", f"A handshake ({CONNECT_EVENT!r}) is refused; events are dropped.")
    if (action == "delay") is not ("delayMilliseconds" in fields):
        raise invalid(f"{pointer}/delayMilliseconds", "The action delay needs delayMilliseconds, and no other has it.")


def _read_whole_number(fields: dict[str, Any], name: str, pointer: str, *, minimum: int, maximum: int) -> int | None:
    return read_integer(fields[name], f"{pointer}/{name}", minimum=minimum, maximum=maximum) if name in fields else None


def _read_mapping_id(value: Any, pointer: str) -> uuid.UUID:
    try:
        return uuid.UUID(value)
    except (AttributeError, TypeError, ValueError):
        raise invalid(f"{pointer}/id", f"Must be a UUID, not {show(value)}.") from None

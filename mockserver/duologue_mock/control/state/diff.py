"""What differs between two moments of a namespace: what was added, removed and changed, by kind and id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from duologue_mock.control.state.export import TakeTurns
from duologue_mock.store.sessions import LoginSession
from duologue_mock.store.state import Capture


@dataclass
class Difference:
    """What was added, removed and changed, by kind (`users`, `chats`, `messages`, `logins`) and id."""

    added: dict[str, dict[str, Any]] = field(default_factory=dict)
    removed: dict[str, dict[str, Any]] = field(default_factory=dict)
    changed: dict[str, dict[str, Any]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON; a field that one side does not have is null there."""
        return {"added": self.added, "removed": self.removed, "changed": self.changed}


def compare(before: Capture, now: Capture, take_turns: TakeTurns = lambda: None) -> Difference:
    """Return what differs. What two captures share is not looked at.

    Args:
        before: the earlier data.
        now: the later data.
        take_turns: called between the records.
    """
    difference = Difference()
    _compare(difference, "users", _index_users(before), _index_users(now), take_turns)
    _compare(difference, "chats", _index_chats(before), _index_chats(now), take_turns)
    _compare(difference, "messages", _index_messages(before, now), _index_messages(now, before), take_turns)
    _compare(difference, "logins", before.logins.sessions, now.logins.sessions, take_turns)
    return difference


def _compare(
    difference: Difference, kind: str, before: Mapping[str, Any], now: Mapping[str, Any], take_turns: TakeTurns
) -> None:
    if before is now:
        return
    for id, record in now.items():
        take_turns()
        earlier = before.get(id)
        if earlier is None:
            difference.added.setdefault(kind, {})[id] = _describe(record)
        elif not _is_same(earlier, record):
            changes = _list_changes(_describe(earlier), _describe(record))
            if changes:
                difference.changed.setdefault(kind, {})[id] = changes
    for id, record in before.items():
        take_turns()
        if id not in now:
            difference.removed.setdefault(kind, {})[id] = _describe(record)


_Entry = tuple[Any, str, Any]
"""A model, the name of what is stored beside it, and its value."""


def _index_users(capture: Capture) -> Mapping[str, _Entry]:
    users = capture.users
    return {user.id: (user, "password", users.passwords.get(user.id)) for user in users.by_position.values()}


def _index_chats(capture: Capture) -> Mapping[str, _Entry]:
    return {id: (record.session, "userId", record.owner) for id, record in capture.chats.records.items()}


def _index_messages(capture: Capture, other: Capture) -> Mapping[str, _Entry]:
    """Return the messages by id, without those of sessions that are the same in another capture."""
    histories, others = capture.chats.messages, other.chats.messages
    differing = [history for id, history in histories.items() if others.get(id) is not history]
    return {message.id: (message, "", None) for history in differing for message in history}


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, LoginSession):
        return one is other
    return one[0] is other[0] and one[2] == other[2]


def _describe(record: Any) -> dict[str, Any]:
    """Return a record as JSON; a login without its refresh token."""
    if isinstance(record, LoginSession):
        return {"userId": record.user_id, "expiresAt": record.expires_at}
    model, name, value = record
    return {**model.to_dict(), **({} if value is None else {name: value})}


def _list_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the fields that differ, each with both values."""
    return {
        name: {"before": before.get(name), "now": now.get(name)}
        for name in {**before, **now}
        if before.get(name) != now.get(name)
    }

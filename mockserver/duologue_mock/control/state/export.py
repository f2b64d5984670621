"""The data of a namespace as one JSON document."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from duologue.contract.fields import format_timestamp
from duologue_mock.store.chats import ChatsCapture
from duologue_mock.store.clock import ClockSetting, IdPosition
from duologue_mock.store.sessions import LoginsCapture
from duologue_mock.store.state import Capture
from duologue_mock.store.users import UsersCapture

VERSION = 1
"""Of the document. One that an older mock has written stays readable; a change of its meaning is a new version."""

T = TypeVar("T")
TakeTurns = Callable[[], None]
"""Called between the pieces of long work, so that other requests have their turn."""


def export_state(capture: Capture, clock: ClockSetting, take_turns: TakeTurns = lambda: None) -> dict[str, Any]:
    """Return the JSON document of captured data. It has passwords and refresh tokens: it is for the developer.

    Args:
        capture: the data.
        clock: how the clock is set.
        take_turns: called between the records.
    """
    return {
        "version": VERSION,
        "users": dump_users(capture.users, take_turns),
        "chats": dump_chats(capture.chats, take_turns),
        "messages": dump_messages(capture.chats, take_turns),
        "logins": dump_logins(capture.logins, take_turns),
        "usedRefreshTokens": dict(capture.logins.used_tokens),
        "lastUserId": str(capture.users.last_number),
        "startedAt": capture.started,
        "ids": dump_ids(capture.ids),
        "clock": dump_clock(clock),
    }


def dump_users(users: UsersCapture, take_turns: TakeTurns) -> list[dict[str, Any]]:
    """Return the users in the order of their creation, with the passwords of those who can log in."""
    passwords = users.passwords
    return [
        {**user.to_dict(), "password": passwords[user.id]} if user.id in passwords else dict(user.to_dict())
        for user in _take_turns(users.by_position.values(), take_turns)
    ]


def dump_chats(chats: ChatsCapture, take_turns: TakeTurns) -> list[dict[str, Any]]:
    """Return the sessions, the one that moved last at the end, each with its owner as `userId`."""
    records = sorted(chats.records.values(), key=lambda record: (-record.entry[0], -record.entry[1]))
    return [{**record.session.to_dict(), "userId": record.owner} for record in _take_turns(records, take_turns)]


def dump_messages(chats: ChatsCapture, take_turns: TakeTurns) -> list[dict[str, Any]]:
    """Return the messages; those of one session are in their order."""
    messages = (message for history in chats.messages.values() for message in history)
    return [message.to_dict() for message in _take_turns(messages, take_turns)]


def dump_logins(logins: LoginsCapture, take_turns: TakeTurns) -> list[dict[str, Any]]:
    """Return the login sessions, the oldest first, with their refresh tokens."""
    return [
        {
            "id": session.id,
            "userId": session.user_id,
            "refreshToken": session.refresh_token,
            "expiresAt": session.expires_at if math.isfinite(session.expires_at) else None,
        }
        for session in _take_turns(logins.sessions.values(), take_turns)
    ]


def dump_ids(position: IdPosition) -> dict[str, int]:
    """Return how many ids of each kind have been generated."""
    return {"objects": position.objects, "notifications": position.notifications, "tokens": position.tokens}


def dump_clock(clock: ClockSetting) -> dict[str, Any]:
    """Return the time at which the clock stands still, or how far it is from the machine's."""
    if clock.frozen_at is not None:
        return {"frozenAt": format_timestamp(clock.frozen_at)}
    return {"offsetMilliseconds": clock.offset}


def _take_turns(records: Iterable[T], take_turns: TakeTurns) -> Iterator[T]:
    for record in records:
        take_turns()
        yield record

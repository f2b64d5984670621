"""Faults of audiences: events and notifications that reach the wrong people, or not the right ones."""

from __future__ import annotations

from typing import Any

from duologue.contract import chats, messages, notifications, smart_chat, users
from duologue_mock import notifications as notification_handlers
from duologue_mock.realtime.connection import ADMINS
from duologue_mock.realtime.server import SocketIOServer
from tests.conformance.planting import (
    Fault,
    change_handler,
    change_payload,
    change_rooms,
    with_fields,
    wrap,
)


def _announce_unchanged(update: Any, *, state: Any, **arguments: Any) -> Any:
    """Every change of a user notifies of a new role."""
    user = update(state=state, **arguments)
    notification_handlers.notify_role_changed(state, user)
    return user


def _to_admins_only(rooms: Any, user_id: Any) -> Any:
    return ADMINS if isinstance(rooms, list) else rooms


def _to_user_only(rooms: Any, user_id: Any) -> Any:
    return rooms[1] if isinstance(rooms, list) else rooms


def _keep_admin_room(original: Any, self: SocketIOServer, user: Any) -> None:
    if user.role == "admin":
        original(self, user)


def _to_identified_only(original: Any, self: SocketIOServer, event: str, data: Any, rooms: Any) -> Any:
    """Public events are for those who have logged in."""
    if rooms is None:
        known = [one for one in self.connections if one.list_rooms()]
        return original(self, event, data, [one.id for one in known]) if known else []
    return original(self, event, data, rooms)


def _all_but_last(original: Any, self: SocketIOServer, event: str, data: Any, rooms: Any) -> Any:
    """Of several tabs of one user, only the first receives an event."""
    tabs = [one for one in self.connections if isinstance(rooms, str) and rooms in one.list_rooms()]
    return original(self, event, data, tabs[0].id if tabs else rooms)


FAULTS = [
    Fault(
        "events.reply-not-notified",
        "events.smart-chat-counted",
        "A finished reply sends no notification.",
        wrap(notification_handlers, "notify_reply_finished", lambda *_: None),
    ),
    Fault(
        "events.reply-notified-twice",
        "events.smart-chat-counted",
        "A finished reply sends two notifications.",
        wrap(notification_handlers, "notify_reply_finished", lambda notify, *args: (notify(*args), notify(*args))),
    ),
    Fault(
        "events.notification-read",
        "events.notification-new-user",
        "A new notification has been read already.",
        change_payload(notifications.NEW, with_fields(read=True)),
    ),
    Fault(
        "events.chat-to-everyone",
        "events.chats-private",
        "`chat:created` is sent to everyone.",
        change_rooms(chats.CREATED, lambda *_: None),
    ),
    Fault(
        "events.chat-deleted-to-everyone",
        "events.chats-private",
        "`chat:deleted` is sent to everyone.",
        change_rooms(chats.DELETED, lambda *_: None),
    ),
    Fault(
        "events.message-to-admins",
        "events.chats-private",
        "`message:created` is sent to administrators too.",
        change_rooms(messages.CREATED, lambda room, _: [room, ADMINS]),
    ),
    Fault(
        "events.typing-to-everyone",
        "events.chats-private",
        "`chat:typing` is sent to everyone.",
        change_rooms(smart_chat.TYPING, lambda *_: None),
    ),
    Fault(
        "events.delta-to-everyone",
        "events.chats-private",
        "`message:delta` is sent to everyone.",
        change_rooms(smart_chat.DELTA, lambda *_: None),
    ),
    Fault(
        "events.user-to-admins-only",
        "events.users-counted",
        "`user:updated` is sent to administrators only.",
        change_rooms(users.UPDATED, lambda *_: ADMINS),
    ),
    Fault(
        "events.user-not-to-anonymous",
        "events.users-counted",
        "Anonymous listeners receive no public events.",
        wrap(SocketIOServer, "_emit", _to_identified_only),
    ),
    Fault(
        "events.one-tab-only",
        "events.chats",
        "Of several tabs of a user, only one receives events.",
        wrap(SocketIOServer, "_emit", _all_but_last),
    ),
    Fault(
        "events.notification-to-everyone",
        "events.notifications-private",
        "Notifications are sent to everyone.",
        change_rooms(notifications.NEW, lambda *_: None),
    ),
    Fault(
        "events.notification-not-to-admins",
        "events.notification-new-user",
        "Administrators are not notified of a new user.",
        change_rooms(notifications.NEW, _to_user_only),
    ),
    Fault(
        "events.notification-not-to-user",
        "events.notification-new-role",
        "A user is not notified of its new role.",
        change_rooms(notifications.NEW, _to_admins_only),
    ),
    Fault(
        "events.notification-of-any-change",
        "events.notifications-private",
        "A change of the name notifies of a new role.",
        change_handler(users.UPDATE, _announce_unchanged),
    ),
    Fault(
        "events.former-admin",
        "events.notifications-follow-role",
        "A user who is no administrator any more receives what is for them.",
        wrap(SocketIOServer, "_update_admin_room", _keep_admin_room),
    ),
    Fault(
        "events.notified-twice",
        "events.notifications-counted",
        "A new user sends two notifications.",
        wrap(notification_handlers, "notify_user_created", lambda notify, *args: (notify(*args), notify(*args))),
    ),
]

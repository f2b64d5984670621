"""Notifications of what a user should know."""

from __future__ import annotations

from duologue.contract import notifications
from duologue.contract.chats import ChatSession
from duologue.contract.notifications import Notification
from duologue.contract.users import User
from duologue_mock.store import State

CHAT_USER = "chat:"
"""Prefix that distinguishes a chat service's user id from a platform user's."""


def notify_user_created(state: State, user: User) -> None:
    """Notify the administrators and the user of its creation."""
    if state.has_subscribers:
        notify(state, user.id, kind="user_created", title="User created", message=f"{user.name} was added.")


def notify_role_changed(state: State, user: User) -> None:
    """Notify the administrators and the user of its new role."""
    if state.has_subscribers:
        notify(state, user.id, kind="role_changed", title="Role changed", message=f"{user.name} is now {user.role}.")


def notify_reply_finished(state: State, owner: str, session: ChatSession) -> None:
    """Notify a session's owner that the assistant has replied."""
    if state.has_subscribers:
        text = f"The assistant answered in {session.title}."
        notify(state, CHAT_USER + owner, kind="smart_chat_reply", title="New reply", message=text)


def notify(state: State, user_id: str, *, kind: str, title: str, message: str) -> Notification:
    """Publish a notification to `user_id`, and to the administrators if that is a platform user's id.

    Args:
        state: the state.
        user_id: the platform user's id; with `CHAT_USER` before it, a chat service's user id.
        kind: its `type`.
        title: its title.
        message: its text.
    """
    notification = Notification(
        id=state.ids.notification_id(), type=kind, title=title, message=message, created_at=state.clock.now()
    )
    state.publish(notifications.NEW, notification, user_id=user_id)
    return notification

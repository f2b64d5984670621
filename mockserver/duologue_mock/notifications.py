"""Notifications, made where something happened that a user should know."""

from __future__ import annotations

from duologue.contract import notifications
from duologue.contract.chats import ChatSession
from duologue.contract.notifications import Notification
from duologue.contract.users import User
from duologue_mock.store import State

CHAT_USER = "chat:"
"""Prefix of a chat service's user id, which is not a platform user's."""


def user_created(state: State, user: User) -> None:
    """Tell the administrators and the user that it was made."""
    if state.has_subscribers:
        tell(state, user.id, kind="user_created", title="User created", message=f"{user.name} was added.")


def role_changed(state: State, user: User) -> None:
    """Tell the administrators and the user of its new role."""
    if state.has_subscribers:
        tell(state, user.id, kind="role_changed", title="Role changed", message=f"{user.name} is now {user.role}.")


def reply_finished(state: State, owner: str, session: ChatSession) -> None:
    """Tell a session's owner that the assistant has answered."""
    if state.has_subscribers:
        text = f"The assistant answered in {session.title}."
        tell(state, CHAT_USER + owner, kind="smart_chat_reply", title="New reply", message=text)


def tell(state: State, user_id: str, *, kind: str, title: str, message: str) -> Notification:
    """Announce a notification to `user_id`, and to the administrators if that is a platform user's id."""
    notification = Notification(
        id=state.ids.notification_id(), type=kind, title=title, message=message, created_at=state.clock.now()
    )
    state.publish(notifications.NEW, notification, user_id=user_id)
    return notification

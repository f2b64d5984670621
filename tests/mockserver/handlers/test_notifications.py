"""Notifications: whom they concern and what they say."""

from __future__ import annotations

from duologue.contract.users import User
from duologue_mock import notifications
from duologue_mock.store import State
from tests.mockserver.clocks import ManualClock
from tests.mockserver.event_recorder import EventRecorder

ADA = User("9", "Ada", "ada@example.com", "admin")


def test_notifications(state: State, recorder: EventRecorder, clock: ManualClock) -> None:
    session = state.chats.get("anonymous-user", "test-session-1")
    assert session is not None
    notifications.notify_user_created(state, ADA)
    notifications.notify_role_changed(state, ADA)
    notifications.notify_reply_finished(state, "anonymous-user", session)
    notified = recorder.payloads("notification:new")
    assert [one.type for one in notified] == ["user_created", "role_changed", "smart_chat_reply"]
    assert ["Ada" in notified[0].message, "admin" in notified[1].message, "Test Session" in notified[2].message] == [
        True
    ] * 3
    assert [user_id for _, _, user_id in recorder.all] == ["9", "9", "chat:anonymous-user"]
    assert len({one.id for one in notified}) == 3
    assert {(one.created_at, one.read) for one in notified} == {(clock.now(), False)}


def test_notify(state: State, recorder: EventRecorder) -> None:
    notified = notifications.notify(state, "1", kind="maintenance", title="Soon", message="At noon.")
    assert recorder.all == [("notification:new", notified, "1")]

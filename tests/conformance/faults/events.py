"""Faults of events: missing, repeated, too early, out of order, with another payload."""

from __future__ import annotations

import json
from typing import Any

import gevent

from duologue.contract import chats, messages, smart_chat, users
from duologue_mock import chats as chat_handlers
from duologue_mock import smart_chat as smart_chat_handlers
from duologue_mock.http.dispatch import Dispatcher
from duologue_mock.store import State
from tests.conformance.planting import (
    Fault,
    change_handler,
    change_payload,
    change_publishing,
    drop_event,
    repeat_event,
    with_fields,
    without,
    wrap,
)


def _publish_before(create: Any, *, state: Any, body: Any) -> Any:
    """Send `user:created`, and store the user a moment later."""
    user = create(state=state, body=body)
    position = state.users._positions.pop(user.id)
    gevent.sleep(0.1)
    state.users._positions[user.id] = position
    return user


def _hold_back() -> Any:
    """Send each `user:updated` together with the next event."""
    held: list[Any] = []

    def publish(original: Any, self: State, event: Any, payload: Any, **options: Any) -> None:
        if event is users.UPDATED:
            held.append((event, payload, options))
            return
        original(self, event, payload, **options)
        while held:
            one, late, kept = held.pop(0)
            original(self, one, late, **kept)

    return wrap(State, "publish", publish)


def _show_former(update: Any, *, state: Any, id: str, **arguments: Any) -> Any:
    """`user:updated` has the user as it was."""
    former = state.users.get(id)
    publish = state.publish

    def publish_former(event: Any, payload: Any, **options: Any) -> None:
        if event is users.UPDATED:
            payload = users.UserEvent(id, former)
        publish(event, payload, **options)

    state.publish = publish_former
    try:
        return update(state=state, id=id, **arguments)
    finally:
        del state.publish


def _announce_failure(original: Any, self: Dispatcher, operation: Any, request: Any) -> Any:
    """A change that is refused by a precondition is announced."""
    try:
        return original(self, operation, request)
    except Exception as error:
        if operation is users.UPDATE and getattr(error, "status", 0) == 412:
            user = self._state.users.get(request.args["id"])
            assert user is not None
            self._state.publish(users.UPDATED, users.UserEvent(user.id, user))
        raise


def _announce_replay(original: Any, self: Dispatcher, operation: Any, request: Any) -> Any:
    response = original(self, operation, request)
    if operation is users.CREATE and any(name == "Idempotency-Replayed" for name, _ in response.headers):
        user = self._state.users.get(json.loads(response.body)["id"])
        if user is not None:
            self._state.publish(users.CREATED, users.UserEvent(user.id, user))
    return response


def _typing_once(send: Any, payload: Any, _: Any) -> None:
    if payload.typing:
        send()


def _typing_never_ends(original: Any, state: Any, principal: Any, session_id: str, *, typing: bool) -> None:
    original(state, principal, session_id, typing=True)


def _reverse_deltas() -> Any:
    """The first two pieces of a reply change places."""
    held: list[Any] = []

    def publish(send: Any, payload: Any, user_id: Any) -> None:
        held.append(payload)
        if len(held) % 2 == 0:
            send(payload=held[-1])
            send(payload=held[-2])

    return change_publishing(smart_chat.DELTA, publish)


def _delta_after_message(original: Any, state: Any, principal: Any, session_id: str, reply_id: str, text: str) -> Any:
    reply = original(state, principal, session_id, reply_id, text)
    smart_chat_handlers._publish_delta(state, principal, session_id, reply_id, text)
    return reply


def _whole_delta(original: Any, state: Any, principal: Any, session_id: str, reply_id: str, piece: str) -> None:
    """Every piece is sent as all of the text so far."""
    texts = _TEXTS.setdefault(reply_id, [])
    texts.append(piece)
    original(state, principal, session_id, reply_id, "".join(texts))


_TEXTS: dict[str, list[str]] = {}


def _no_session_event(original: Any, state: Any, owner: str, session: Any, *, message_at: Any = None) -> Any:
    """A message moves its session without `chat:updated`."""
    if message_at is None:
        return original(state, owner, session)
    state.publish = lambda *_, **__: None
    try:
        return original(state, owner, session, message_at=message_at)
    finally:
        del state.publish


FAULTS = [
    Fault(
        "events.created-missing",
        "events.users-counted",
        "Creating a user sends no `user:created`.",
        drop_event(users.CREATED),
    ),
    Fault(
        "events.updated-missing",
        "events.users-counted",
        "Changing a user sends no `user:updated`.",
        drop_event(users.UPDATED),
    ),
    Fault(
        "events.deleted-missing",
        "events.users-counted",
        "Deleting a user sends no `user:deleted`.",
        drop_event(users.DELETED),
    ),
    Fault(
        "events.created-twice",
        "events.users-counted",
        "`user:created` is sent twice.",
        repeat_event(users.CREATED),
    ),
    Fault(
        "events.updated-twice",
        "events.users-counted",
        "`user:updated` is sent twice.",
        repeat_event(users.UPDATED),
    ),
    Fault(
        "events.chat-updated-twice",
        "events.chats-counted",
        "`chat:updated` is sent twice.",
        repeat_event(chats.UPDATED),
    ),
    Fault(
        "events.chat-deleted-missing",
        "events.chats-counted",
        "Deleting a session sends no `chat:deleted`.",
        drop_event(chats.DELETED),
    ),
    Fault(
        "events.message-twice",
        "events.messages-counted",
        "`message:created` is sent twice.",
        repeat_event(messages.CREATED),
    ),
    Fault(
        "events.session-not-updated",
        "events.messages-counted",
        "A message moves its session, and no `chat:updated` says so.",
        wrap(chat_handlers, "store_change", _no_session_event),
    ),
    Fault(
        "events.typing-missing",
        "events.smart-chat-counted",
        "Smart chat sends no `chat:typing`.",
        drop_event(smart_chat.TYPING),
    ),
    Fault(
        "events.typing-without-end",
        "events.smart-chat-counted",
        "`chat:typing` is not sent when the reply is there.",
        change_publishing(smart_chat.TYPING, _typing_once),
    ),
    Fault(
        "events.typing-always-true",
        "events.smart-chat-counted",
        "`typing` is always true.",
        wrap(smart_chat_handlers, "_publish_typing", _typing_never_ends),
    ),
    Fault(
        "events.deltas-swapped",
        "events.deltas",
        "The pieces of a reply arrive out of order.",
        _reverse_deltas(),
    ),
    Fault(
        "events.delta-repeats",
        "events.deltas",
        "Each `message:delta` has the whole text so far.",
        wrap(smart_chat_handlers, "_publish_delta", _whole_delta),
    ),
    Fault(
        "events.delta-missing",
        "events.deltas",
        "A streamed reply sends no `message:delta`.",
        drop_event(smart_chat.DELTA),
    ),
    Fault(
        "events.delta-after-message",
        "events.smart-chat-counted",
        "A piece is sent after the whole message.",
        wrap(smart_chat_handlers, "_store_reply", _delta_after_message),
    ),
    Fault(
        "events.before-change",
        "events.after-change",
        "`user:created` arrives before the user can be read.",
        change_handler(users.CREATE, _publish_before),
    ),
    Fault(
        "events.late",
        "events.users-counted",
        "`user:updated` is sent after the event of the next change.",
        _hold_back(),
    ),
    Fault(
        "events.former-user",
        "events.users",
        "`user:updated` has the user as it was before.",
        change_handler(users.UPDATE, _show_former),
    ),
    Fault(
        "events.payload-without-user-id",
        "events.users",
        "`user:created` has no `userId`.",
        change_payload(users.CREATED, without("userId")),
    ),
    Fault(
        "events.payload-without-session-id",
        "events.messages",
        "`message:created` has no `sessionId`.",
        change_payload(messages.CREATED, without("sessionId")),
    ),
    Fault(
        "events.payload-with-owner",
        "events.chats",
        "`chat:created` has a field of its own, `userId`.",
        change_payload(chats.CREATED, with_fields(userId="me")),
    ),
    Fault(
        "events.announced-though-refused",
        "events.no-change",
        "A change that a precondition refuses is announced.",
        wrap(Dispatcher, "dispatch", _announce_failure),
    ),
    Fault(
        "events.announced-again",
        "events.no-change",
        "A replay announces the change again.",
        wrap(Dispatcher, "dispatch", _announce_replay),
    ),
]

"""Faults of messages and of what they change in their session."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from duologue.contract import messages
from duologue.contract.messages import ChatMessage, MessageCreate
from duologue_mock import messages as handlers
from duologue_mock.errors import HTTPError, validation_error
from duologue_mock.http import dispatch
from duologue_mock.http.dispatch import Dispatcher
from duologue_mock.store.chats import Chats
from tests.conformance.planting import Fault, change_data, wrap


def _change_stored(change: Any) -> Any:
    """Return a replacement of `messages.store` that stores something else."""

    def store(original: Any, state: Any, principal: Any, session_id: str, new: MessageCreate, **options: Any) -> Any:
        return original(state, principal, session_id, change(new), **options)

    return store


def _leave_session(original: Any, state: Any, principal: Any, session_id: str, new: Any, **options: Any) -> Any:
    """Store a message, and leave its session where it is."""
    before = state.chats.get(principal.user_id, session_id)
    message = original(state, principal, session_id, new, **options)
    if before is not None:
        state.chats.replace(before)
    return message


def _leave_updated_at(original: Any, state: Any, principal: Any, session_id: str, new: Any, **options: Any) -> Any:
    before = state.chats.get(principal.user_id, session_id)
    message = original(state, principal, session_id, new, **options)
    if before is not None:
        state.chats.replace(replace(before, last_message_at=message.created_at))
    return message


def _accept_longer_content(original: Any, operation: Any, request: Any) -> Any:
    if operation is messages.SEND and len(request.body) > 10_000:
        value = json.loads(request.body)
        if isinstance(value.get("content"), str) and len(value["content"]) == 10_001:
            return MessageCreate(value["content"], value["sender"])
    return original(operation, request)


def _refuse_long_content(original: Any, operation: Any, request: Any) -> Any:
    body = original(operation, request)
    if operation is messages.SEND and len(body.content) > 4_000:
        raise validation_error({"content": ["Longer than maximum length 4000."]})
    return body


def _accept_bot(original: Any, operation: Any, request: Any) -> Any:
    if operation is messages.SEND:
        request.body = request.body.replace(b'"bot"', b'"assistant"')
    return original(operation, request)


def _insert_first(original: Any, self: Chats, message: ChatMessage) -> None:
    original(self, message)
    history = self._messages[message.session_id]
    if len(history) == 4:
        history.insert(2, history.pop())


def _store_twice(original: Any, self: Chats, message: ChatMessage) -> None:
    original(self, message)
    original(self, message)


def _store_before_refusal(original: Any, self: Dispatcher, operation: Any, request: Any) -> Any:
    """Store a message before its context is checked."""
    try:
        return original(self, operation, request)
    except HTTPError as error:
        if operation is messages.SEND and "context" in error.fields:
            handlers.store(self._state, request.principal, request.args["id"], MessageCreate("Hello", "user"))
        raise


FAULTS = [
    Fault(
        "messages.untrimmed",
        "responses.body",
        "White space around a message is stored.",
        wrap(handlers, "store", _change_stored(lambda new: replace(new, content=f"{new.content}\n"))),
        met_by="messages.SEND.content-trimmed",
    ),
    Fault(
        "messages.lines-joined",
        "messages.SEND.content-bounds",
        "Line breaks in a message become spaces.",
        wrap(handlers, "store", _change_stored(lambda new: replace(new, content=" ".join(new.content.split("\n"))))),
    ),
    Fault(
        "messages.html-escaped",
        "messages.SEND.content-bounds",
        "Messages are stored with HTML's special characters escaped.",
        wrap(handlers, "store", _change_stored(lambda new: replace(new, content=new.content.replace("<", "&lt;")))),
    ),
    Fault(
        "messages.content-10001",
        "responses.body",
        "A message of 10,001 characters is accepted.",
        wrap(dispatch, "parse_body", _accept_longer_content),
        met_by="messages.SEND.invalid",
    ),
    Fault(
        "messages.content-4001",
        "messages.SEND.content-bounds",
        "Messages of more than 4,000 characters are refused.",
        wrap(dispatch, "parse_body", _refuse_long_content),
    ),
    Fault(
        "messages.sender-bot",
        "messages.SEND.invalid",
        "The sender `bot` is accepted.",
        wrap(dispatch, "parse_body", _accept_bot),
    ),
    Fault(
        "messages.sender-ignored",
        "messages.SEND.created",
        "Every message is stored as the user's.",
        wrap(handlers, "store", _change_stored(lambda new: replace(new, sender="user"))),
    ),
    Fault(
        "messages.context-lost",
        "messages.SEND.context",
        "The context of a message is not stored.",
        wrap(handlers, "store", _change_stored(lambda new: replace(new, context=None))),
    ),
    Fault(
        "messages.context-types",
        "messages.SEND.context-types",
        "`true` in a context comes back as 1.",
        change_data(
            lambda message: (
                message
                if "context" not in message
                else {
                    **message,
                    "context": {key: 1 if item is True else item for key, item in message["context"].items()},
                }
            ),
            messages.SEND,
        ),
    ),
    Fault(
        "messages.last-message-at-stays",
        "messages.SEND.moves-session",
        "A message leaves `lastMessageAt` of its session as it was.",
        wrap(handlers, "store", _leave_session),
    ),
    Fault(
        "messages.updated-at-stays",
        "messages.SEND.moves-session",
        "A message leaves `updatedAt` of its session as it was.",
        wrap(handlers, "store", _leave_updated_at),
    ),
    Fault(
        "messages.order",
        "messages.LIST.walk-complete",
        "The fourth message is listed before the third.",
        wrap(Chats, "add_message", _insert_first),
    ),
    Fault(
        "messages.stored-twice",
        "messages.LIST.one-session",
        "A message is stored twice.",
        wrap(Chats, "add_message", _store_twice),
    ),
    Fault(
        "messages.refused-stored",
        "messages.SEND.invalid",
        "A message that is refused for its context is stored all the same.",
        wrap(Dispatcher, "dispatch", _store_before_refusal),
    ),
    Fault(
        "messages.of-all-sessions",
        "messages.LIST.one-session",
        "The messages of all sessions are in each.",
        wrap(Chats, "messages", lambda _, self, session_id: [one for all_ in self._messages.values() for one in all_]),
    ),
]

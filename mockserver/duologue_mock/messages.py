"""Handlers of messages: list and send."""

from __future__ import annotations

from duologue.contract import messages
from duologue.contract.messages import ChatMessage, MessageCreate, MessageEvent, MessagePage, MessageQuery
from duologue_mock import chats
from duologue_mock.handler_registry import Principal, handler
from duologue_mock.store import State


@handler(messages.LIST)
def list_(state: State, principal: Principal, id: str, query: MessageQuery) -> MessagePage:
    """Return one page, oldest first."""
    history = list_all(state, principal, id)
    start = (query.page - 1) * query.limit
    return MessagePage(
        data=history[start : start + query.limit],
        pagination=chats.build_pagination(query.page, query.limit, len(history)),
    )


@handler(messages.SEND)
def send(state: State, principal: Principal, id: str, body: MessageCreate) -> ChatMessage:
    """Store a message."""
    chats.get(state, principal, id)
    return store(state, principal, id, body)


def list_all(state: State, principal: Principal, session_id: str) -> list[ChatMessage]:
    """Return all messages of the caller's session, oldest first: the store's own list, not to be changed."""
    return state.chats.messages(chats.get(state, principal, session_id).id)


def store(
    state: State, principal: Principal, session_id: str, new: MessageCreate, *, message_id: str | None = None
) -> ChatMessage:
    """Store a message in the caller's session, move the session to the top, and publish both changes.

    Args:
        state: the state.
        principal: the caller.
        session_id: the session.
        new: the message.
        message_id: its id; None for a new one.
    """
    session = chats.get(state, principal, session_id)
    message = ChatMessage(
        id=message_id or state.ids.object_id(),
        session_id=session_id,
        sender=new.sender,
        content=new.content,
        context=new.context,
        created_at=chats.next_timestamp(state, session),
    )
    state.chats.add_message(message)
    state.publish(messages.CREATED, MessageEvent(session_id, message), user_id=principal.user_id)
    chats.store_change(state, principal.user_id, session, message_at=message.created_at)
    return message

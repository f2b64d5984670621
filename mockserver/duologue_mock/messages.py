"""Messages: listing and sending."""

from __future__ import annotations

from duologue.contract import messages
from duologue.contract.messages import ChatMessage, MessageEvent, MessagePage, MessageQuery, NewMessage
from duologue_mock import chats
from duologue_mock.handler_registry import Caller, answers
from duologue_mock.store import State


@answers(messages.LIST)
def list_(state: State, caller: Caller, id: str, query: MessageQuery) -> MessagePage:
    """Return one page, oldest first."""
    session = chats.get(state, caller, id)
    stored = state.chats.messages(session.id)
    start = (query.page - 1) * query.limit
    return MessagePage(
        data=stored[start : start + query.limit], pagination=chats.pagination(query.page, query.limit, len(stored))
    )


@answers(messages.SEND)
def send(state: State, caller: Caller, id: str, body: NewMessage) -> ChatMessage:
    """Store a message."""
    chats.get(state, caller, id)
    return store(state, caller, id, body)


def store(
    state: State, caller: Caller, session_id: str, new: NewMessage, *, message_id: str | None = None
) -> ChatMessage:
    """Store a message in the caller's session, move the session to the top, tell of both, and return the message."""
    session = chats.get(state, caller, session_id)
    message = ChatMessage(
        id=message_id or state.ids.object_id(),
        session_id=session_id,
        sender=new.sender,
        content=new.content,
        context=new.context,
        created_at=chats.next_moment(state, session),
    )
    state.chats.add_message(message)
    state.announce(messages.CREATED, MessageEvent(session_id, message), user_id=caller.user_id)
    chats.change(state, caller.user_id, session, message_at=message.created_at)
    return message

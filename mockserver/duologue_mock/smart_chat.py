"""Smart chat: the user's message is stored, a reply is made, and the reply is stored once it is complete."""

from __future__ import annotations

from collections.abc import Iterator

from duologue.contract import smart_chat
from duologue.contract.messages import MAX_CONTENT, ChatMessage, MessageCreate
from duologue.contract.smart_chat import Delta, MessageDelta, SmartChatRequest, Typing
from duologue_mock import chats, messages, notifications
from duologue_mock.assistant import ReplyEngine
from duologue_mock.handler_registry import Principal, stream_handler
from duologue_mock.settings import ReplyRequest
from duologue_mock.store import State


@stream_handler(smart_chat.ASK)
def ask(
    state: State, reply_engine: ReplyEngine, principal: Principal, id: str, body: SmartChatRequest, streaming: bool
) -> Iterator[Delta | ChatMessage]:
    """Yield the pieces of the reply, then the assistant's message as it was stored.

    Left early, by a listener who went away or an engine that failed, it stores no reply.
    """
    request, reply_id = _take(state, principal, id, body)
    try:
        text = ""
        for piece in reply_engine.stream(request):
            kept = piece[: MAX_CONTENT - len(text)]
            if not kept:
                break
            text += kept
            if streaming:
                _tell_delta(state, principal, id, reply_id, kept)
            yield Delta(reply_id, kept)
    except BaseException:
        _tell_typing(state, principal, id, typing=False)
        raise
    yield _finish(state, principal, id, reply_id, text.strip() or "…")


def _take(state: State, principal: Principal, session_id: str, body: SmartChatRequest) -> tuple[ReplyRequest, str]:
    with state:
        messages.send(state, principal, session_id, MessageCreate(content=body.message, sender="user"))
        _tell_typing(state, principal, session_id, typing=True)
        request = ReplyRequest(
            session=chats.get(state, principal, session_id),
            history=tuple(state.chats.messages(session_id)),
            message=body.message,
            context=body.context,
        )
        return request, state.ids.object_id()


def _finish(state: State, principal: Principal, session_id: str, reply_id: str, text: str) -> ChatMessage:
    with state:
        _tell_typing(state, principal, session_id, typing=False)
        new = MessageCreate(content=text, sender="assistant")
        reply = messages.store(state, principal, session_id, new, message_id=reply_id)
        notifications.reply_finished(state, principal.user_id, chats.get(state, principal, session_id))
        return reply


def _tell_delta(state: State, principal: Principal, session_id: str, reply_id: str, piece: str) -> None:
    state.publish(smart_chat.DELTA, MessageDelta(session_id, reply_id, piece), user_id=principal.user_id)


def _tell_typing(state: State, principal: Principal, session_id: str, *, typing: bool) -> None:
    state.publish(smart_chat.TYPING, Typing(session_id, "assistant", typing), user_id=principal.user_id)

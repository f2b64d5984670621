"""Handler of smart chat: store the user's message, produce a reply, and store the reply once it is complete."""

from __future__ import annotations

from collections.abc import Iterator

from duologue.contract import smart_chat
from duologue.contract.messages import MAX_CONTENT, ChatMessage, MessageCreate
from duologue.contract.smart_chat import Delta, MessageDelta, SmartChatRequest, Typing
from duologue_mock import chats, messages, notifications
from duologue_mock.assistant import ReplyEngine
from duologue_mock.handler_registry import Principal, Progress, stream_handler
from duologue_mock.settings import ReplyRequest
from duologue_mock.store import State


@stream_handler(smart_chat.ASK)
def ask(
    state: State,
    reply_engine: ReplyEngine,
    principal: Principal,
    id: str,
    body: SmartChatRequest,
    streaming: bool,
    progress: Progress,
) -> Iterator[Delta | ChatMessage]:
    """Yield the pieces of the reply, then the assistant's stored message.

    If the client disconnects or the reply engine fails, no reply is stored. The user's message is, and stays: another
    attempt of the same request does not store it again.
    """
    request, reply_id = _store_question(state, principal, id, body, progress)
    try:
        text = ""
        for piece in reply_engine.stream(request):
            delta = piece[: MAX_CONTENT - len(text)]
            if not delta:
                break
            text += delta
            if streaming:
                _publish_delta(state, principal, id, reply_id, delta)
            yield Delta(reply_id, delta)
    except BaseException:
        _publish_typing(state, principal, id, typing=False)
        raise
    yield _store_reply(state, principal, id, reply_id, text.strip() or "…")


def _store_question(
    state: State, principal: Principal, session_id: str, body: SmartChatRequest, progress: Progress
) -> tuple[ReplyRequest, str]:
    with state:
        history = _list_until(messages.list_all(state, principal, session_id), progress.message_id)
        if not history:
            question = MessageCreate(content=body.message, sender="user")
            progress.message_id = messages.send(state, principal, session_id, question).id
            history = tuple(messages.list_all(state, principal, session_id))
        _publish_typing(state, principal, session_id, typing=True)
        request = ReplyRequest(
            session=chats.get(state, principal, session_id),
            history=history,
            message=body.message,
            context=body.context,
        )
        return request, state.ids.object_id()


def _list_until(history: list[ChatMessage], message_id: str | None) -> tuple[ChatMessage, ...]:
    """Return the messages up to the one with this id; none if it is not among them."""
    end = next((index for index, message in enumerate(history, 1) if message.id == message_id), 0)
    return tuple(history[:end])


def _store_reply(state: State, principal: Principal, session_id: str, reply_id: str, text: str) -> ChatMessage:
    with state:
        _publish_typing(state, principal, session_id, typing=False)
        new = MessageCreate(content=text, sender="assistant")
        reply = messages.store(state, principal, session_id, new, message_id=reply_id)
        notifications.notify_reply_finished(state, principal.user_id, chats.get(state, principal, session_id))
        return reply


def _publish_delta(state: State, principal: Principal, session_id: str, reply_id: str, piece: str) -> None:
    state.publish(smart_chat.DELTA, MessageDelta(session_id, reply_id, piece), user_id=principal.user_id)


def _publish_typing(state: State, principal: Principal, session_id: str, *, typing: bool) -> None:
    state.publish(smart_chat.TYPING, Typing(session_id, "assistant", typing), user_id=principal.user_id)

"""Faults of smart chat: what is stored, when, and what is streamed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from duologue.contract import smart_chat
from duologue.contract.messages import MessageCreate
from duologue.contract.smart_chat import Delta
from duologue_mock import messages
from duologue_mock import smart_chat as handlers
from duologue_mock.assistant import ReplyEngine
from duologue_mock.handler_registry import Progress
from duologue_mock.http import event_stream
from duologue_mock.http.dispatch import Dispatcher
from tests.conformance.planting import Fault, change_handler, wrap

SLOW = {"stream_delay": 0.05}
"""The server takes its time for a reply, as real ones do."""


def _skip_question(original: Any, state: Any, principal: Any, session_id: str, body: Any, progress: Any) -> Any:
    """Do not store the user's message."""
    request, reply_id = original(state, principal, session_id, body, progress)
    state.chats._messages[session_id].pop()
    return request, reply_id


def _store_question_last(original: Any, state: Any, principal: Any, session_id: str, reply_id: str, text: str) -> Any:
    reply = original(state, principal, session_id, reply_id, text)
    history = state.chats._messages[session_id]
    history[-1], history[-2] = history[-2], history[-1]
    return reply


def _store_at_once(ask: Any, *, state: Any, principal: Any, id: str, **arguments: Any) -> Iterator[Any]:
    """Store the reply with its first piece, and go on streaming."""
    *deltas, message = ask(state=state, principal=principal, id=id, **arguments)
    for number, delta in enumerate(deltas):
        if number:
            arguments["reply_engine"]._sleep(SLOW["stream_delay"])
        yield delta
    yield message


def _store_what_there_is(ask: Any, *, state: Any, principal: Any, id: str, **arguments: Any) -> Iterator[Any]:
    """Store a reply that broke off as far as it came."""
    text = ""
    items = ask(state=state, principal=principal, id=id, **arguments)
    try:
        for item in items:
            text += item.delta if isinstance(item, Delta) else ""
            yield item
    except GeneratorExit:
        items.close()
        messages.store(state, principal, id, MessageCreate(text, "assistant"))
        raise


def _forget_progress(ask: Any, *, progress: Any, **arguments: Any) -> Iterator[Any]:
    """Store the user's message again on each attempt."""
    yield from ask(progress=Progress(), **arguments)


def _leave_unsettled(original: Any, self: Dispatcher, operation: Any, request: Any) -> Any:
    if operation is smart_chat.ASK:
        request.environ.pop("HTTP_IDEMPOTENCY_KEY", None)
    return original(self, operation, request)


def _cut_stream(original: Any, item: Any, operation: Any) -> bytes:
    """The completed message in the stream has no content of its own."""
    if isinstance(item, Delta):
        event: bytes = original(item, operation)
        return event
    completed: bytes = original(replace(item, content=item.content[:10]), operation)
    return completed


def _swap_pieces(ask: Any, **arguments: Any) -> Iterator[Any]:
    """The second and the third piece change places."""
    items = list(ask(**arguments))
    if len(items) > 3:
        items[1], items[2] = items[2], items[1]
    yield from items


def _use_other_id(ask: Any, **arguments: Any) -> Iterator[Any]:
    """The pieces have another id than the message."""
    for item in ask(**arguments):
        yield Delta("f" * 24, item.delta) if isinstance(item, Delta) else item


def _never_complete(ask: Any, **arguments: Any) -> Iterator[Any]:
    """A stream ends with its last piece."""
    items = list(ask(**arguments))
    yield from items[:-1] if arguments["streaming"] else items


def _answer_differently(original: Any, self: Any, request: Any) -> Iterator[str]:
    yield from original(self, request)
    yield f" ({request.session.id[-4:]})"


def _ignore_history(original: Any, self: Any, request: Any) -> Iterator[str]:
    yield "Interesting."


def _never_stream(original: Any, operation: Any, request: Any) -> bool:
    return False


FAULTS = [
    Fault(
        "smart-chat.question-not-stored",
        "smart_chat.ASK.reply",
        "The user's message is not stored.",
        wrap(handlers, "_store_question", _skip_question),
    ),
    Fault(
        "smart-chat.question-after-reply",
        "smart_chat.ASK.reply",
        "The user's message is stored after the reply.",
        wrap(handlers, "_store_reply", _store_question_last),
    ),
    Fault(
        "smart-chat.stored-early",
        "smart_chat.ASK.stored-when-complete",
        "A reply can be read before it is complete.",
        change_handler(smart_chat.ASK, _store_at_once),
        SLOW,
    ),
    Fault(
        "smart-chat.broken-stored",
        "smart_chat.ASK.broken-stream",
        "A reply whose stream broke off is stored as far as it came.",
        change_handler(smart_chat.ASK, _store_what_there_is),
        SLOW,
    ),
    Fault(
        "smart-chat.question-twice",
        "smart_chat.ASK.broken-stream-retry",
        "The user's message is stored again when a stream that broke off is retried under its key.",
        change_handler(smart_chat.ASK, _forget_progress),
        SLOW,
    ),
    Fault(
        "smart-chat.key-ignored",
        "idempotency.message-once",
        "Smart chat ignores the idempotency key.",
        wrap(Dispatcher, "dispatch", _leave_unsettled),
    ),
    Fault(
        "smart-chat.completed-cut",
        "smart_chat.ASK.stream",
        "`message.completed` has only the start of the content.",
        wrap(event_stream, "format_item", _cut_stream),
    ),
    Fault(
        "smart-chat.pieces-swapped",
        "smart_chat.ASK.stream",
        "The second and third piece of a stream change places.",
        change_handler(smart_chat.ASK, _swap_pieces),
    ),
    Fault(
        "smart-chat.pieces-id",
        "smart_chat.ASK.stream",
        "The pieces of a stream have another id than the message.",
        change_handler(smart_chat.ASK, _use_other_id),
    ),
    Fault(
        "smart-chat.never-completed",
        "smart_chat.ASK.stream",
        "A stream ends without `message.completed`.",
        change_handler(smart_chat.ASK, _never_complete),
    ),
    Fault(
        "smart-chat.not-deterministic",
        "smart_chat.ASK.deterministic",
        "The same message in the same history gets another reply.",
        wrap(ReplyEngine, "stream", _answer_differently),
    ),
    Fault(
        "smart-chat.message-ignored",
        "smart_chat.ASK.fallback",
        "The reply has nothing to do with the message.",
        wrap(ReplyEngine, "stream", _ignore_history),
    ),
    Fault(
        "smart-chat.never-streamed",
        "smart_chat.ASK.stream",
        "`Accept: text/event-stream` is ignored.",
        wrap(event_stream, "is_wanted", _never_stream),
    ),
]

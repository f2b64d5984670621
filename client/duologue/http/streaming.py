"""A reply of the assistant, read while it is being written."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from types import TracebackType
from typing import Self

from duologue.contract import smart_chat
from duologue.contract.errors import get_status
from duologue.contract.messages import ChatMessage, ChatMessageSchema
from duologue.errors import APIError, ConnectionLostError, error_from_body
from duologue.http.api_requestor import EVENT_STREAM_TYPE, StreamingResponse
from duologue.http.encoding import json_of, parse_response, parsed
from duologue.http.sse import ServerSentEvent, read_events
from duologue.http.transport import Response

_delta = smart_chat.DeltaSchema()
_message = ChatMessageSchema()


class ReplyStream:
    """The pieces of a reply as they come; the whole message when it is complete.

        with api.smart_chat.stream(session.id, message="Tell me more") as reply:
            for text in reply:
                print(text, end="", flush=True)
        print(reply.message.created_at)

    Leaving early closes the connection. A reply that fails midway raises the server's error, and one that breaks off
    raises `ConnectionLostError`; it is not asked for again, because its first pieces have been used by then.
    """

    def __init__(self, answer: StreamingResponse) -> None:
        self._response = answer.response
        self._error_context = answer.error_context
        self._message: ChatMessage | None = None
        self._deltas = self._read()

    @property
    def message(self) -> ChatMessage:
        """The whole message.

        Raises:
            RuntimeError: the reply is not complete yet; iterate to its end, or call `read()`.
        """
        if self._message is None:
            raise RuntimeError("the reply is not complete: iterate to its end, or call read()")
        return self._message

    def read(self) -> ChatMessage:
        """Read what is left of the reply and return the whole message."""
        for _ in self:
            pass
        return self.message

    def close(self) -> None:
        """Stop reading and close the connection."""
        self._deltas.close()
        self._response.close()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return next(self._deltas)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self) -> Generator[str, None, None]:
        """Yield the deltas, then keep the message."""
        with self._error_context():
            try:
                yield from self._streamed() if _is_stream(self._response) else self._whole()
            finally:
                self._response.close()

    def _streamed(self) -> Iterator[str]:
        for event in read_events(self._response.iter_bytes()):
            if event.name == smart_chat.SSE_DELTA:
                yield parsed(_delta, _json(event), self._response.status).delta
            elif event.name == smart_chat.SSE_COMPLETED:
                self._message = parsed(_message, _json(event), self._response.status)
                return
            elif event.name == smart_chat.SSE_ERROR:
                raise _error_of(event)
        raise ConnectionLostError("The reply broke off before it was complete")

    def _whole(self) -> Iterator[str]:
        """A server that does not stream answers with the whole message."""
        self._message = parse_response(smart_chat.ASK, self._response)
        yield self._message.content


def _is_stream(response: Response) -> bool:
    return (response.header("Content-Type") or "").lower().startswith(EVENT_STREAM_TYPE)


def _json(event: ServerSentEvent) -> object:
    return json_of(event.data.encode("utf-8"), 200)


def _error_of(event: ServerSentEvent) -> APIError:
    """Return the error that an `error` event tells. It has no status of its own: the answer began as a success."""
    body = _json(event)
    code = body.get("code") if isinstance(body, dict) else None
    return error_from_body(get_status(code) or 500, body)

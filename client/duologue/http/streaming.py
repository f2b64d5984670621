"""A reply of the assistant, read as it is generated."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Self

from duologue.contract import smart_chat
from duologue.contract.errors import get_status
from duologue.contract.messages import ChatMessage, ChatMessageSchema
from duologue.errors import APIError, ConnectionLostError, error_from_body
from duologue.http.api_requestor import StreamingResponse
from duologue.http.call import EVENT_STREAM_TYPE
from duologue.http.response_parsing import load_model, parse_json, parse_response
from duologue.http.sse import ServerSentEvent, read_events
from duologue.http.transport import Response

_delta = smart_chat.DeltaSchema()
_message = ChatMessageSchema()


class ReplyStream:
    """The deltas of a reply as they arrive, and the whole message when it is complete.

        with api.smart_chat.stream(session.id, message="And in winter?") as reply:
            for text in reply:
                print(text, end="", flush=True)
        print(reply.message.created_at)

    Leaving early closes the connection. A reply that fails midway raises the server's error, and one that ends early
    raises `ConnectionLostError`; it is not retried, because its first deltas have been used by then.
    """

    def __init__(self, stream: StreamingResponse) -> None:
        self._response = stream.response
        self._error_context = stream.error_context
        self._max_response_size = stream.max_response_size
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

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self) -> Generator[str, None, None]:
        """Yield the deltas, then store the message."""
        with self._error_context():
            try:
                yield from self._read_events() if _is_stream(self._response) else self._read_message()
            finally:
                self._response.close()

    def _read_events(self) -> Iterator[str]:
        for event in read_events(self._response.iter_bytes()):
            if event.name == smart_chat.SSE_DELTA:
                yield load_model(_delta, _parse_data(event), self._response.status).delta
            elif event.name == smart_chat.SSE_COMPLETED:
                self._message = load_model(_message, _parse_data(event), self._response.status)
                return
            elif event.name == smart_chat.SSE_ERROR:
                raise _build_error(event)
        raise ConnectionLostError("The reply ended before it was complete")

    def _read_message(self) -> Iterator[str]:
        """Read the response of a server that does not stream."""
        self._message = parse_response(smart_chat.ASK, self._response, max_response_size=self._max_response_size)
        yield self._message.content


def _is_stream(response: Response) -> bool:
    return (response.header("Content-Type") or "").lower().startswith(EVENT_STREAM_TYPE)


def _parse_data(event: ServerSentEvent) -> object:
    return parse_json(event.data.encode("utf-8"), 200)


def _build_error(event: ServerSentEvent) -> APIError:
    """Return the error for an `error` event. It has no status of its own: the response started as a success."""
    body = _parse_data(event)
    code = body.get("code") if isinstance(body, dict) else None
    return error_from_body(get_status(code) or 500, body)

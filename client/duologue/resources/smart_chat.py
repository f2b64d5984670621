"""Smart chat: the assistant replies."""

from __future__ import annotations

from duologue.contract import smart_chat
from duologue.contract.messages import ChatMessage
from duologue.contract.smart_chat import SmartChatRequest
from duologue.http.streaming import ReplyStream
from duologue.resources.raw_response import RawMethod, RawMethods
from duologue.resources.resource import Resource


class SmartChat(Resource):
    """`api.smart_chat`: send a message to the assistant, and get its reply at once or streamed."""

    def ask(self, session_id: str, *, message: str, context: str | None = None) -> ChatMessage:
        """Store a message of the user and return the assistant's reply.

        Args:
            session_id: the session.
            message: 1 to 10,000 characters.
            context: text for the assistant to consider.
        """
        return self._request(smart_chat.ASK, SmartChatRequest(message, context), id=session_id)

    def stream(self, session_id: str, *, message: str, context: str | None = None) -> ReplyStream:
        """Store a message of the user and stream the assistant's reply.

        The request is made at once. Use the stream as a context manager, so that its connection is closed.

        Args:
            session_id: the session.
            message: 1 to 10,000 characters.
            context: text for the assistant to consider.
        """
        return ReplyStream(self._requestor.stream(smart_chat.ASK, SmartChatRequest(message, context), id=session_id))

    @property
    def with_raw_response(self) -> SmartChatWithRawResponse:
        """The same methods, returning the HTTP response besides the result: status, headers, body and attempts."""
        return SmartChatWithRawResponse(self)


class SmartChatWithRawResponse(RawMethods[SmartChat]):
    """`api.smart_chat.with_raw_response`: the methods of `SmartChat`, each returning a `RawResponse` of its result."""

    ask = RawMethod(SmartChat.ask)

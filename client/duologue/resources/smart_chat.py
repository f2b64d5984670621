"""Smart chat: the assistant answers."""

from __future__ import annotations

from duologue.contract import smart_chat
from duologue.contract.messages import ChatMessage
from duologue.contract.smart_chat import SmartChatRequest
from duologue.http.streaming import ReplyStream
from duologue.resources import Resource


class SmartChat(Resource):
    """`api.smart_chat`: ask the assistant, and get its reply whole or as it is written."""

    def ask(self, session_id: str, *, message: str, context: str | None = None) -> ChatMessage:
        """Store a message of the user and return the assistant's reply.

        Args:
            session_id: the session.
            message: 1 to 10,000 characters.
            context: text that the assistant should have in mind.
        """
        return self._request(smart_chat.ASK, SmartChatRequest(message, context), id=session_id)

    def stream(self, session_id: str, *, message: str, context: str | None = None) -> ReplyStream:
        """Store a message of the user and return the assistant's reply as it is being written.

        The request is made at once; use the stream as a context manager, so that its connection is closed.

        Args:
            session_id: the session.
            message: 1 to 10,000 characters.
            context: text that the assistant should have in mind.
        """
        return ReplyStream(self._requestor.stream(smart_chat.ASK, SmartChatRequest(message, context), id=session_id))

"""Messages of a chat session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from duologue import defaults
from duologue.contract import messages
from duologue.contract.messages import ChatMessage, MessageCreate, MessagePage, MessageQuery, Sender
from duologue.resources import Resource


class Messages(Resource):
    """`api.messages`: list what was said in a session, and say something."""

    def list(self, session_id: str, *, page: int = 1, limit: int = 50) -> MessagePage:
        """Return one page of a session's messages, oldest first, and where it stands among all.

        Args:
            session_id: the session.
            page: which page, from 1.
            limit: how many messages a page has, at most 100.
        """
        return self._request(messages.LIST, MessageQuery(page, limit), id=session_id)

    def iterate(self, session_id: str, *, limit: int = defaults.PAGE_SIZE) -> Iterator[ChatMessage]:
        """Yield all messages, oldest first: the next page is asked for when its first message is wanted."""
        number, more = 1, True
        while more:
            found = self.list(session_id, page=number, limit=limit)
            yield from found.data
            more = bool(found.data) and found.pagination.has_next
            number += 1

    def send(
        self,
        session_id: str,
        *,
        content: str,
        sender: Sender = "user",
        context: Mapping[str, object] | None = None,
    ) -> ChatMessage:
        """Store a message.

        Args:
            session_id: the session.
            content: 1 to 10,000 characters.
            sender: who says it: `user`, `assistant` or `system`.
            context: any JSON object to keep with it.
        """
        kept = None if context is None else dict(context)
        return self._request(messages.SEND, MessageCreate(content, sender, kept), id=session_id)

"""Chat sessions by owner, newest first, and their messages, oldest first."""

from __future__ import annotations

from dataclasses import dataclass, field

from sortedcontainers import SortedKeyList

from duologue.contract.chats import ChatSession
from duologue.contract.messages import ChatMessage


@dataclass(slots=True, eq=False)
class _Record:
    owner: str
    move: int
    """The number of its last move: of two sessions with equal times, the one that moved last comes first."""
    session: ChatSession
    messages: list[ChatMessage] = field(default_factory=list)

    def sort_key(self) -> tuple[float, int]:
        return -self.session.last_message_at.timestamp(), -self.move


class Chats:
    """The sessions and their messages. Reading takes the owner: for other users a session does not exist."""

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}
        self._by_owner: dict[str, SortedKeyList] = {}
        self._last_move = 0

    def __len__(self) -> int:
        return len(self._records)

    def add(self, owner: str, session: ChatSession) -> None:
        """Add a session; raise `ValueError` if its id exists."""
        if session.id in self._records:
            raise ValueError(f"There is a session with the id {session.id!r} already.")
        self._last_move += 1
        record = self._records[session.id] = _Record(owner, self._last_move, session)
        self._by_owner.setdefault(owner, SortedKeyList(key=_Record.sort_key)).add(record)

    def get(self, owner: str, session_id: str) -> ChatSession | None:
        """Return the owner's session with this id, or None."""
        record = self._records.get(session_id)
        return record.session if record is not None and record.owner == owner else None

    def replace(self, session: ChatSession) -> None:
        """Replace the session with the same id, and sort it by its last message."""
        record = self._records[session.id]
        ordered = self._by_owner[record.owner]
        ordered.remove(record)
        if session.last_message_at != record.session.last_message_at:
            self._last_move += 1
            record.move = self._last_move
        record.session = session
        ordered.add(record)

    def remove(self, session_id: str) -> None:
        """Remove a session and its messages."""
        record = self._records.pop(session_id)
        ordered = self._by_owner[record.owner]
        ordered.remove(record)
        if not ordered:
            del self._by_owner[record.owner]

    def page(
        self, owner: str, *, page: int, limit: int | None, search: str = "", favorite: bool | None = None
    ) -> tuple[list[ChatSession], int]:
        """Return one page of the owner's sessions, newest first, and the number of matches on all pages.

        Args:
            owner: whose sessions.
            page: which page, from 1.
            limit: sessions on a page; None for all of them.
            search: part of a title, ignoring case; empty for all.
            favorite: True for favorites, False for the others, None for both.
        """
        ordered = self._by_owner.get(owner, ())
        start = 0 if limit is None else (page - 1) * limit
        end = None if limit is None else start + limit
        if not search and favorite is None:
            return [record.session for record in ordered[start:end]], len(ordered)
        term = search.casefold()
        matches = [
            record.session
            for record in ordered
            if term in record.session.title.casefold() and favorite in (None, record.session.is_favorite)
        ]
        return matches[start:end], len(matches)

    def add_message(self, message: ChatMessage) -> None:
        """Add a message at the end of its session."""
        self._records[message.session_id].messages.append(message)

    def messages(self, session_id: str) -> list[ChatMessage]:
        """Return a session's messages, oldest first. It is the store's own list: do not change it."""
        return self._records[session_id].messages

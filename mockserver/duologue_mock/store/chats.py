"""Chat sessions by owner, newest first, and their messages, oldest first."""

from __future__ import annotations

from dataclasses import dataclass, field

from sortedcontainers import SortedKeyList

from duologue.contract.chats import ChatSession
from duologue.contract.messages import ChatMessage


@dataclass(slots=True, eq=False)
class _Record:
    owner: str
    moved: int
    """Counts what moved any session: of two that moved in one millisecond, the later one comes first."""
    session: ChatSession
    messages: list[ChatMessage] = field(default_factory=list)

    def newest_first(self) -> tuple[float, int]:
        return -self.session.last_message_at.timestamp(), -self.moved


class Chats:
    """The sessions and messages. Every question names the owner: to others a session does not exist."""

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}
        self._of_owner: dict[str, SortedKeyList] = {}
        self._moves = 0

    def __len__(self) -> int:
        return len(self._records)

    def add(self, owner: str, session: ChatSession) -> None:
        """Add a session; raise `ValueError` if its id is there already."""
        if session.id in self._records:
            raise ValueError(f"There is a session with the id {session.id!r} already.")
        self._moves += 1
        record = self._records[session.id] = _Record(owner, self._moves, session)
        self._of_owner.setdefault(owner, SortedKeyList(key=_Record.newest_first)).add(record)

    def get(self, owner: str, session_id: str) -> ChatSession | None:
        """Return the owner's session with this id, or None."""
        record = self._records.get(session_id)
        return record.session if record is not None and record.owner == owner else None

    def replace(self, session: ChatSession) -> None:
        """Put `session` in the place of the one with its id, and where its last message now orders it."""
        record = self._records[session.id]
        ordered = self._of_owner[record.owner]
        ordered.remove(record)
        if session.last_message_at != record.session.last_message_at:
            self._moves += 1
            record.moved = self._moves
        record.session = session
        ordered.add(record)

    def remove(self, session_id: str) -> None:
        """Remove a session and its messages for good."""
        record = self._records.pop(session_id)
        ordered = self._of_owner[record.owner]
        ordered.remove(record)
        if not ordered:
            del self._of_owner[record.owner]

    def page(
        self, owner: str, *, page: int, limit: int | None, search: str = "", favorite: bool | None = None
    ) -> tuple[list[ChatSession], int]:
        """Return one page of the owner's sessions, newest first, and how many match in all.

        Args:
            owner: whose sessions.
            page: which page, from 1.
            limit: sessions on a page; None for all of them.
            search: part of a title, ignoring case; empty for all.
            favorite: only favourites, only others, or None for both.
        """
        ordered = self._of_owner.get(owner, ())
        start = 0 if limit is None else (page - 1) * limit
        end = None if limit is None else start + limit
        if not search and favorite is None:
            return [record.session for record in ordered[start:end]], len(ordered)
        wanted = search.casefold()
        found = [
            record.session
            for record in ordered
            if wanted in record.session.title.casefold() and favorite in (None, record.session.is_favorite)
        ]
        return found[start:end], len(found)

    def add_message(self, message: ChatMessage) -> None:
        """Add a message at the end of its session."""
        self._records[message.session_id].messages.append(message)

    def messages(self, session_id: str) -> list[ChatMessage]:
        """Return a session's messages, oldest first. The list is the store's own: read it, never change it."""
        return self._records[session_id].messages

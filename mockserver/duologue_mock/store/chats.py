"""Chat sessions by owner, newest first, and their messages, oldest first."""

from __future__ import annotations

from dataclasses import dataclass

from sortedcontainers import SortedList

from duologue.contract.chats import ChatSession
from duologue.contract.messages import ChatMessage

_Entry = tuple[float, int, ChatSession]
"""A session in its owner's order: the time of its last message, negative, so that the newest comes first; the number of
its last move, negative: of two sessions with equal times, the one that moved last comes first; the session."""


@dataclass(frozen=True, slots=True)
class _Record:
    owner: str
    entry: _Entry

    @property
    def session(self) -> ChatSession:
        return self.entry[2]


@dataclass(frozen=True, slots=True)
class ChatsCapture:
    """The sessions and messages at one moment. It shares its tables with a `Chats`, which copies what it changes."""

    records: dict[str, _Record]
    by_owner: dict[str, SortedList]
    messages: dict[str, list[ChatMessage]]
    last_move: int


class Chats:
    """The sessions and their messages. Reading takes the owner: for other users a session does not exist."""

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}
        self._by_owner: dict[str, SortedList] = {}
        self._messages: dict[str, list[ChatMessage]] = {}
        self._last_move = 0
        # What a capture has too, is copied before it is changed: the three tables at once, each list in them by itself.
        self._is_shared = False
        self._own_orders: set[str] = set()
        self._own_messages: set[str] = set()

    def __len__(self) -> int:
        return len(self._records)

    def capture(self) -> ChatsCapture:
        """Return sessions and messages as they are now. Nothing is copied until they change."""
        self._share()
        return ChatsCapture(self._records, self._by_owner, self._messages, self._last_move)

    def restore(self, capture: ChatsCapture) -> None:
        """Return to the sessions and messages of a capture, which stays as it is."""
        self._share()
        self._records = capture.records
        self._by_owner = capture.by_owner
        self._messages = capture.messages
        self._last_move = capture.last_move

    def add(self, owner: str, session: ChatSession) -> None:
        """Add a session; raise `ValueError` if its id exists."""
        if session.id in self._records:
            raise ValueError(f"There is a session with the id {session.id!r} already.")
        self._unshare()
        self._last_move += 1
        record = self._records[session.id] = _Record(owner, _create_entry(session, -self._last_move))
        self._get_own_order(owner).add(record.entry)
        self._messages[session.id] = []
        self._own_messages.add(session.id)

    def get(self, owner: str, session_id: str) -> ChatSession | None:
        """Return the owner's session with this id, or None."""
        record = self._records.get(session_id)
        return record.session if record is not None and record.owner == owner else None

    def replace(self, session: ChatSession) -> None:
        """Replace the session with the same id, and sort it by its last message."""
        self._unshare()
        record = self._records[session.id]
        move = record.entry[1]
        if session.last_message_at != record.session.last_message_at:
            self._last_move += 1
            move = -self._last_move
        entry = _create_entry(session, move)
        order = self._get_own_order(record.owner)
        order.remove(record.entry)
        order.add(entry)
        self._records[session.id] = _Record(record.owner, entry)

    def remove(self, session_id: str) -> None:
        """Remove a session and its messages."""
        self._unshare()
        record = self._records.pop(session_id)
        order = self._get_own_order(record.owner)
        order.remove(record.entry)
        if not order:
            del self._by_owner[record.owner]
            self._own_orders.discard(record.owner)
        del self._messages[session_id]
        self._own_messages.discard(session_id)

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
        order = self._by_owner.get(owner, ())
        start = 0 if limit is None else (page - 1) * limit
        end = None if limit is None else start + limit
        if not search and favorite is None:
            return [entry[2] for entry in order[start:end]], len(order)
        term = search.casefold()
        matches = [
            session
            for _, _, session in order
            if term in session.title.casefold() and favorite in (None, session.is_favorite)
        ]
        return matches[start:end], len(matches)

    def add_message(self, message: ChatMessage) -> None:
        """Add a message at the end of its session."""
        session_id = message.session_id
        if session_id not in self._own_messages:
            self._unshare()
            self._messages[session_id] = self._messages[session_id].copy()
            self._own_messages.add(session_id)
        self._messages[session_id].append(message)

    def messages(self, session_id: str) -> list[ChatMessage]:
        """Return a session's messages, oldest first. It is the store's own list: do not change it."""
        return self._messages[session_id]

    def _share(self) -> None:
        self._is_shared = True
        self._own_orders = set()
        self._own_messages = set()

    def _unshare(self) -> None:
        if self._is_shared:
            self._is_shared = False
            self._records = self._records.copy()
            self._by_owner = self._by_owner.copy()
            self._messages = self._messages.copy()

    def _get_own_order(self, owner: str) -> SortedList:
        """Return the order of the owner's sessions, to be changed."""
        order = self._by_owner.get(owner)
        if order is None or owner not in self._own_orders:
            order = self._by_owner[owner] = SortedList() if order is None else order.copy()
            self._own_orders.add(owner)
        return order


def _create_entry(session: ChatSession, move: int) -> _Entry:
    return -session.last_message_at.timestamp(), move, session

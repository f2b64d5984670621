"""Chat sessions: listing, beginning, renaming, marking, deleting."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from duologue.contract import chats
from duologue.contract.chats import (
    ChatEvent,
    ChatGone,
    ChatPage,
    ChatQuery,
    ChatSession,
    ChatTitle,
    Favorite,
    Pagination,
)
from duologue_mock.errors import missing
from duologue_mock.handler_registry import Caller, answers
from duologue_mock.store import State

_DEFAULT_LIMIT = 50


@answers(chats.LIST)
def list_(state: State, caller: Caller, query: ChatQuery) -> ChatPage:
    """Return all that match, or one page when `page` or `limit` asks for one."""
    paged = query.page is not None or query.limit is not None
    page, limit = query.page or 1, query.limit or _DEFAULT_LIMIT
    found, total = state.chats.page(
        caller.user_id,
        page=page,
        limit=limit if paged else None,
        search=(query.search or "").strip(),
        favorite=query.favorite,
    )
    return ChatPage(data=found, pagination=pagination(page, limit, total) if paged else None)


@answers(chats.CREATE)
def create(state: State, caller: Caller, body: ChatTitle) -> ChatSession:
    """Begin a session that belongs to the caller."""
    now = state.clock.now()
    session = ChatSession(
        id=state.ids.object_id(),
        title=body.title,
        is_favorite=False,
        last_message_at=now,
        created_at=now,
        updated_at=now,
    )
    state.chats.add(caller.user_id, session)
    state.announce(chats.CREATED, ChatEvent(session), user_id=caller.user_id)
    return session


@answers(chats.GET)
def get(state: State, caller: Caller, id: str) -> ChatSession:
    """Return the caller's session, or refuse: another user's is not there."""
    session = state.chats.get(caller.user_id, id)
    if session is None:
        raise missing("Session")
    return session


@answers(chats.RENAME)
def rename(state: State, caller: Caller, id: str, body: ChatTitle) -> ChatSession:
    """Give the session another title."""
    return change(state, caller.user_id, replace(get(state, caller, id), title=body.title))


@answers(chats.FAVORITE)
def favorite(state: State, caller: Caller, id: str, body: Favorite | None) -> ChatSession:
    """Set the mark to the value in the body, or toggle it."""
    session = get(state, caller, id)
    wanted = None if body is None else body.is_favorite
    return change(
        state, caller.user_id, replace(session, is_favorite=not session.is_favorite if wanted is None else wanted)
    )


@answers(chats.DELETE)
def delete(state: State, caller: Caller, id: str) -> None:
    """Delete the session and its messages."""
    state.chats.remove(get(state, caller, id).id)
    state.announce(chats.DELETED, ChatGone(id), user_id=caller.user_id)


def next_moment(state: State, session: ChatSession) -> datetime:
    """Return the time of the next change of a session: now, and later than its last one by a millisecond at least.

    Two messages in one millisecond would else leave no trace in what orders the list.
    """
    return max(state.clock.now(), session.updated_at + timedelta(milliseconds=1))


def change(state: State, owner: str, session: ChatSession, *, message_at: datetime | None = None) -> ChatSession:
    """Store a changed session under a new `updated_at`, tell of it, and return it.

    Args:
        state: where it is.
        owner: whose it is.
        session: as it is now.
        message_at: when a message arrived, if that is the change.
    """
    moment = message_at or next_moment(state, session)
    session = replace(session, updated_at=moment, last_message_at=message_at or session.last_message_at)
    state.chats.replace(session)
    state.announce(chats.UPDATED, ChatEvent(session), user_id=owner)
    return session


def pagination(page: int, limit: int, total: int) -> Pagination:
    """Return where a page stands among `total` items."""
    pages = -(-total // limit)
    return Pagination(page=page, limit=limit, total=total, total_pages=pages, has_next=page < pages, has_prev=page > 1)

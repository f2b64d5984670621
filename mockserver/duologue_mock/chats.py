"""Handlers of chat sessions: list, get, create, rename, mark as favorite, delete."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from duologue.contract import chats
from duologue.contract.chats import (
    ChatDeleted,
    ChatEvent,
    ChatPage,
    ChatQuery,
    ChatSession,
    ChatTitle,
    Favorite,
    Pagination,
)
from duologue_mock.errors import not_found
from duologue_mock.handler_registry import Principal, handler
from duologue_mock.store import State

_DEFAULT_LIMIT = 50


@handler(chats.LIST)
def list_(state: State, principal: Principal, query: ChatQuery) -> ChatPage:
    """Return all matching sessions, or one page if `page` or `limit` is given."""
    paged = query.page is not None or query.limit is not None
    page, limit = query.page or 1, query.limit or _DEFAULT_LIMIT
    items, total = state.chats.page(
        principal.user_id,
        page=page,
        limit=limit if paged else None,
        search=(query.search or "").strip(),
        favorite=query.favorite,
    )
    return ChatPage(data=items, pagination=build_pagination(page, limit, total) if paged else None)


@handler(chats.CREATE)
def create(state: State, principal: Principal, body: ChatTitle) -> ChatSession:
    """Create a session that belongs to the caller."""
    now = state.clock.now()
    session = ChatSession(
        id=state.ids.object_id(),
        title=body.title,
        is_favorite=False,
        last_message_at=now,
        created_at=now,
        updated_at=now,
    )
    state.chats.add(principal.user_id, session)
    state.publish(chats.CREATED, ChatEvent(session), user_id=principal.user_id)
    return session


@handler(chats.GET)
def get(state: State, principal: Principal, id: str) -> ChatSession:
    """Return the caller's session; another user's is not found."""
    session = state.chats.get(principal.user_id, id)
    if session is None:
        raise not_found("Session")
    return session


@handler(chats.RENAME)
def rename(state: State, principal: Principal, id: str, body: ChatTitle) -> ChatSession:
    """Change the title."""
    return store_change(state, principal.user_id, replace(get(state, principal, id), title=body.title))


@handler(chats.FAVORITE)
def favorite(state: State, principal: Principal, id: str, body: Favorite | None) -> ChatSession:
    """Mark as favorite or not, as the body says; toggle it without a body."""
    session = get(state, principal, id)
    is_favorite = not session.is_favorite if body is None or body.is_favorite is None else body.is_favorite
    return store_change(state, principal.user_id, replace(session, is_favorite=is_favorite))


@handler(chats.DELETE)
def delete(state: State, principal: Principal, id: str) -> None:
    """Delete the session and its messages."""
    state.chats.remove(get(state, principal, id).id)
    state.publish(chats.DELETED, ChatDeleted(id), user_id=principal.user_id)


def next_timestamp(state: State, session: ChatSession) -> datetime:
    """Return the time of a session's next change: now, but at least a millisecond after its last one.

    Otherwise two messages in one millisecond would leave the list's order as it was.
    """
    now = state.clock.now()
    if now > session.updated_at:
        return now
    try:
        return session.updated_at + timedelta(milliseconds=1)
    except OverflowError:  # the year 9999 ends
        return session.updated_at


def store_change(state: State, owner: str, session: ChatSession, *, message_at: datetime | None = None) -> ChatSession:
    """Store a changed session with a new `updated_at`, publish the change, and return the session.

    Args:
        state: the state.
        owner: the session's `x-user-id`.
        session: the session as changed.
        message_at: when a message arrived, if that is the change.
    """
    updated_at = message_at or next_timestamp(state, session)
    session = replace(session, updated_at=updated_at, last_message_at=message_at or session.last_message_at)
    state.chats.replace(session)
    state.publish(chats.UPDATED, ChatEvent(session), user_id=owner)
    return session


def build_pagination(page: int, limit: int, total: int) -> Pagination:
    """Return the position of a page among `total` items."""
    pages = -(-total // limit)
    return Pagination(page=page, limit=limit, total=total, total_pages=pages, has_next=page < pages, has_prev=page > 1)

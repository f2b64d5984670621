"""Chat sessions: listing, beginning, renaming, marking, deleting."""

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
    """Return all that match, or one page when `page` or `limit` asks for one."""
    paged = query.page is not None or query.limit is not None
    page, limit = query.page or 1, query.limit or _DEFAULT_LIMIT
    found, total = state.chats.page(
        principal.user_id,
        page=page,
        limit=limit if paged else None,
        search=(query.search or "").strip(),
        favorite=query.favorite,
    )
    return ChatPage(data=found, pagination=pagination(page, limit, total) if paged else None)


@handler(chats.CREATE)
def create(state: State, principal: Principal, body: ChatTitle) -> ChatSession:
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
    state.chats.add(principal.user_id, session)
    state.publish(chats.CREATED, ChatEvent(session), user_id=principal.user_id)
    return session


@handler(chats.GET)
def get(state: State, principal: Principal, id: str) -> ChatSession:
    """Return the caller's session, or refuse: another user's is not there."""
    session = state.chats.get(principal.user_id, id)
    if session is None:
        raise not_found("Session")
    return session


@handler(chats.RENAME)
def rename(state: State, principal: Principal, id: str, body: ChatTitle) -> ChatSession:
    """Give the session another title."""
    return change(state, principal.user_id, replace(get(state, principal, id), title=body.title))


@handler(chats.FAVORITE)
def favorite(state: State, principal: Principal, id: str, body: Favorite | None) -> ChatSession:
    """Set the mark to the value in the body, or toggle it."""
    session = get(state, principal, id)
    wanted = None if body is None else body.is_favorite
    return change(
        state, principal.user_id, replace(session, is_favorite=not session.is_favorite if wanted is None else wanted)
    )


@handler(chats.DELETE)
def delete(state: State, principal: Principal, id: str) -> None:
    """Delete the session and its messages."""
    state.chats.remove(get(state, principal, id).id)
    state.publish(chats.DELETED, ChatDeleted(id), user_id=principal.user_id)


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
    state.publish(chats.UPDATED, ChatEvent(session), user_id=owner)
    return session


def pagination(page: int, limit: int, total: int) -> Pagination:
    """Return where a page stands among `total` items."""
    pages = -(-total // limit)
    return Pagination(page=page, limit=limit, total=total, total_pages=pages, has_next=page < pages, has_prev=page > 1)

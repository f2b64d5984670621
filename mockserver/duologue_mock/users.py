"""Handlers of users: list, get, create, update, delete."""

from __future__ import annotations

from dataclasses import replace

from duologue.contract import users
from duologue.contract.users import User, UserCreate, UserDeleted, UserEvent, UserPage, UserQuery, UserUpdate
from duologue_mock import notifications
from duologue_mock.errors import HTTPError, conflict, forbidden, not_found, validation_error
from duologue_mock.handler_registry import Principal, handler
from duologue_mock.store import State
from duologue_mock.store.users import EmailTakenError


@handler(users.LIST)
def list_(state: State, query: UserQuery) -> UserPage:
    """Return one page, and the next page's number if there is one."""
    items, total = state.users.page(page=query.page, limit=query.limit, search=(query.search or "").strip())
    has_more = query.page * query.limit < total
    return UserPage(
        users=items,
        total=total,
        page=query.page,
        limit=query.limit,
        has_more=has_more,
        next_page=query.page + 1 if has_more else None,
    )


@handler(users.GET)
def get(state: State, id: str) -> User:
    """Return the user."""
    user = state.users.get(id)
    if user is None:
        raise not_found("User")
    return user


@handler(users.CREATE)
def create(state: State, body: UserCreate) -> User:
    """Create a user with the next id."""
    user = User(id=state.users.next_id(), name=body.name, email=body.email, role=body.role or "user")
    try:
        state.users.add(user, body.password)
    except EmailTakenError:
        raise _email_taken(body.email) from None
    state.publish(users.CREATED, UserEvent(user.id, user))
    notifications.notify_user_created(state, user)
    return user


@handler(users.UPDATE)
def update(state: State, principal: Principal, id: str, body: UserUpdate) -> User:
    """Change the fields that are given. A caller who is not an administrator cannot change its own role."""
    before = get(state, id)
    if body.id is not None and body.id != id:
        raise validation_error({"id": ["Must be the id in the path; ids cannot be changed."]})
    if principal.user is not None and not principal.is_admin and body.role not in (None, before.role):
        raise forbidden("You cannot change your own role", hint="Ask an administrator to change it.")
    user = replace(
        before,
        name=before.name if body.name is None else body.name,
        email=before.email if body.email is None else body.email,
        role=before.role if body.role is None else body.role,
    )
    try:
        state.users.replace(user)
    except EmailTakenError:
        raise _email_taken(user.email) from None
    state.publish(users.UPDATED, UserEvent(user.id, user))
    if user.role != before.role:
        notifications.notify_role_changed(state, user)
    return user


@handler(users.DELETE)
def delete(state: State, id: str) -> None:
    """Delete the user and end its login sessions."""
    user = get(state, id)
    state.users.remove(user.id)
    state.logins.revoke_all(user.id)
    state.publish(users.DELETED, UserDeleted(user.id))


def _email_taken(email: str) -> HTTPError:
    return conflict("Email already in use", {"email": [f"{email} belongs to another user."]})

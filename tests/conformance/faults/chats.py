"""Faults of chat sessions: whose they are, what changes them, what a deletion takes along."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from duologue.contract import chats, health, messages
from duologue.contract.chats import ChatEvent, ChatSession, ChatTitle
from duologue_mock import chats as handlers
from duologue_mock.errors import HTTPError, forbidden, validation_error
from duologue_mock.http import authentication, dispatch
from duologue_mock.http.authentication import Authenticator
from duologue_mock.store.chats import Chats
from tests.conformance.planting import Fault, change_handler, combine, wrap


def _find_anyones(original: Any, self: Chats, owner: str, session_id: str) -> ChatSession | None:
    record = self._records.get(session_id)
    return None if record is None else record.session


def _forbid_others(get: Any, *, state: Any, principal: Any, id: str) -> ChatSession:
    record = state.chats._records.get(id)
    if record is not None and record.owner != principal.user_id:
        raise forbidden("This session is another user's")
    session: ChatSession = get(state=state, principal=principal, id=id)
    return session


def _list_of_all(original: Any, self: Chats, owner: str, **options: Any) -> Any:
    """The lists of all users are one."""
    items = [session for one in self._by_owner for session in original(self, one, page=1, limit=None)[0]]
    items.sort(key=lambda session: session.last_message_at, reverse=True)
    return items, len(items)


def _delete_of_others(delete: Any, *, state: Any, principal: Any, id: str) -> None:
    record = state.chats._records.get(id)
    owner = principal if record is None else replace(principal, user_id=record.owner)
    delete(state=state, principal=owner, id=id)


def _keep_messages(original: Any, self: Chats, session_id: str) -> None:
    kept = self._messages[session_id]
    record = self._records[session_id]
    original(self, session_id)
    self._messages[session_id] = kept
    self.__dict__.setdefault("deleted", {})[session_id] = record


def _list_messages_of_deleted(list_: Any, *, state: Any, principal: Any, id: str, query: Any) -> Any:
    record = state.chats.__dict__.get("deleted", {}).get(id)
    if record is None:
        return list_(state=state, principal=principal, id=id, query=query)
    data = state.chats._messages[id]
    return messages.MessagePage(data=data, pagination=handlers.build_pagination(query.page, query.limit, len(data)))


def _accept_longer_title(original: Any, operation: Any, request: Any) -> Any:
    if operation is chats.CREATE and request.body.startswith(b"{"):
        try:
            title = json.loads(request.body).get("title")
        except ValueError:
            title = None
        if isinstance(title, str) and len(title) == 201:
            return ChatTitle(title)
    return original(operation, request)


def _refuse_longest_title(original: Any, operation: Any, request: Any) -> Any:
    body = original(operation, request)
    if operation in (chats.CREATE, chats.RENAME) and len(body.title) >= 200:
        raise validation_error({"title": ["Longer than maximum length 199."]})
    return body


def _count_bytes(original: Any, operation: Any, request: Any) -> Any:
    body = original(operation, request)
    if operation is chats.CREATE and len(body.title.encode()) > 200:
        raise validation_error({"title": ["Longer than maximum length 200."]})
    return body


def _toggle_always(favorite: Any, *, body: Any, **arguments: Any) -> ChatSession:
    session: ChatSession = favorite(body=None, **arguments)
    return session


def _set_true(favorite: Any, *, body: Any, **arguments: Any) -> ChatSession:
    session: ChatSession = favorite(body=body or chats.Favorite(is_favorite=True), **arguments)
    return session


def _toggle_unstored(favorite: Any, *, state: Any, principal: Any, id: str, body: Any) -> ChatSession:
    before = handlers.get(state, principal, id)
    session: ChatSession = favorite(state=state, principal=principal, id=id, body=body)
    state.chats.replace(before)
    return session


def _keep_updated_at(rename: Any, *, state: Any, principal: Any, id: str, body: Any) -> ChatSession:
    session = replace(handlers.get(state, principal, id), title=body.title)
    state.chats.replace(session)
    state.publish(chats.UPDATED, ChatEvent(session), user_id=principal.user_id)
    return session


def _move_on_rename(rename: Any, *, state: Any, principal: Any, id: str, body: Any) -> ChatSession:
    session = replace(handlers.get(state, principal, id), title=body.title)
    at = handlers.next_timestamp(state, session)
    return handlers.store_change(state, principal.user_id, session, message_at=at)


def _date_ahead(create: Any, *, state: Any, principal: Any, body: Any) -> ChatSession:
    session: ChatSession = create(state=state, principal=principal, body=body)
    later = session.last_message_at + timedelta(minutes=5)
    session = replace(session, last_message_at=later)
    state.chats.replace(session)
    return session


def _use_default_user(original: Any, name: str, value: str | None) -> str:
    if name == "x-user-id" and value is None:
        return "anonymous-user"
    required: str = original(name, value)
    return required


def _accept_any_key(original: Any, self: Authenticator, key: str | None) -> None:
    if key is None or not key.strip():
        original(self, key)


def _ignore_key_of_health(original: Any, self: Authenticator, operation: Any, request: Any) -> Any:
    if operation is health.CHATS:
        request.environ.pop("HTTP_X_API_KEY", None)
    return original(self, operation, request)


def _require_key_of_health(original: Any, self: Authenticator, operation: Any, request: Any) -> Any:
    if operation is health.CHATS:
        self._check_key(request.header("HTTP_X_API_KEY"))
    return original(self, operation, request)


def _protect_messages_less(original: Any, self: Authenticator, operation: Any, request: Any) -> Any:
    if operation is messages.LIST:
        request.environ.setdefault("HTTP_X_API_KEY", "dev-api-key")
    return original(self, operation, request)


def _fold_user_ids(original: Any, self: Authenticator, operation: Any, request: Any) -> Any:
    principal = original(self, operation, request)
    return replace(principal, user_id=principal.user_id.lower())


def _name_another_header(original: Any, name: str, value: str | None) -> str:
    try:
        required: str = original(name, value)
    except HTTPError:
        raise validation_error({"headers": ["A header is missing."]}) from None
    return required


FAULTS = [
    Fault(
        "chats.session-leaked",
        "chats.owner-only",
        "A session can be read by another user.",
        wrap(Chats, "get", _find_anyones),
    ),
    Fault(
        "chats.session-forbidden",
        "responses.status",
        "Another user's session is a 403, which says that it exists.",
        change_handler(chats.GET, _forbid_others),
        met_by="chats.owner-only",
    ),
    Fault(
        "chats.list-leaked",
        "chats.LIST.complete",
        "The list has the sessions of all users.",
        wrap(Chats, "page", _list_of_all),
    ),
    Fault(
        "chats.deleted-by-another",
        "chats.owner-only",
        "A session can be deleted by another user.",
        change_handler(chats.DELETE, _delete_of_others),
    ),
    Fault(
        "chats.messages-of-deleted",
        "chats.DELETE.deleted",
        "The messages of a deleted session can be read.",
        combine(wrap(Chats, "remove", _keep_messages), change_handler(messages.LIST, _list_messages_of_deleted)),
    ),
    Fault(
        "chats.title-201",
        "responses.body",
        "A title of 201 characters is accepted.",
        wrap(dispatch, "parse_body", _accept_longer_title),
        met_by="chats.CREATE.title-invalid",
    ),
    Fault(
        "chats.title-200",
        "chats.CREATE.title-bounds",
        "A title of 200 characters is refused.",
        wrap(dispatch, "parse_body", _refuse_longest_title),
    ),
    Fault(
        "chats.title-bytes",
        "chats.CREATE.title-bounds",
        "The length of a title is counted in bytes.",
        wrap(dispatch, "parse_body", _count_bytes),
    ),
    Fault(
        "chats.title-untrimmed",
        "responses.body",
        "White space around a new title is stored.",
        change_handler(
            chats.RENAME,
            lambda rename, *, body, **arguments: rename(body=ChatTitle(f"{body.title} "), **arguments),
        ),
        met_by="chats.CREATE.title-trimmed",
    ),
    Fault(
        "chats.favorite-toggles-always",
        "chats.FAVORITE.set",
        "The wanted value of `isFavorite` is ignored.",
        change_handler(chats.FAVORITE, _toggle_always),
    ),
    Fault(
        "chats.favorite-never-off",
        "chats.FAVORITE.toggle",
        "Without a body, a session is always marked.",
        change_handler(chats.FAVORITE, _set_true),
    ),
    Fault(
        "chats.favorite-not-stored",
        "chats.FAVORITE.toggle",
        "A mark is in the response, and not stored.",
        change_handler(chats.FAVORITE, _toggle_unstored),
    ),
    Fault(
        "chats.updated-at-stays",
        "chats.RENAME.updated-at",
        "Renaming a session leaves its `updatedAt` as it was.",
        change_handler(chats.RENAME, _keep_updated_at),
    ),
    Fault(
        "chats.rename-moves",
        "chats.RENAME.renamed",
        "Renaming a session moves its `lastMessageAt`.",
        change_handler(chats.RENAME, _move_on_rename),
    ),
    Fault(
        "chats.last-message-ahead",
        "chats.CREATE.created",
        "`lastMessageAt` of a new session is later than its `createdAt`.",
        change_handler(chats.CREATE, _date_ahead),
    ),
    Fault(
        "chats.user-id-optional",
        "headers.chat-required",
        "A call without `x-user-id` is served as `anonymous-user`.",
        wrap(authentication, "_require_header", _use_default_user),
    ),
    Fault(
        "chats.header-not-named",
        "headers.chat-required",
        "The 400 of a missing header does not name it.",
        wrap(authentication, "_require_header", _name_another_header),
    ),
    Fault(
        "chats.any-key",
        "headers.api-key",
        "Any API key is accepted.",
        wrap(Authenticator, "_check_key", _accept_any_key),
    ),
    Fault(
        "chats.key-case",
        "headers.api-key",
        "API keys are compared without regard to case.",
        wrap(Authenticator, "knows_key", lambda knows, self, key: knows(self, key.lower())),
    ),
    Fault(
        "chats.messages-unprotected",
        "headers.api-key",
        "Messages can be read without an API key.",
        wrap(Authenticator, "_identify_chat", _protect_messages_less),
    ),
    Fault(
        "chats.user-ids-folded",
        "chats.owner-exact",
        "User ids that differ in case are the same user.",
        wrap(Authenticator, "_identify_chat", _fold_user_ids),
    ),
    Fault(
        "chats.health-ignores-key",
        "health.CHATS.api-key",
        "The health of the chat service does not check the API key.",
        wrap(Authenticator, "_identify_chat", _ignore_key_of_health),
    ),
    Fault(
        "chats.health-requires-key",
        "health.CHATS.ok",
        "The health of the chat service requires an API key.",
        wrap(Authenticator, "_identify_chat", _require_key_of_health),
    ),
]

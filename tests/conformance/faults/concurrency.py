"""Faults that show when several callers write at once."""

from __future__ import annotations

from typing import Any

import gevent

from duologue.contract import chats, users
from duologue_mock.http.dispatch import Dispatcher
from duologue_mock.http.idempotency import IdempotencyKeys
from duologue_mock.store.sessions import LoginSessions
from duologue_mock.store.users import Users
from tests.conformance.planting import Fault, change_handler, wrap


def _let_others_in() -> None:
    """Let other requests be handled meanwhile, as a server on threads or with a database does."""
    gevent.sleep(0.005)


def _check_then_wait(original: Any, self: Dispatcher, operation: Any, request: Any) -> None:
    original(self, operation, request)
    if operation is users.UPDATE:
        _let_others_in()


def _read_then_write(favorite: Any, *, state: Any, principal: Any, id: str, body: Any) -> Any:
    """Read the mark, wait, and write the opposite."""
    before = state.chats.get(principal.user_id, id)
    _let_others_in()
    return (
        favorite(state=state, principal=principal, id=id, body=chats.Favorite(is_favorite=not before.is_favorite))
        if before is not None and body is None
        else favorite(state=state, principal=principal, id=id, body=body)
    )


def _claim_late(original: Any, self: IdempotencyKeys, request: Any, caller: str) -> Any:
    """Look for a key in progress before others have noted theirs."""
    in_progress, self._in_progress = self._in_progress, {}
    try:
        claim = original(self, request, caller)
    finally:
        in_progress.update(self._in_progress)
        self._in_progress = in_progress
    _let_others_in()
    return claim


def _claim_email_late(original: Any, self: Users, user: Any, password: Any = None) -> None:
    """Look for the email address, wait, and store the user whatever has happened."""
    taken = user.email.casefold() in self._by_email
    _let_others_in()
    if not taken:
        self._by_email.pop(user.email.casefold(), None)
    while user.id in self._positions:
        object.__setattr__(user, "id", self.next_id())
    original(self, user, password)


def _spend_late(original: Any, self: LoginSessions, refresh_token: str, **options: Any) -> Any:
    session_id = self._by_refresh_token.get(refresh_token)
    _let_others_in()
    if session_id is not None:
        self._by_refresh_token[refresh_token] = session_id
        self._used_tokens.pop(refresh_token, None)
    return original(self, refresh_token, **options)


FAULTS = [
    Fault(
        "concurrency.lost-update",
        "history.if-match",
        "Of several changes with the same `If-Match` at once, more than one is made.",
        wrap(Dispatcher, "_check_change", _check_then_wait),
    ),
    Fault(
        "concurrency.toggle",
        "history.toggle",
        "Of two toggles at once, one is lost.",
        change_handler(chats.FAVORITE, _read_then_write),
    ),
    Fault(
        "concurrency.key",
        "history.idempotency",
        "Two requests at once under one key both do the work.",
        wrap(IdempotencyKeys, "claim", _claim_late),
    ),
    Fault(
        "concurrency.email",
        "history.email",
        "Two users who are created at once can have one email address.",
        wrap(Users, "add", _claim_email_late),
    ),
    Fault(
        "concurrency.refresh",
        "history.refresh",
        "A refresh token that is used twice at once is accepted twice.",
        wrap(LoginSessions, "rotate", _spend_late),
    ),
]

"""Logging in, refreshing, logging out, and who one is."""

from __future__ import annotations

from duologue.contract import auth
from duologue.contract.auth import Credentials, Login, RefreshRequest, Tokens
from duologue.contract.users import User
from duologue_mock.errors import unauthenticated
from duologue_mock.handler_registry import Caller, answers
from duologue_mock.store import State
from duologue_mock.tokens import Signer, revoked


@answers(auth.LOGIN)
def login(state: State, signer: Signer, body: Credentials) -> Login:
    """Begin a login. An unknown e-mail and a wrong password get the same answer."""
    user = state.users.with_email(body.email)
    if user is None or not state.users.password_matches(user, body.password):
        raise unauthenticated("Invalid email or password", hint="Check the email and the password.")
    tokens = signer.begin(state, user)
    return Login(user=user, token=tokens.token, refresh_token=tokens.refresh_token, expires_in=tokens.expires_in)


@answers(auth.REFRESH)
def refresh(state: State, signer: Signer, body: RefreshRequest) -> Tokens:
    """Spend the refresh token for new tokens."""
    return signer.refresh(state, body.refresh_token)


@answers(auth.LOGOUT)
def logout(state: State, caller: Caller) -> None:
    """End the caller's login."""
    if caller.login_id is None or not state.logins.alive(caller.login_id):
        raise revoked()
    state.logins.end(caller.login_id)


@answers(auth.ME)
def me(caller: Caller) -> User:
    """Return the caller."""
    assert caller.user is not None
    return caller.user

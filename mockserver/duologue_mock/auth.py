"""Handlers of authentication: log in, refresh, log out, and the caller's own user."""

from __future__ import annotations

from duologue.contract import auth
from duologue.contract.auth import Credentials, Login, RefreshRequest, Tokens
from duologue.contract.users import User
from duologue_mock.errors import unauthenticated
from duologue_mock.handler_registry import Principal, handler
from duologue_mock.store import State
from duologue_mock.tokens import TokenService, token_revoked


@handler(auth.LOGIN)
def login(state: State, token_service: TokenService, body: Credentials) -> Login:
    """Start a login session. An unknown e-mail address and a wrong password get the same error."""
    user = state.users.get_by_email(body.email)
    if user is None or not state.users.password_matches(user, body.password):
        raise unauthenticated("Invalid email or password", hint="Check the email and the password.")
    tokens = token_service.issue(state, user)
    return Login(user=user, token=tokens.token, refresh_token=tokens.refresh_token, expires_in=tokens.expires_in)


@handler(auth.REFRESH)
def refresh(state: State, token_service: TokenService, body: RefreshRequest) -> Tokens:
    """Exchange the refresh token for new tokens."""
    return token_service.refresh(state, body.refresh_token)


@handler(auth.LOGOUT)
def logout(state: State, principal: Principal) -> None:
    """End the caller's login session."""
    if principal.login_id is None or not state.logins.is_active(principal.login_id):
        raise token_revoked()
    state.logins.end(principal.login_id)


@handler(auth.ME)
def me(principal: Principal) -> User:
    """Return the caller's user."""
    assert principal.user is not None
    return principal.user

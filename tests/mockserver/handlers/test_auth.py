"""Logging in, refreshing, logging out: the handlers and the tokens behind them."""

from __future__ import annotations

import pytest

from duologue.contract.auth import Credentials, RefreshRequest
from duologue.contract.users import UserCreate
from duologue_mock import Settings, auth, users
from duologue_mock.errors import HTTPError
from duologue_mock.handler_registry import Principal
from duologue_mock.store import State
from duologue_mock.tokens import TokenService
from tests.mockserver.clocks import ManualClock
from tests.mockserver.http_errors import raises_http_error

JANE = Credentials(email="jane@example.com", password="password")


def test_login(state: State, token_service: TokenService) -> None:
    login = auth.login(state, token_service, JANE)
    assert login.user == state.users.get("2")
    assert login.expires_in == 3600
    assert token_service.verify(state, login.token).user == login.user


def test_login_email_case(state: State, token_service: TokenService) -> None:
    assert auth.login(state, token_service, Credentials("JANE@Example.com", "password")).user.id == "2"


@pytest.mark.parametrize(
    "credentials",
    [
        Credentials("jane@example.com", "wrong"),
        Credentials("jane@example.com", "password "),
        Credentials("jane@example.com", "PASSWORD"),
        Credentials("jane@example.com", "pässword"),
        Credentials("nobody@example.com", "password"),
    ],
)
def test_login_fails_alike(state: State, token_service: TokenService, credentials: Credentials) -> None:
    """A wrong password and an unknown email get the same error."""
    with pytest.raises(HTTPError) as caught:
        auth.login(state, token_service, credentials)
    error = caught.value
    assert (error.status, error.message, error.code) == (401, "Invalid email or password", "AUTHENTICATION_ERROR")
    assert error.hint == "Check the email and the password."


def test_login_without_password(state: State, token_service: TokenService) -> None:
    users.create(state, UserCreate(name="Ada", email="ada@example.com"))
    with raises_http_error(401):
        auth.login(state, token_service, Credentials("ada@example.com", "password"))


def test_login_of_created_user(state: State, token_service: TokenService) -> None:
    users.create(state, UserCreate(name="Ada", email="ada@example.com", password="pä$$"))
    assert auth.login(state, token_service, Credentials("ada@example.com", "pä$$")).user.name == "Ada"


def test_refresh(state: State, token_service: TokenService) -> None:
    login = auth.login(state, token_service, JANE)
    tokens = auth.refresh(state, token_service, RefreshRequest(login.refresh_token))
    assert tokens.refresh_token != login.refresh_token
    assert token_service.verify(state, tokens.token).login_id == token_service.verify(state, login.token).login_id


def test_refresh_token_reuse(state: State, token_service: TokenService) -> None:
    login = auth.login(state, token_service, JANE)
    other = auth.login(state, token_service, JANE)
    tokens = auth.refresh(state, token_service, RefreshRequest(login.refresh_token))
    with raises_http_error(401):
        auth.refresh(state, token_service, RefreshRequest(login.refresh_token))
    for token in (login.token, tokens.token):
        with raises_http_error(401):
            token_service.verify(state, token)
    with raises_http_error(401):
        auth.refresh(state, token_service, RefreshRequest(tokens.refresh_token))
    assert token_service.verify(state, other.token), "another login of the same user must live on"


@pytest.mark.parametrize("token", ["", "unknown", "0" * 32])
def test_unknown_refresh_token(state: State, token_service: TokenService, token: str) -> None:
    login = auth.login(state, token_service, JANE)
    with raises_http_error(401):
        auth.refresh(state, token_service, RefreshRequest(token))
    assert token_service.verify(state, login.token)


def test_refresh_with_access_token(state: State, token_service: TokenService) -> None:
    login = auth.login(state, token_service, JANE)
    with raises_http_error(401):
        auth.refresh(state, token_service, RefreshRequest(login.token))
    with raises_http_error(401):
        token_service.verify(state, login.refresh_token)


def test_access_token_lifetime(state: State, clock: ManualClock) -> None:
    token_service = TokenService(Settings(access_token_lifetime=90))
    login = auth.login(state, token_service, JANE)
    assert login.expires_in == 90
    clock.advance(89.9)
    assert token_service.verify(state, login.token)
    clock.advance(0.1)
    with raises_http_error(401):
        token_service.verify(state, login.token)


def test_refresh_token_lifetime(state: State, clock: ManualClock) -> None:
    token_service = TokenService(Settings(refresh_token_lifetime=100))
    login = auth.login(state, token_service, JANE)
    clock.advance(99)
    tokens = auth.refresh(state, token_service, RefreshRequest(login.refresh_token))
    clock.advance(99)  # each rotation begins a new life
    tokens = auth.refresh(state, token_service, RefreshRequest(tokens.refresh_token))
    clock.advance(100)
    with raises_http_error(401):
        auth.refresh(state, token_service, RefreshRequest(tokens.refresh_token))


def test_shortest_expires_in(state: State) -> None:
    assert auth.login(state, TokenService(Settings(access_token_lifetime=0.05)), JANE).expires_in == 1


def test_logout(state: State, token_service: TokenService) -> None:
    login, other = auth.login(state, token_service, JANE), auth.login(state, token_service, JANE)
    identity = token_service.verify(state, login.token)
    auth.logout(state, Principal(key="user:2", user=identity.user, login_id=identity.login_id))
    with raises_http_error(401):
        token_service.verify(state, login.token)
    with raises_http_error(401):
        auth.refresh(state, token_service, RefreshRequest(login.refresh_token))
    assert token_service.verify(state, other.token)


def test_me(jane: Principal) -> None:
    assert auth.me(jane) == jane.user

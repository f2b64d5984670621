"""What a token says, and every way it can be bad."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest

from duologue.contract.users import User
from duologue_mock import Settings
from duologue_mock.store import State
from duologue_mock.tokens import TokenService
from tests.mockserver.clocks import START, ManualClock
from tests.mockserver.http_errors import raises_http_error

SECRET = "a secret that is known to the test, and long enough for HS512 too"


@pytest.fixture
def token_service() -> TokenService:
    return TokenService(Settings(secret=SECRET))


@pytest.fixture
def user(state: State) -> User:
    user = state.users.get("2")
    assert user is not None
    return user


def decode_claims(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def sign(claims: dict[str, Any], *, key: str = SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, key, algorithm=algorithm)


def test_jwt_claims(state: State, token_service: TokenService, user: User) -> None:
    token = token_service.issue(state, user).token
    claims = decode_claims(token)
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
    assert set(claims) == {"sub", "sid", "role", "jti", "iat", "exp"}
    assert (claims["sub"], claims["role"]) == ("2", "user")
    assert state.logins.is_active(claims["sid"])
    assert claims["iat"] == START.timestamp()
    assert claims["exp"] == START.timestamp() + 3600
    assert decode_claims(token_service.issue(state, user).token)["jti"] != claims["jti"]


@pytest.mark.parametrize("lifetime", [1, 60, 90.4])
def test_lifetime_of_tokens(state: State, user: User, lifetime: float) -> None:
    """Those of a login and of a refresh alike."""
    token_service = TokenService(Settings(access_token_lifetime=lifetime))
    issued = token_service.issue(state, user)
    for tokens in (issued, token_service.refresh(state, issued.refresh_token)):
        assert tokens.expires_in == round(lifetime)
        assert decode_claims(tokens.token)["exp"] == START.timestamp() + lifetime


def test_tokens_are_unique(state: State, token_service: TokenService, user: User) -> None:
    first, second = token_service.issue(state, user), token_service.issue(state, user)
    assert len({first.token, first.refresh_token, second.token, second.refresh_token}) == 4


def test_mock_clock_decides(state: State, clock: ManualClock, token_service: TokenService, user: User) -> None:
    """The mock's own clock stands in 2024, long ago by the machine's, and tokens are good there."""
    assert token_service.verify(state, token_service.issue(state, user).token).user == user
    clock.advance(-7200)
    assert token_service.verify(state, token_service.issue(state, user).token).user == user
    clock.advance(1e9 * 3)
    assert token_service.verify(state, token_service.issue(state, user).token).user == user
    claims = decode_claims(token_service.issue(state, user).token)
    assert token_service.verify(state, sign(claims | {"nbf": claims["iat"]})).user == user


def test_token_of_other_mock(state: State, user: User) -> None:
    token = TokenService(Settings()).issue(state, user).token
    with raises_http_error(401):
        TokenService(Settings()).verify(state, token)


def test_fixed_secret(state: State, user: User) -> None:
    """Tokens stay valid over a restart."""
    token = TokenService(Settings(secret=SECRET)).issue(state, user).token
    assert TokenService(Settings(secret=SECRET)).verify(state, token).user == user


def test_demoted_user(state: State, token_service: TokenService, user: User) -> None:
    token = token_service.issue(state, user).token
    state.users.replace(User(user.id, user.name, user.email, "admin"))
    assert token_service.verify(state, token).user.role == "admin"


def tamper(token: str, **changes: Any) -> str:
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    body = base64.urlsafe_b64encode(json.dumps(claims | changes).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


def build_header(text: str) -> str:
    """Return a token with a header that PyJWT parses before it checks the signature."""
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode() + ".e30.x"


HEADERS = [
    "[]",
    "5",
    "null",
    "[" * 20_000,
    '{"a":' * 5000,
    '{"alg":[]}',
    '{"alg":{}}',
    '{"alg":"HS256","crit":5}',
    "9" * 5000,
]


GARBAGE = [
    *("", "x", "a.b.c", "..", "Bearer x", "\x00", "é", "a" * 10_000, "null", "{}", "\ud800", "." * 5000),
    *map(build_header, HEADERS),
]


@pytest.mark.parametrize("token", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage(state: State, token_service: TokenService, token: str) -> None:
    with raises_http_error(401) as caught:
        token_service.verify(state, token)
    assert (caught.value.message, caught.value.hint) == ("Invalid token", "Log in again.")


def test_expired_or_revoked(state: State, clock: ManualClock, token_service: TokenService, user: User) -> None:
    """A caller learns which it is: one can be refreshed, the other cannot."""
    revoked, expired = token_service.issue(state, user).token, token_service.issue(state, user).token
    state.logins.end(decode_claims(revoked)["sid"])
    with raises_http_error(401) as caught:
        token_service.verify(state, revoked)
    assert (caught.value.message, caught.value.hint) == ("Token revoked", "Log in again.")
    assert token_service.verify(state, revoked, allow_revoked=True).user == user
    clock.advance(3600)
    with raises_http_error(401) as caught:
        token_service.verify(state, expired)
    assert caught.value.message == "Token expired"
    assert "POST /api/auth/refresh" in str(caught.value.hint)


def test_token_of_removed_user(state: State, token_service: TokenService, user: User) -> None:
    tokens = token_service.issue(state, user)
    state.users.remove(user.id)
    with raises_http_error(401):
        token_service.verify(state, tokens.token, allow_revoked=True)
    with raises_http_error(401) as caught:
        token_service.refresh(state, tokens.refresh_token)
    assert (caught.value.message, caught.value.hint) == ("Invalid refresh token", "Log in again.")


def test_tampered_token(state: State, token_service: TokenService, user: User) -> None:
    token = token_service.issue(state, user).token
    for bad in (tamper(token, sub="1"), tamper(token, exp=9e9), token[:-2], token + "x", token.swapcase()):
        with raises_http_error(401):
            token_service.verify(state, bad)


def test_unsigned_token(state: State, token_service: TokenService, user: User) -> None:
    claims = decode_claims(token_service.issue(state, user).token)
    no_key: Any = None  # what PyJWT says of its type depends on whether cryptography is installed
    with raises_http_error(401):
        token_service.verify(state, jwt.encode(claims, no_key, algorithm="none"))


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_other_algorithm(state: State, token_service: TokenService, user: User, algorithm: str) -> None:
    claims = decode_claims(token_service.issue(state, user).token)
    with raises_http_error(401):
        token_service.verify(state, sign(claims, algorithm=algorithm))


@pytest.mark.parametrize("missing", ["exp", "sub", "sid"])
def test_missing_claims(state: State, token_service: TokenService, user: User, missing: str) -> None:
    claims = decode_claims(token_service.issue(state, user).token)
    del claims[missing]
    with raises_http_error(401):
        token_service.verify(state, sign(claims))


@pytest.mark.parametrize(
    "wrong",
    [{"exp": "soon"}, {"exp": None}, {"exp": []}, {"sub": 2}, {"sub": "9"}, {"sub": None}, {"sid": []}, {"sid": 1}],
    ids=str,
)
def test_invalid_claims(state: State, token_service: TokenService, user: User, wrong: dict[str, Any]) -> None:
    """A caller who knows the secret may sign tokens with other claims."""
    claims = decode_claims(token_service.issue(state, user).token)
    with raises_http_error(401) as caught:
        token_service.verify(state, sign(claims | wrong))
    assert caught.value.hint == "Log in again."

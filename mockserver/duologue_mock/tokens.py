"""Access tokens: signed JWTs (RFC 7519) that name a user and a login session."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from duologue.contract.auth import Tokens
from duologue.contract.users import User
from duologue_mock.errors import HTTPError, invalid_token, unauthenticated
from duologue_mock.settings import Settings
from duologue_mock.store import State

_ALGORITHM = "HS256"
_SPENT_HINT = (
    "It was used before, which ends its login. Store the token of each refresh in place of the old one; log in again."
)
_REFRESH_HINT = "Log in again, or send the refresh token to POST /api/auth/refresh."


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose token it is, and of which login session."""

    user: User
    login_id: str


class TokenService:
    """Issues and verifies access tokens.

    Args:
        settings: the lifetimes in seconds, and the signing secret; without one, a random secret is used.
    """

    def __init__(self, settings: Settings) -> None:
        self._secret = settings.values["secret"] or secrets.token_hex(32)
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Take the lifetimes of other settings. Tokens that have been issued keep theirs."""
        self._lifetime = settings.values["access_token_lifetime"]
        self._refresh_lifetime = settings.values["refresh_token_lifetime"]

    def issue(self, state: State, user: User) -> Tokens:
        """Start a login session of `user` and return its first tokens."""
        login_id, refresh_token = state.ids.token_id(), state.ids.token_id()
        expires = state.clock.seconds() + self._refresh_lifetime
        state.logins.create(session_id=login_id, user_id=user.id, refresh_token=refresh_token, expires_at=expires)
        return self._build_tokens(state, user, login_id, refresh_token)

    def refresh(self, state: State, refresh_token: str) -> Tokens:
        """Exchange a refresh token for new tokens.

        Raises:
            HTTPError: it is unknown, expired or was used before (401).
        """
        new_token, now = state.ids.token_id(), state.clock.seconds()
        was_spent = state.logins.is_spent(refresh_token)
        login = state.logins.rotate(
            refresh_token, new_token=new_token, now=now, expires_at=now + self._refresh_lifetime
        )
        user = state.users.get(login.user_id) if login else None
        if login is None or user is None:
            error = unauthenticated("Invalid refresh token", hint=_SPENT_HINT if was_spent else "Log in again.")
            error.broken_rule = "refresh-token-spent" if was_spent else None
            raise error
        return self._build_tokens(state, user, login.id, new_token)

    def verify(self, state: State, token: str, *, allow_revoked: bool = False) -> Identity:
        """Return whose token it is.

        Args:
            state: the users and login sessions.
            token: the token.
            allow_revoked: accept the token of a login session that has ended.

        Raises:
            HTTPError: it is malformed, forged, expired or revoked (401).
        """
        import jwt  # it loads all of cryptography, which most runs of a mock never need

        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[_ALGORITHM],
                # The expiry is checked below, against the mock's own clock.
                options={
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                    "require": ["exp", "sub", "sid"],
                },
            )
        except Exception:  # whatever a stranger's header, parsed before the signature is checked, makes PyJWT raise
            raise invalid_token("Invalid token", hint="Log in again.") from None
        if not (isinstance(claims["exp"], int | float) and isinstance(claims["sid"], str)):
            raise invalid_token("Invalid token", hint="Log in again.")
        if claims["exp"] <= state.clock.seconds():
            raise invalid_token("Token expired", hint=_REFRESH_HINT)
        user = state.users.get(claims["sub"])
        if user is None or not (allow_revoked or state.logins.is_active(claims["sid"], user_id=user.id)):
            raise token_revoked()
        return Identity(user, claims["sid"])

    def _build_tokens(self, state: State, user: User, login_id: str, refresh_token: str) -> Tokens:
        import jwt

        now = state.clock.seconds()
        claims = {
            "sub": user.id,
            "sid": login_id,
            "role": user.role,
            "jti": state.ids.token_id(),
            "iat": int(now),
            "exp": now + self._lifetime,
        }
        token = jwt.encode(claims, self._secret, algorithm=_ALGORITHM)
        return Tokens(token=token, refresh_token=refresh_token, expires_in=max(1, round(self._lifetime)))


def token_revoked() -> HTTPError:
    """Return the 401 of a token whose login session has ended."""
    return invalid_token("Token revoked", hint="Log in again.")

"""Faults of logins: tokens, refreshes, and what ends a login."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jwt

from duologue.contract import auth
from duologue.contract.core import Access
from duologue_mock.errors import HTTPError, not_found, unauthenticated
from duologue_mock.http.authentication import Authenticator
from duologue_mock.store.sessions import LoginSessions
from duologue_mock.store.users import Users
from duologue_mock.tokens import TokenService
from tests.conformance.planting import Fault, Plant, change_handler, change_json, combine, set_header, wrap


def _tell_unknown_email(login: Any, *, state: Any, body: Any, **services: Any) -> Any:
    if state.users.get_by_email(body.email) is None:
        raise unauthenticated("Unknown email", hint="Register first.")
    return login(state=state, body=body, **services)


def _miss_unknown_email(login: Any, *, state: Any, body: Any, **services: Any) -> Any:
    if state.users.get_by_email(body.email) is None:
        raise not_found("User")
    return login(state=state, body=body, **services)


def _rotate_without_reuse(original: Any, self: LoginSessions, refresh_token: str, **options: Any) -> Any:
    """A spent token is refused, and nothing else happens."""
    if refresh_token in self._used_tokens:
        return None
    return original(self, refresh_token, **options)


def _accept_spent(original: Any, self: LoginSessions, refresh_token: str, **options: Any) -> Any:
    used = self._used_tokens.pop(refresh_token, None)
    if used is not None and used in self._sessions:
        self._by_refresh_token[refresh_token] = used
    return original(self, refresh_token, **options)


def _keep_refresh_token(
    original: Any, self: LoginSessions, refresh_token: str, *, new_token: str, **options: Any
) -> Any:
    session = self._sessions.get(self._by_refresh_token.get(refresh_token, ""))
    return session or original(self, refresh_token, new_token=new_token, **options)


def _return_same_token(original: Any, self: TokenService, state: Any, refresh_token: str) -> Any:
    return replace(original(self, state, refresh_token), refresh_token=refresh_token)


def _verify_without_logins(original: Any, self: TokenService, state: Any, token: str, **_: Any) -> Any:
    return original(self, state, token, allow_revoked=True)


def _verify_without_signature(original: Any, self: TokenService, state: Any, token: str, **options: Any) -> Any:
    try:
        claims = jwt.decode(token, options={"verify_signature": False, "verify_exp": False})
        token = jwt.encode(claims, self._secret, algorithm="HS256")
    except jwt.PyJWTError:
        pass
    return original(self, state, token, **options)


def _ignore_bad_token(original: Any, self: Authenticator, operation: Any, request: Any) -> Any:
    """Let a caller with a bad token in as an anonymous one."""
    try:
        return original(self, operation, request)
    except HTTPError:
        if operation.access is Access.AUTHENTICATED:
            raise
        request.environ.pop("HTTP_AUTHORIZATION", None)
        return original(self, operation, request)


def _use_role_of_token(original: Any, self: TokenService, state: Any, token: str, **options: Any) -> Any:
    identity = original(self, state, token, **options)
    role = jwt.decode(token, options={"verify_signature": False, "verify_exp": False})["role"]
    return replace(identity, user=replace(identity.user, role=role))


def _show_user_of_login(original: Any, self: TokenService, state: Any, token: str, **options: Any) -> Any:
    identity = original(self, state, token, **options)
    name = jwt.decode(token, options={"verify_signature": False, "verify_exp": False}).get("name")
    return replace(identity, user=replace(identity.user, name=name or identity.user.name))


def _add_name_to_claims(original: Any, self: TokenService, state: Any, user: Any, *arguments: Any) -> Any:
    tokens = original(self, state, user, *arguments)
    claims = jwt.decode(tokens.token, options={"verify_signature": False, "verify_exp": False})
    return replace(tokens, token=jwt.encode({**claims, "name": user.name}, self._secret, algorithm="HS256"))


def _require_capital(original: Any, self: Authenticator, operation: Any, request: Any) -> Any:
    if (request.header("HTTP_AUTHORIZATION") or "").startswith("bearer"):
        raise unauthenticated("Invalid token")
    return original(self, operation, request)


def _end_nothing(logout: Any, **_: Any) -> None:
    return None


def _end_all(logout: Any, *, state: Any, principal: Any) -> None:
    logout(state=state, principal=principal)
    state.logins.revoke_all(principal.user.id)


def _keep_refreshing(logout: Any, *, state: Any, principal: Any) -> None:
    """The access token ends, the refresh token does not."""
    session = state.logins._sessions.get(principal.login_id)
    logout(state=state, principal=principal)
    assert session is not None
    state.logins.create(
        session_id=f"{session.id}-again", user_id=session.user_id,
        refresh_token=session.refresh_token, expires_at=session.expires_at,
    )  # fmt: skip


def _change_lifetime(factor: float) -> Plant:
    """Let tokens live longer or shorter than `expiresIn` says."""

    def build(original: Any, self: TokenService, *arguments: Any) -> Any:
        lifetime, self._lifetime = self._lifetime, self._lifetime * factor
        try:
            return replace(original(self, *arguments), expires_in=max(1, round(lifetime)))
        finally:
            self._lifetime = lifetime

    return wrap(TokenService, "_build_tokens", build)


def _verify_expired(original: Any, self: TokenService, state: Any, token: str, **options: Any) -> Any:
    """Accept tokens that have expired."""
    try:
        claims = jwt.decode(token, self._secret, algorithms=["HS256"], options={"verify_exp": False})
        token = jwt.encode({**claims, "exp": state.clock.seconds() + 60}, self._secret, algorithm="HS256")
    except jwt.PyJWTError:
        pass
    return original(self, state, token, **options)


def _sign_milliseconds(original: Any, payload: Any, *arguments: Any, **options: Any) -> Any:
    return original({**payload, "exp": payload["exp"] * 1000}, *arguments, **options)


def _accept_any_password(original: Any, self: Users, user: Any, password: str) -> bool:
    return self.get_password(user.id) is not None


def _accept_missing_password(original: Any, self: Users, user: Any, password: str) -> bool:
    return self.get_password(user.id) in (None, password)


FAULTS = [
    Fault(
        "auth.any-password",
        "auth.LOGIN.failures-alike",
        "Any password logs in.",
        wrap(Users, "password_matches", _accept_any_password),
    ),
    Fault(
        "auth.missing-password",
        "auth.LOGIN.no-password",
        "A user without a password can log in with any.",
        wrap(Users, "password_matches", _accept_missing_password),
    ),
    Fault(
        "auth.unknown-email-named",
        "auth.LOGIN.failures-alike",
        "A login with an unknown email address gets another message than one with a wrong password.",
        change_handler(auth.LOGIN, _tell_unknown_email),
    ),
    Fault(
        "auth.unknown-email-404",
        "responses.status",
        "A login with an unknown email address is a 404.",
        change_handler(auth.LOGIN, _miss_unknown_email),
        met_by="auth.LOGIN.failures-alike",
    ),
    Fault(
        "auth.spent-accepted",
        "auth.REFRESH.reuse-revokes",
        "A spent refresh token is accepted again.",
        wrap(LoginSessions, "rotate", _accept_spent),
    ),
    Fault(
        "auth.family-not-revoked",
        "auth.REFRESH.reuse-revokes",
        "A spent refresh token that is used again does not end the login.",
        wrap(LoginSessions, "rotate", _rotate_without_reuse),
    ),
    Fault(
        "auth.refresh-token-stays",
        "auth.REFRESH.tokens",
        "A refresh returns the refresh token that was sent.",
        combine(wrap(LoginSessions, "rotate", _keep_refresh_token), wrap(TokenService, "refresh", _return_same_token)),
    ),
    Fault(
        "auth.revoked-accepted",
        "auth.LOGOUT.revokes",
        "An access token is accepted after its login has ended.",
        wrap(TokenService, "verify", _verify_without_logins),
    ),
    Fault(
        "auth.signature-ignored",
        "auth.token-forged",
        "The signature of a token is not checked.",
        wrap(TokenService, "verify", _verify_without_signature),
    ),
    Fault(
        "auth.bad-token-anonymous",
        "auth.token-invalid",
        "A caller with a bad token is taken for an anonymous one.",
        wrap(Authenticator, "identify", _ignore_bad_token),
    ),
    Fault(
        "auth.role-of-token",
        "auth.ME.role-current",
        "What a caller may do depends on the role at the time of its login.",
        wrap(TokenService, "verify", _use_role_of_token),
    ),
    Fault(
        "auth.logout-without-effect",
        "auth.LOGOUT.revokes",
        "A logout ends nothing.",
        change_handler(auth.LOGOUT, _end_nothing),
    ),
    Fault(
        "auth.logout-everywhere",
        "auth.LOGOUT.revokes",
        "A logout ends the other logins of the user too.",
        change_handler(auth.LOGOUT, _end_all),
    ),
    Fault(
        "auth.logout-keeps-refresh",
        "auth.LOGOUT.revokes",
        "A refresh token works after the logout.",
        change_handler(auth.LOGOUT, _keep_refreshing),
    ),
    Fault(
        "auth.me-of-login",
        "auth.ME.current",
        "`/auth/me` shows the user as of the login.",
        combine(
            wrap(TokenService, "_build_tokens", _add_name_to_claims), wrap(TokenService, "verify", _show_user_of_login)
        ),
    ),
    Fault(
        "auth.scheme-case",
        "auth.scheme-case",
        "`bearer` in lower case is refused.",
        wrap(Authenticator, "_identify_platform", _require_capital),
    ),
    Fault(
        "auth.invalid-token-not-named",
        "challenges.invalid-token",
        "The challenge of a 401 does not say that the token is invalid.",
        set_header("WWW-Authenticate", lambda value: value.partition(",")[0]),
    ),
    Fault(
        "auth.lifetime-doubled",
        "auth.expires-in",
        "Access tokens live twice as long as `expiresIn` says.",
        _change_lifetime(2),
    ),
    Fault(
        "auth.lifetime-short",
        "auth.expires-in",
        "Access tokens end half a minute before `expiresIn` says.",
        _change_lifetime(0.5),
        {"access_token_lifetime": 60},
    ),
    Fault(
        "auth.exp-milliseconds",
        "auth.LOGIN.signed-jwt",
        "`exp` of a token is in milliseconds.",
        wrap(jwt, "encode", _sign_milliseconds),
    ),
    Fault(
        "auth.expired-accepted",
        "auth.token-expired",
        "An access token that has expired is accepted.",
        wrap(TokenService, "verify", _verify_expired),
    ),
    Fault(
        "auth.refreshed-expires-in",
        "auth.expires-in",
        "`expiresIn` of a refresh is in milliseconds.",
        change_json(lambda tokens: {**tokens, "expiresIn": tokens["expiresIn"] * 1000}, auth.REFRESH),
    ),
]

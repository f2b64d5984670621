"""Authentication, by a token on the platform and by headers on the chat service, and authorization."""

from __future__ import annotations

import hmac
import re

from duologue.contract import auth, headers
from duologue.contract.core import CHAT, Access, Operation
from duologue_mock.errors import forbidden, invalid_api_key, invalid_token, unauthenticated, validation_error
from duologue_mock.handler_registry import Principal
from duologue_mock.http.messages import Request
from duologue_mock.settings import Settings
from duologue_mock.store import State
from duologue_mock.tokens import Identity, TokenService

_VALUE = re.compile(headers.VALUE)

API_KEY = "HTTP_X_API_KEY"
USER_ID = "HTTP_X_USER_ID"
REFERENCE_CODE = "HTTP_UNIQUE_REFERENCE_CODE"

_LOOPBACK_ADDRESSES = frozenset({"::1", "::ffff:127.0.0.1"})
_LOGIN_HINT = "Send `Authorization: Bearer <token>`; POST /api/auth/login returns a token."


class Authenticator:
    """Identifies callers.

    Args:
        settings: the API keys, and whether a token is required.
        state: the users and logins.
        token_service: checks tokens.
    """

    def __init__(self, settings: Settings, state: State, token_service: TokenService) -> None:
        self._state = state
        self._token_service = token_service
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Follow other settings from now on: the API keys, whether a token is required, the tokens' lifetimes."""
        self._api_keys = tuple(key.encode() for key in settings.values["api_keys"])
        self._require_auth = settings.values["require_auth"]
        self._token_service.configure(settings)

    def identify(self, operation: Operation[object], request: Request) -> Principal:
        """Return who makes a request.

        Raises:
            HTTPError: credentials are missing, invalid, expired or revoked.
        """
        if operation.service is CHAT:
            return self._identify_chat(operation, request)
        return self._identify_platform(operation, request)

    def knows_key(self, key: str) -> bool:
        """Return whether the chat service accepts an API key."""
        candidate = key.encode("utf-8", "surrogatepass")
        return any(hmac.compare_digest(candidate, known) for known in self._api_keys)

    def verify_token(self, token: str) -> Identity:
        """Return whose token it is; raise `HTTPError` if it is invalid, expired or revoked."""
        return self._token_service.verify(self._state, token)

    def _identify_chat(self, operation: Operation[object], request: Request) -> Principal:
        key = request.header(API_KEY)
        if operation.access is Access.PUBLIC:
            if key is not None:
                self._check_key(key)
            return Principal(key=get_address(request))
        self._check_key(key)
        reference = _require_header(headers.REFERENCE_CODE, request.header(REFERENCE_CODE))
        request.id = reference
        user_id = _require_header(headers.USER_ID, request.header(USER_ID))
        return Principal(key=f"{key}\x00{user_id}", user_id=user_id)

    def _check_key(self, key: str | None) -> None:
        if key is None or not key.strip():
            raise invalid_api_key("API key required", hint=f"Send the header `{headers.API_KEY}`.")
        if not self.knows_key(key):
            raise invalid_api_key("Invalid API key", hint=f"The mock does not know this `{headers.API_KEY}`.")

    def _identify_platform(self, operation: Operation[object], request: Request) -> Principal:
        authorization = request.header("HTTP_AUTHORIZATION")
        if operation.access is Access.PUBLIC:
            return Principal(key=get_address(request))
        if authorization is None:
            if self._require_auth or operation.access is Access.AUTHENTICATED:
                raise unauthenticated("Authentication required", hint=_LOGIN_HINT)
            return Principal(key=get_address(request))
        # A logout whose response was lost is retried under its idempotency key; its login session has ended by then.
        identity = self._token_service.verify(
            self._state, _parse_bearer(authorization), allow_revoked=operation is auth.LOGOUT
        )
        return Principal(key=f"user:{identity.user.id}", user=identity.user, login_id=identity.login_id)


def authorize(operation: Operation[object], principal: Principal, args: dict[str, str]) -> None:
    """Raise `HTTPError` if the caller is identified and may not do this.

    Args:
        operation: what is done.
        principal: who does it.
        args: the path's arguments, with the `id` of the user it is done to.
    """
    if principal.user is None or principal.is_admin or operation.access not in (Access.ADMIN, Access.SELF_OR_ADMIN):
        return
    if operation.access is Access.SELF_OR_ADMIN and args.get("id") == principal.user.id:
        return
    raise forbidden("You may not do this", hint="Only an administrator may; others may change themselves.")


def _parse_bearer(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise unauthenticated("Invalid token", hint=_LOGIN_HINT)
    if not token.strip():
        raise invalid_token("Invalid token", hint=_LOGIN_HINT)
    return token.strip()


def _require_header(name: str, value: str | None) -> str:
    if value is None or not value.strip():
        raise validation_error({name: ["This header is required and must not be blank."]}, f"Header {name} is required")
    if len(value) > headers.MAX_VALUE_LENGTH or not _VALUE.fullmatch(value):
        limit = headers.MAX_VALUE_LENGTH
        raise validation_error(
            {name: [f"Must be at most {limit} printable ASCII characters."]}, f"Header {name} is invalid"
        )
    return value


def get_address(request: Request) -> str:
    """Return the address that a request comes from; that of this machine is one, over IPv4 or IPv6.

    A program that calls `localhost` may use either, and the other one for its next attempt.
    """
    address: str = request.environ.get("REMOTE_ADDR", "")
    return "127.0.0.1" if address in _LOOPBACK_ADDRESSES else address

"""Finding out who asks: a token on the platform, headers on the chat service."""

from __future__ import annotations

import hmac
import re

from duologue.contract import auth, headers
from duologue.contract.core import CHAT, Access, Operation
from duologue_mock.errors import forbidden, unauthenticated, validation_error
from duologue_mock.handler_registry import Principal
from duologue_mock.http.messages import Request
from duologue_mock.settings import Settings
from duologue_mock.store import State
from duologue_mock.tokens import Identity, TokenService

_VALUE = re.compile(headers.VALUE)

API_KEY = "HTTP_X_API_KEY"
USER_ID = "HTTP_X_USER_ID"
REFERENCE_CODE = "HTTP_UNIQUE_REFERENCE_CODE"

_HOW_TO_LOG_IN = "Send `Authorization: Bearer <token>`; POST /api/auth/login returns a token."


class Authenticator:
    """Tells callers apart and refuses those who may not be let in.

    Args:
        settings: the API keys, and whether a token is demanded.
        state: the users and logins.
        token_service: checks tokens.
    """

    def __init__(self, settings: Settings, state: State, token_service: TokenService) -> None:
        self._keys = tuple(key.encode() for key in settings.values["api_keys"])
        self._require_auth = settings.values["require_auth"]
        self._state = state
        self._token_service = token_service

    def identify(self, operation: Operation[object], request: Request) -> Principal:
        """Return who asks; refuse missing, wrong or worn-out credentials."""
        if operation.service is CHAT:
            return self._on_chat(operation, request)
        return self._on_platform(operation, request)

    def knows_key(self, key: str) -> bool:
        """Return whether an API key is one of ours."""
        sent = key.encode("utf-8", "surrogateescape")
        return any(hmac.compare_digest(sent, known) for known in self._keys)

    def owner_of_token(self, token: str) -> Identity:
        """Return who a token stands for, or refuse it."""
        return self._token_service.verify(self._state, token)

    def _on_chat(self, operation: Operation[object], request: Request) -> Principal:
        key = request.header(API_KEY)
        if operation.access is Access.PUBLIC:
            if key is not None:
                self._check_key(key)
            return Principal(key=_address(request))
        self._check_key(key)
        reference = _required(headers.REFERENCE_CODE, request.header(REFERENCE_CODE))
        request.id = reference
        user_id = _required(headers.USER_ID, request.header(USER_ID))
        return Principal(key=f"{key}\x00{user_id}", user_id=user_id)

    def _check_key(self, key: str | None) -> None:
        if key is None or not key.strip():
            raise unauthenticated("API key required", hint=f"Send the header `{headers.API_KEY}`.")
        if not self.knows_key(key):
            raise unauthenticated("Invalid API key", hint=f"The mock does not know this `{headers.API_KEY}`.")

    def _on_platform(self, operation: Operation[object], request: Request) -> Principal:
        authorization = request.header("HTTP_AUTHORIZATION")
        if operation.access is Access.PUBLIC:
            return Principal(key=_address(request))
        if authorization is None:
            if self._require_auth or operation.access is Access.AUTHENTICATED:
                raise unauthenticated("Authentication required", hint=_HOW_TO_LOG_IN)
            return Principal(key=_address(request))
        # A logout whose answer was lost is tried again under its idempotency key, when its login has ended already.
        identity = self._token_service.verify(self._state, _bearer(authorization), ended_too=operation is auth.LOGOUT)
        return Principal(key=f"user:{identity.user.id}", user=identity.user, login_id=identity.login_id)


def authorize(operation: Operation[object], principal: Principal, args: dict[str, str]) -> None:
    """Refuse a known caller what only an administrator, or the user itself, may do."""
    if principal.user is None or principal.is_admin or operation.access not in (Access.ADMIN, Access.SELF_OR_ADMIN):
        return
    if operation.access is Access.SELF_OR_ADMIN and args.get("id") == principal.user.id:
        return
    raise forbidden("You may not do this", hint="Only an administrator may; others may change themselves.")


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthenticated("Invalid token", hint=_HOW_TO_LOG_IN)
    return token.strip()


def _required(name: str, value: str | None) -> str:
    if value is None or not value.strip():
        raise validation_error({name: ["This header is required and must not be blank."]}, f"Header {name} is required")
    if len(value) > headers.MAX_VALUE_LENGTH or not _VALUE.fullmatch(value):
        limit = headers.MAX_VALUE_LENGTH
        raise validation_error(
            {name: [f"Must be at most {limit} printable ASCII characters."]}, f"Header {name} is invalid"
        )
    return value


def _address(request: Request) -> str:
    address: str = request.environ.get("REMOTE_ADDR", "")
    return address

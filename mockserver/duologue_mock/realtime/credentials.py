"""The credentials of a Socket.IO handshake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from duologue.contract import headers
from duologue_mock.errors import unauthenticated, validation_error
from duologue_mock.http.authentication import Authenticator
from duologue_mock.realtime.packets import MalformedPacketError, Packet
from duologue_mock.tokens import Identity


@dataclass(frozen=True, slots=True)
class Credentials:
    """Whose credentials a handshake has: a platform user's, a chat service's user's, both or none."""

    identity: Identity | None
    chat_user: str | None


def authenticate(packet: Packet, authenticator: Authenticator, *, require_auth: bool) -> Credentials:
    """Return whose credentials a handshake has.

    Args:
        packet: the handshake's.
        authenticator: checks tokens and API keys.
        require_auth: whether it must have some.

    Raises:
        HTTPError: they are wrong, or required and missing.
    """
    try:
        auth = packet.parse_data()
    except MalformedPacketError as error:
        raise validation_error({"auth": [str(error)]}) from None
    credentials = {} if auth is None else auth
    if not isinstance(credentials, dict):
        raise validation_error({"auth": ["Must be an object with `token`, or with `apiKey` and `userId`."]})
    token, key, user_id = (credentials.get(name) for name in ("token", "apiKey", "userId"))
    identity = authenticator.verify_token(_require_text(token)) if token is not None else None
    chat_user = _authenticate_chat_user(authenticator, key, user_id) if key is not None or user_id is not None else None
    if identity is None and chat_user is None and require_auth:
        raise unauthenticated("Authentication required", hint="Send `auth: {token}` or `auth: {apiKey, userId}`.")
    return Credentials(identity, chat_user)


def _authenticate_chat_user(authenticator: Authenticator, key: Any, user_id: Any) -> str:
    if not authenticator.knows_key(_require_text(key)):
        raise unauthenticated("Invalid API key")
    name = _require_text(user_id).strip()
    if not name or len(name) > headers.MAX_VALUE_LENGTH:
        raise unauthenticated("userId required", hint="Send `auth: {apiKey, userId}`.")
    return name


def _require_text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise unauthenticated("Invalid credentials", hint="They must be text, and not blank.")
    return value

"""Faults of Socket.IO connections: who is admitted, and when they end."""

from __future__ import annotations

from functools import partial
from typing import Any

from duologue_mock.errors import HTTPError
from duologue_mock.http.authentication import Authenticator
from duologue_mock.realtime import credentials, server
from duologue_mock.realtime.credentials import Credentials
from duologue_mock.realtime.server import SocketIOServer
from duologue_mock.store.sessions import LoginSessions
from tests.conformance.planting import Fault, wrap

AUTH = {"require_auth": True}


def _admit_bad_token(original: Any, packet: Any, authenticator: Any, *, require_auth: bool) -> Credentials:
    """Let a client with bad credentials in as an anonymous one."""
    try:
        admitted: Credentials = original(packet, authenticator, require_auth=require_auth)
    except HTTPError:
        if require_auth:
            raise
        return Credentials(None, None)
    return admitted


def _admit_anonymous(original: Any, packet: Any, authenticator: Any, *, require_auth: bool) -> Credentials:
    admitted: Credentials = original(packet, authenticator, require_auth=False)
    return admitted


def _admit_any_key(original: Any, authenticator: Any, key: Any, user_id: Any) -> str:
    user: str = original(authenticator, "dev-api-key", user_id)
    return user


def _admit_revoked(original: Any, self: Authenticator, token: str) -> Any:
    return self._token_service.verify(self._state, token, allow_revoked=True)


def _use_default_user(original: Any, authenticator: Any, key: Any, user_id: Any) -> str:
    user: str = original(authenticator, key, user_id or "anonymous-user")
    return user


def _refuse_with_other_text(
    original: Any, self: SocketIOServer, session: Any, namespace: str, _: str, error: Any
) -> None:
    original(self, session, namespace, "Access denied", error)


def _refuse_without_data(original: Any, self: SocketIOServer, error: Any) -> Any:
    return {"message": error.message}


def _stay_connected(original: Any, self: SocketIOServer, login_id: str) -> None:
    return None


def _disconnect_all(original: Any, self: SocketIOServer, login_id: str) -> None:
    for connection in self.connections:
        if connection.credentials.identity is not None:
            self._call_soon(partial(self.disconnect, connection))


def _disconnect_on_refresh(original: Any, self: LoginSessions, refresh_token: str, **options: Any) -> Any:
    session = original(self, refresh_token, **options)
    if session is not None:
        self._notify_end(session.id)
    return session


def _relay(original: Any, self: SocketIOServer, connection: Any, packet: Any, size: int) -> None:
    """Send on to everyone what a client sends."""
    original(self, connection, packet, size)
    name, *arguments = packet.parse_data()
    if name == "user:deleted":
        self._emit(name, arguments[0] if arguments else None, None)


def _stay_silent(original: Any, self: SocketIOServer, connection: Any, packet: Any, error: Any) -> None:
    if packet is None or packet.id is None:
        original(self, connection, packet, error)


FAULTS = [
    Fault(
        "connections.bad-token-admitted",
        "events.credentials",
        "A client with a bad token or key is admitted as an anonymous one.",
        wrap(server, "authenticate", _admit_bad_token),
    ),
    Fault(
        "connections.any-key-admitted",
        "events.credentials",
        "Any API key is admitted.",
        wrap(credentials, "_authenticate_chat_user", _admit_any_key),
    ),
    Fault(
        "connections.revoked-admitted",
        "events.credentials",
        "The token of a login that has ended is admitted.",
        wrap(Authenticator, "verify_token", _admit_revoked),
    ),
    Fault(
        "connections.user-id-optional",
        "events.credentials",
        "A key without a user id is admitted.",
        wrap(credentials, "_authenticate_chat_user", _use_default_user),
    ),
    Fault(
        "connections.anonymous-admitted",
        "events.credentials-required",
        "A client without credentials is admitted, though the server requires them.",
        wrap(server, "authenticate", _admit_anonymous),
        AUTH,
    ),
    Fault(
        "connections.other-message",
        "events.credentials",
        "The message of a refusal is not `Unauthorized`.",
        wrap(SocketIOServer, "refuse", _refuse_with_other_text),
    ),
    Fault(
        "connections.other-data",
        "events.credentials",
        "The data of a refusal is not the common error body.",
        wrap(SocketIOServer, "_build_error_body", _refuse_without_data),
    ),
    Fault(
        "connections.revoked-stays",
        "events.revoked",
        "A connection stays when its login ends.",
        wrap(SocketIOServer, "_disconnect_login", _stay_connected),
    ),
    Fault(
        "connections.all-ended",
        "events.revoked",
        "The end of one login disconnects everyone who has logged in.",
        wrap(SocketIOServer, "_disconnect_login", _disconnect_all),
    ),
    Fault(
        "connections.deleted-user-stays",
        "events.revoked",
        "The connections of a deleted user stay.",
        wrap(LoginSessions, "revoke_all", lambda *_: None),
    ),
    Fault(
        "connections.refresh-ends",
        "events.refresh",
        "A refresh of the tokens ends the connection.",
        wrap(LoginSessions, "rotate", _disconnect_on_refresh),
    ),
    Fault(
        "connections.relay",
        "events.no-relay",
        "What a client sends is sent on to others.",
        wrap(SocketIOServer, "_handle_event", _relay),
    ),
    Fault(
        "connections.silence",
        "events.unknown",
        "An unknown event is not acknowledged.",
        wrap(SocketIOServer, "_send_error", _stay_silent),
    ),
]

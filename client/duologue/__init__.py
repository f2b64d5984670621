"""Duologue: a typed, synchronous client for the platform and chat services.

    from duologue import Client

    with Client() as api:
        print(api.users.list().total)

Everything public can be imported from here, except what needs an extra: that is in `duologue.realtime`. A name is
loaded when it is first used, so that importing this package costs nothing to a program that only starts the mock.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from duologue._version import __version__

if TYPE_CHECKING:
    from duologue.caller import CallRecord
    from duologue.client import Client
    from duologue.clock import Clock
    from duologue.config import Config, Options
    from duologue.contract.auth import Login, Tokens
    from duologue.contract.chats import ChatPage, ChatSession, Pagination
    from duologue.contract.health import Health
    from duologue.contract.messages import ChatMessage, MessagePage, Sender
    from duologue.contract.notifications import Notification
    from duologue.contract.users import Role, User, UserPage
    from duologue.contract.words import Event, Operation
    from duologue.errors import (
        APIError,
        ApiErrorType,
        ApiException,
        Attempt,
        AuthenticationError,
        BadRequestError,
        ClientClosed,
        ConflictError,
        ConnectionFailed,
        ConnectionLost,
        ConnectTimedOut,
        ContractViolation,
        DecodeError,
        NetworkError,
        NotFoundError,
        OutboxFull,
        PermissionDeniedError,
        PreconditionFailedError,
        ProtocolError,
        RateLimitError,
        RedirectRefused,
        RequestTimedOut,
        ServerError,
        StatusError,
        TokenFileRefused,
        UnprocessableError,
        UnusableAnswer,
        handle_api_error,
    )
    from duologue.guards import protected, require_role
    from duologue.keys import ApiKeyInvalid, validate_headers
    from duologue.monitoring import Measured, PerformanceMonitor
    from duologue.retry import RetryPolicy
    from duologue.streaming import ReplyStream
    from duologue.token_file import FileTokens
    from duologue.tokens import AuthEvent, MemoryTokens, SharedTokenStorage, StoredTokens, TokenStorage
    from duologue.transport import HTTPTransport, Request, Response, Transport

_HOMES = {
    "duologue.caller": ("CallRecord",),
    "duologue.client": ("Client",),
    "duologue.clock": ("Clock",),
    "duologue.config": ("Config", "Options"),
    "duologue.contract.auth": ("Login", "Tokens"),
    "duologue.contract.chats": ("ChatPage", "ChatSession", "Pagination"),
    "duologue.contract.health": ("Health",),
    "duologue.contract.messages": ("ChatMessage", "MessagePage", "Sender"),
    "duologue.contract.notifications": ("Notification",),
    "duologue.contract.users": ("Role", "User", "UserPage"),
    "duologue.contract.words": ("Event", "Operation"),
    "duologue.guards": ("protected", "require_role"),
    "duologue.keys": ("ApiKeyInvalid", "validate_headers"),
    "duologue.monitoring": ("Measured", "PerformanceMonitor"),
    "duologue.retry": ("RetryPolicy",),
    "duologue.streaming": ("ReplyStream",),
    "duologue.token_file": ("FileTokens",),
    "duologue.tokens": ("AuthEvent", "MemoryTokens", "SharedTokenStorage", "StoredTokens", "TokenStorage"),
    "duologue.transport": ("HTTPTransport", "Request", "Response", "Transport"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "APIError",
    "ApiErrorType",
    "ApiException",
    "ApiKeyInvalid",
    "Attempt",
    "AuthEvent",
    "AuthenticationError",
    "BadRequestError",
    "CallRecord",
    "ChatMessage",
    "ChatPage",
    "ChatSession",
    "Client",
    "ClientClosed",
    "Clock",
    "Config",
    "ConflictError",
    "ConnectTimedOut",
    "ConnectionFailed",
    "ConnectionLost",
    "ContractViolation",
    "DecodeError",
    "Event",
    "FileTokens",
    "HTTPTransport",
    "Health",
    "Login",
    "Measured",
    "MemoryTokens",
    "MessagePage",
    "NetworkError",
    "NotFoundError",
    "Notification",
    "Operation",
    "Options",
    "OutboxFull",
    "Pagination",
    "PerformanceMonitor",
    "PermissionDeniedError",
    "PreconditionFailedError",
    "ProtocolError",
    "RateLimitError",
    "RedirectRefused",
    "ReplyStream",
    "Request",
    "RequestTimedOut",
    "Response",
    "RetryPolicy",
    "Role",
    "Sender",
    "ServerError",
    "SharedTokenStorage",
    "StatusError",
    "StoredTokens",
    "TokenFileRefused",
    "TokenStorage",
    "Tokens",
    "Transport",
    "UnprocessableError",
    "UnusableAnswer",
    "User",
    "UserPage",
    "__version__",
    "handle_api_error",
    "protected",
    "require_role",
    "validate_headers",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'duologue' has no attribute {name!r}")
    value = getattr(import_module(_HOME.get(name, "duologue.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

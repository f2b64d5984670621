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
    from duologue.auth.api_keys import ApiKeyInvalidEvent, validate_headers
    from duologue.auth.authorization import protected, require_role
    from duologue.auth.token_file import FileTokenStorage
    from duologue.auth.token_storage import MemoryTokenStorage, SharedTokenStorage, StoredTokens, TokenStorage
    from duologue.auth.tokens import AuthEvent
    from duologue.client import Client
    from duologue.compat import (
        BatchProcessor,
        CacheManager,
        LoadingState,
        RequestBatcher,
        RetryableCall,
        TTLCache,
        error_boundary,
    )
    from duologue.compat.error_messages import handle_api_error
    from duologue.compat.type_guards import is_api_response, is_chat_message, is_chat_session, is_paginated_response
    from duologue.concurrency.clock import Clock
    from duologue.concurrency.single_flight import SingleFlight
    from duologue.config import CallOptions, Config, Options
    from duologue.contract.auth import Login, Tokens
    from duologue.contract.chats import ChatPage, ChatSession, Pagination
    from duologue.contract.core import Event, Operation
    from duologue.contract.health import Health
    from duologue.contract.messages import ChatMessage, MessagePage, Sender
    from duologue.contract.notifications import Notification
    from duologue.contract.users import Role, User, UserPage
    from duologue.errors import (
        APIError,
        ApiErrorType,
        ApiException,
        Attempt,
        AuthenticationError,
        BadRequestError,
        CertificateError,
        ClientClosedError,
        ConflictError,
        ConnectError,
        ConnectionLostError,
        ConnectTimeout,
        DeadlineExceeded,
        DecodingError,
        HTTPStatusError,
        InvalidResponseError,
        NetworkError,
        NotFoundError,
        PermissionDeniedError,
        PreconditionFailedError,
        ProtocolError,
        QueryCancelledError,
        QueryTimeout,
        RateLimitError,
        RedirectError,
        RequestTimeout,
        ResponseTooLargeError,
        ResponseValidationError,
        SendBufferFullError,
        ServerError,
        TokenFileError,
        UnprocessableEntityError,
    )
    from duologue.http.adapter import RetryAdapter
    from duologue.http.response_parsing import RawResponse
    from duologue.http.retry import RetryBudget, RetryPolicy
    from duologue.http.streaming import ReplyStream
    from duologue.http.transport import HTTPTransport, Request, Response, Transport
    from duologue.observability.hooks import HookEvent
    from duologue.observability.monitoring import OperationStats, PerformanceMonitor
    from duologue.observability.on_call import CallRecord
    from duologue.query import InfiniteData, Mutation, QueryClient, QueryObserver, QueryResult
    from duologue.resources.page import Page

_HOMES = {
    "duologue.http.adapter": ("RetryAdapter",),
    "duologue.http.response_parsing": ("RawResponse",),
    "duologue.observability.on_call": ("CallRecord",),
    "duologue.client": ("Client",),
    "duologue.concurrency.clock": ("Clock",),
    "duologue.config": ("CallOptions", "Config", "Options"),
    "duologue.contract.auth": ("Login", "Tokens"),
    "duologue.contract.chats": ("ChatPage", "ChatSession", "Pagination"),
    "duologue.contract.health": ("Health",),
    "duologue.contract.messages": ("ChatMessage", "MessagePage", "Sender"),
    "duologue.contract.notifications": ("Notification",),
    "duologue.contract.users": ("Role", "User", "UserPage"),
    "duologue.contract.core": ("Event", "Operation"),
    "duologue.observability.hooks": ("HookEvent",),
    "duologue.auth.authorization": ("protected", "require_role"),
    "duologue.auth.api_keys": ("ApiKeyInvalidEvent", "validate_headers"),
    "duologue.observability.monitoring": ("OperationStats", "PerformanceMonitor"),
    "duologue.compat": (
        "BatchProcessor",
        "CacheManager",
        "LoadingState",
        "RequestBatcher",
        "RetryableCall",
        "TTLCache",
        "error_boundary",
    ),
    "duologue.compat.error_messages": ("handle_api_error",),
    "duologue.concurrency.single_flight": ("SingleFlight",),
    "duologue.query": ("InfiniteData", "Mutation", "QueryObserver", "QueryClient", "QueryResult"),
    "duologue.http.retry": ("RetryBudget", "RetryPolicy"),
    "duologue.resources.page": ("Page",),
    "duologue.http.streaming": ("ReplyStream",),
    "duologue.auth.token_file": ("FileTokenStorage",),
    "duologue.auth.token_storage": ("MemoryTokenStorage", "SharedTokenStorage", "StoredTokens", "TokenStorage"),
    "duologue.auth.tokens": ("AuthEvent",),
    "duologue.compat.type_guards": (
        "is_api_response",
        "is_chat_message",
        "is_chat_session",
        "is_paginated_response",
    ),
    "duologue.http.transport": ("HTTPTransport", "Request", "Response", "Transport"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "APIError",
    "ApiErrorType",
    "ApiException",
    "ApiKeyInvalidEvent",
    "Attempt",
    "AuthEvent",
    "AuthenticationError",
    "BadRequestError",
    "BatchProcessor",
    "CacheManager",
    "CallOptions",
    "CallRecord",
    "CertificateError",
    "ChatMessage",
    "ChatPage",
    "ChatSession",
    "Client",
    "ClientClosedError",
    "Clock",
    "Config",
    "ConflictError",
    "ConnectError",
    "ConnectTimeout",
    "ConnectionLostError",
    "DeadlineExceeded",
    "DecodingError",
    "Event",
    "FileTokenStorage",
    "HTTPStatusError",
    "HTTPTransport",
    "Health",
    "HookEvent",
    "InfiniteData",
    "InvalidResponseError",
    "LoadingState",
    "Login",
    "MemoryTokenStorage",
    "MessagePage",
    "Mutation",
    "NetworkError",
    "NotFoundError",
    "Notification",
    "Operation",
    "OperationStats",
    "Options",
    "Page",
    "Pagination",
    "PerformanceMonitor",
    "PermissionDeniedError",
    "PreconditionFailedError",
    "ProtocolError",
    "QueryCancelledError",
    "QueryClient",
    "QueryObserver",
    "QueryResult",
    "QueryTimeout",
    "RateLimitError",
    "RawResponse",
    "RedirectError",
    "ReplyStream",
    "Request",
    "RequestBatcher",
    "RequestTimeout",
    "Response",
    "ResponseTooLargeError",
    "ResponseValidationError",
    "RetryAdapter",
    "RetryBudget",
    "RetryPolicy",
    "RetryableCall",
    "Role",
    "SendBufferFullError",
    "Sender",
    "ServerError",
    "SharedTokenStorage",
    "SingleFlight",
    "StoredTokens",
    "TTLCache",
    "TokenFileError",
    "TokenStorage",
    "Tokens",
    "Transport",
    "UnprocessableEntityError",
    "User",
    "UserPage",
    "__version__",
    "error_boundary",
    "handle_api_error",
    "is_api_response",
    "is_chat_message",
    "is_chat_session",
    "is_paginated_response",
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

"""Duologue: a typed, synchronous client for the Platform API and the Smart Chat API.

    from duologue import Client

    with Client() as api:
        print(api.users.list().total)

Everything public can be imported from here, except what needs an extra: that is in `duologue.realtime`. A name is
loaded when it is first used, so that importing this package costs nothing to a program that only starts the mock.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from duologue._version import __version__ as __version__

if TYPE_CHECKING:  # what the list below says, for type checkers; `as` says that it is exported
    from duologue.auth.api_keys import ApiKeyInvalidEvent as ApiKeyInvalidEvent
    from duologue.auth.authorization import protected as protected
    from duologue.auth.authorization import require_role as require_role
    from duologue.auth.token_file import FileTokenStorage as FileTokenStorage
    from duologue.auth.token_storage import MemoryTokenStorage as MemoryTokenStorage
    from duologue.auth.token_storage import SharedTokenStorage as SharedTokenStorage
    from duologue.auth.token_storage import StoredTokens as StoredTokens
    from duologue.auth.token_storage import TokenStorage as TokenStorage
    from duologue.auth.tokens import AuthEvent as AuthEvent
    from duologue.auth.user_id import FileUserIdStorage as FileUserIdStorage
    from duologue.auth.user_id import UserIdStorage as UserIdStorage
    from duologue.client import Client as Client
    from duologue.compat import BatchProcessor as BatchProcessor
    from duologue.compat import CacheManager as CacheManager
    from duologue.compat import LoadingState as LoadingState
    from duologue.compat import RequestBatcher as RequestBatcher
    from duologue.compat import RetryableCall as RetryableCall
    from duologue.compat import TTLCache as TTLCache
    from duologue.compat import error_boundary as error_boundary
    from duologue.compat.error_messages import handle_api_error as handle_api_error
    from duologue.compat.headers import validate_headers as validate_headers
    from duologue.compat.type_guards import is_api_response as is_api_response
    from duologue.compat.type_guards import is_chat_message as is_chat_message
    from duologue.compat.type_guards import is_chat_session as is_chat_session
    from duologue.compat.type_guards import is_paginated_response as is_paginated_response
    from duologue.concurrency.clock import Clock as Clock
    from duologue.config import CallOptions as CallOptions
    from duologue.config import Config as Config
    from duologue.config import Options as Options
    from duologue.config import ServiceConfig as ServiceConfig
    from duologue.contract.auth import Login as Login
    from duologue.contract.auth import Tokens as Tokens
    from duologue.contract.chats import ChatPage as ChatPage
    from duologue.contract.chats import ChatSession as ChatSession
    from duologue.contract.chats import Pagination as Pagination
    from duologue.contract.core import Event as Event
    from duologue.contract.core import Operation as Operation
    from duologue.contract.health import Health as Health
    from duologue.contract.messages import ChatMessage as ChatMessage
    from duologue.contract.messages import MessagePage as MessagePage
    from duologue.contract.messages import Sender as Sender
    from duologue.contract.notifications import Notification as Notification
    from duologue.contract.users import Role as Role
    from duologue.contract.users import User as User
    from duologue.contract.users import UserPage as UserPage
    from duologue.errors import APIError as APIError
    from duologue.errors import ApiErrorType as ApiErrorType
    from duologue.errors import ApiException as ApiException
    from duologue.errors import Attempt as Attempt
    from duologue.errors import AuthenticationError as AuthenticationError
    from duologue.errors import BadRequestError as BadRequestError
    from duologue.errors import CertificateError as CertificateError
    from duologue.errors import ClientClosedError as ClientClosedError
    from duologue.errors import ConflictError as ConflictError
    from duologue.errors import ConnectError as ConnectError
    from duologue.errors import ConnectionLostError as ConnectionLostError
    from duologue.errors import ConnectTimeout as ConnectTimeout
    from duologue.errors import DeadlineExceeded as DeadlineExceeded
    from duologue.errors import DecodingError as DecodingError
    from duologue.errors import HTTPStatusError as HTTPStatusError
    from duologue.errors import InvalidResponseError as InvalidResponseError
    from duologue.errors import NetworkError as NetworkError
    from duologue.errors import NotFoundError as NotFoundError
    from duologue.errors import PermissionDeniedError as PermissionDeniedError
    from duologue.errors import PreconditionFailedError as PreconditionFailedError
    from duologue.errors import ProtocolError as ProtocolError
    from duologue.errors import QueryCancelledError as QueryCancelledError
    from duologue.errors import QueryTimeout as QueryTimeout
    from duologue.errors import RateLimitError as RateLimitError
    from duologue.errors import RedirectError as RedirectError
    from duologue.errors import RequestTimeout as RequestTimeout
    from duologue.errors import ResponseTooLargeError as ResponseTooLargeError
    from duologue.errors import ResponseValidationError as ResponseValidationError
    from duologue.errors import SendBufferFullError as SendBufferFullError
    from duologue.errors import ServerError as ServerError
    from duologue.errors import TokenFileError as TokenFileError
    from duologue.errors import UnprocessableEntityError as UnprocessableEntityError
    from duologue.http.adapter import RetryAdapter as RetryAdapter
    from duologue.http.response_parsing import RawResponse as RawResponse
    from duologue.http.retry import RetryBudget as RetryBudget
    from duologue.http.retry import RetryPolicy as RetryPolicy
    from duologue.http.streaming import ReplyStream as ReplyStream
    from duologue.http.transport import HTTPTransport as HTTPTransport
    from duologue.http.transport import Request as Request
    from duologue.http.transport import Response as Response
    from duologue.http.transport import Transport as Transport
    from duologue.observability.hooks import HookEvent as HookEvent
    from duologue.observability.monitoring import OperationStats as OperationStats
    from duologue.observability.monitoring import PerformanceMonitor as PerformanceMonitor
    from duologue.observability.on_call import CallRecord as CallRecord
    from duologue.query import InfiniteData as InfiniteData
    from duologue.query import Mutation as Mutation
    from duologue.query import QueryClient as QueryClient
    from duologue.query import QueryObserver as QueryObserver
    from duologue.query import QueryResult as QueryResult
    from duologue.query.single_flight import SingleFlight as SingleFlight
    from duologue.resources.page import Page as Page

_EXPORTS = {
    "duologue.auth.api_keys": ("ApiKeyInvalidEvent",),
    "duologue.auth.authorization": ("protected", "require_role"),
    "duologue.auth.token_file": ("FileTokenStorage",),
    "duologue.auth.token_storage": ("MemoryTokenStorage", "SharedTokenStorage", "StoredTokens", "TokenStorage"),
    "duologue.auth.tokens": ("AuthEvent",),
    "duologue.auth.user_id": ("FileUserIdStorage", "UserIdStorage"),
    "duologue.client": ("Client",),
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
    "duologue.compat.headers": ("validate_headers",),
    "duologue.compat.type_guards": ("is_api_response", "is_chat_message", "is_chat_session", "is_paginated_response"),
    "duologue.concurrency.clock": ("Clock",),
    "duologue.query.single_flight": ("SingleFlight",),
    "duologue.config": ("CallOptions", "Config", "Options", "ServiceConfig"),
    "duologue.contract.auth": ("Login", "Tokens"),
    "duologue.contract.chats": ("ChatPage", "ChatSession", "Pagination"),
    "duologue.contract.core": ("Event", "Operation"),
    "duologue.contract.health": ("Health",),
    "duologue.contract.messages": ("ChatMessage", "MessagePage", "Sender"),
    "duologue.contract.notifications": ("Notification",),
    "duologue.contract.users": ("Role", "User", "UserPage"),
    "duologue.errors": (
        "APIError",
        "ApiErrorType",
        "ApiException",
        "Attempt",
        "AuthenticationError",
        "BadRequestError",
        "CertificateError",
        "ClientClosedError",
        "ConflictError",
        "ConnectError",
        "ConnectTimeout",
        "ConnectionLostError",
        "DeadlineExceeded",
        "DecodingError",
        "HTTPStatusError",
        "InvalidResponseError",
        "NetworkError",
        "NotFoundError",
        "PermissionDeniedError",
        "PreconditionFailedError",
        "ProtocolError",
        "QueryCancelledError",
        "QueryTimeout",
        "RateLimitError",
        "RedirectError",
        "RequestTimeout",
        "ResponseTooLargeError",
        "ResponseValidationError",
        "SendBufferFullError",
        "ServerError",
        "TokenFileError",
        "UnprocessableEntityError",
    ),
    "duologue.http.adapter": ("RetryAdapter",),
    "duologue.http.response_parsing": ("RawResponse",),
    "duologue.http.retry": ("RetryBudget", "RetryPolicy"),
    "duologue.resources.page": ("Page",),
    "duologue.http.streaming": ("ReplyStream",),
    "duologue.http.transport": ("HTTPTransport", "Request", "Response", "Transport"),
    "duologue.observability.hooks": ("HookEvent",),
    "duologue.observability.monitoring": ("OperationStats", "PerformanceMonitor"),
    "duologue.observability.on_call": ("CallRecord",),
    "duologue.query": ("InfiniteData", "Mutation", "QueryClient", "QueryObserver", "QueryResult"),
}
"""The public names, by the module that has them."""

_MODULES = {name: module for module, names in _EXPORTS.items() for name in names}

__all__ = sorted([*_MODULES, "__version__"])


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'duologue' has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

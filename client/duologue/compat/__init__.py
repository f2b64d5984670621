"""The helper classes of the two API specifications, under the specifications' names."""

from duologue.compat.batching import BatchProcessor, RequestBatcher
from duologue.compat.cache_manager import CacheManager
from duologue.compat.error_boundary import error_boundary
from duologue.compat.loading import Loading, LoadingState, RetryableCall
from duologue.compat.ttl_cache import TTLCache
from duologue.compat.type_guards import is_api_response, is_chat_message, is_chat_session, is_paginated_response

__all__ = [
    "BatchProcessor",
    "CacheManager",
    "Loading",
    "LoadingState",
    "RequestBatcher",
    "RetryableCall",
    "TTLCache",
    "error_boundary",
    "is_api_response",
    "is_chat_message",
    "is_chat_session",
    "is_paginated_response",
]

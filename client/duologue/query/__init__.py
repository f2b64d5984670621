"""TanStack Query's core, synchronous and safe for threads: cached, shared, observed calls of any function.

    from duologue.query import QueryClient

    with QueryClient() as queries:
        users = queries.fetch(("users",), api.users.list)

`api.queries` and `api.mutations` are this for every call of the contract. docs/coming-from-react-query.md shows each
hook of the documents beside its counterpart here.
"""

from duologue.query.batching import BatchProcessor, RequestBatcher
from duologue.query.boundaries import error_boundary
from duologue.query.cache_manager import CacheManager
from duologue.query.client import BoundInfiniteQuery, BoundQuery, OptimisticUpdate, QueryClient
from duologue.query.errors import QueryCancelled, QueryTimedOut
from duologue.query.infinite import InfiniteData
from duologue.query.keys import Key
from duologue.query.loading import Loading, LoadingState, RetryableCall
from duologue.query.mutations import Mutation, MutationOptions, MutationState, Variables
from duologue.query.observers import Observer, Snapshot
from duologue.query.queries import Query, QueryOptions
from duologue.query.retries import Retry
from duologue.query.single_flight import SingleFlight
from duologue.query.state import MISSING
from duologue.query.ttl_cache import TTLCache

__all__ = [
    "MISSING",
    "BatchProcessor",
    "BoundInfiniteQuery",
    "BoundQuery",
    "CacheManager",
    "InfiniteData",
    "Key",
    "Loading",
    "LoadingState",
    "Mutation",
    "MutationOptions",
    "MutationState",
    "Observer",
    "OptimisticUpdate",
    "Query",
    "QueryCancelled",
    "QueryClient",
    "QueryOptions",
    "QueryTimedOut",
    "RequestBatcher",
    "Retry",
    "RetryableCall",
    "SingleFlight",
    "Snapshot",
    "TTLCache",
    "Variables",
    "error_boundary",
]

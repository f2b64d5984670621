"""TanStack Query's core, synchronous and thread-safe: cached, shared, observed calls of any function.

    from duologue.query import QueryClient

    with QueryClient() as query_client:
        users = query_client.fetch(("users",), api.users.list)

`api.queries` and `api.mutations` are this for every operation of the contract, in the cache `api.query_client`.
docs/coming-from-react-query.md shows each hook of the specifications beside its counterpart here.
"""

from duologue.errors import QueryCancelledError, QueryTimeout
from duologue.query.bound_query import BoundInfiniteQuery, BoundQuery
from duologue.query.client import QueryClient
from duologue.query.infinite import InfiniteData
from duologue.query.keys import Key
from duologue.query.mutation import Mutation, MutationOptions, MutationState, Variables
from duologue.query.observer import QueryObserver
from duologue.query.optimistic import OptimisticUpdate
from duologue.query.options import QueryOptions, QuerySpec
from duologue.query.resource_queries.realtime_sync import RealtimeSync
from duologue.query.result import QueryResult
from duologue.query.retry import RetryOptions
from duologue.query.state import MISSING

__all__ = [
    "MISSING",
    "BoundInfiniteQuery",
    "BoundQuery",
    "InfiniteData",
    "Key",
    "Mutation",
    "MutationOptions",
    "MutationState",
    "OptimisticUpdate",
    "QueryCancelledError",
    "QueryClient",
    "QueryObserver",
    "QueryOptions",
    "QueryResult",
    "QuerySpec",
    "QueryTimeout",
    "RealtimeSync",
    "RetryOptions",
    "Variables",
]

"""TanStack Query's core, synchronous and safe for threads: cached, shared, observed calls of any function.

    from duologue.query import QueryClient

    with QueryClient() as queries:
        users = queries.fetch(("users",), api.users.list)

`api.queries` and `api.mutations` are this for every call of the contract. docs/coming-from-react-query.md shows each
hook of the documents beside its counterpart here.
"""

from duologue.errors import QueryCancelledError, QueryTimeout
from duologue.query.client import BoundInfiniteQuery, BoundQuery, OptimisticUpdate, QueryClient
from duologue.query.infinite import InfiniteData
from duologue.query.keys import Key
from duologue.query.mutation import Mutation, MutationOptions, MutationState, Variables
from duologue.query.observer import QueryObserver, QueryResult
from duologue.query.options import QueryOptions, QuerySpec
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
    "RetryOptions",
    "Variables",
]

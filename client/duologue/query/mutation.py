"""Mutations: calls that change data, and their effects on the cache (TanStack Query's `mutation.ts`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, Literal, NamedTuple, ParamSpec, TypedDict, TypeVar, Unpack

from duologue.concurrency.latest_state import LatestState
from duologue.errors import ClientClosedError
from duologue.observability.redaction import Arguments
from duologue.query.base_client import BaseQueryClient
from duologue.query.keys import Key
from duologue.query.optimistic import OptimisticUpdate
from duologue.query.retry import RetryOptions

T = TypeVar("T")
P = ParamSpec("P")

MAX_RETRIES: Final = 1
"""How often a failed mutation is retried (`mutations: {retry: 1}` in the Platform API specification)."""


class Variables(NamedTuple):
    """The arguments of one call of a mutation.

    Args:
        args: positional arguments.
        kwargs: keyword arguments.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class MutationOptions(TypedDict, total=False):
    """The options of a mutation.

    Args:
        on_mutate: called before the function, with the variables; its result is the context of the other callbacks.
        on_success: called with data, variables and context.
        on_error: called with error, variables and context.
        on_settled: called with data or None, error or None, variables and context.
        optimistic: given the variables, returns keys and functions that change their data. The changes are visible at
            once, are committed when the function succeeds, and rolled back when it fails; other changes stay.
        stores: given data and variables, returns keys and the data to set there.
        invalidates: given the variables, returns key prefixes to invalidate when the call has settled, failed or not:
            a call whose response was lost may have reached the server.
        retry: how failures are retried; a number is the maximum of retries. Once by default.
    """

    on_mutate: Callable[[Variables], Any]
    on_success: Callable[[Any, Variables, Any], object]
    on_error: Callable[[Exception, Variables, Any], object]
    on_settled: Callable[[Any, Exception | None, Variables, Any], object]
    optimistic: Callable[[Variables], Iterable[tuple[Key, Callable[[Any], Any]]]]
    stores: Callable[[Any, Variables], Iterable[tuple[Key, Any]]]
    invalidates: Callable[[Variables], Iterable[Key]]
    retry: RetryOptions | int


@dataclass(frozen=True, slots=True)
class MutationState:
    """The state of the latest call of a mutation.

    Args:
        status: `idle`, `loading`, `success` or `error`.
        data: what it returned.
        error: why it failed.
        variables: its arguments.
        failure_count: how many attempts failed.
        failure_reason: the error of the last failed attempt.
    """

    status: Literal["idle", "loading", "success", "error"] = "idle"
    data: Any = None
    error: BaseException | None = None
    variables: Variables | None = None
    failure_count: int = 0
    failure_reason: BaseException | None = None

    @property
    def is_loading(self) -> bool:
        """Whether it is running."""
        return self.status == "loading"

    @property
    def is_success(self) -> bool:
        """Whether it succeeded."""
        return self.status == "success"

    @property
    def is_error(self) -> bool:
        """Whether it failed."""
        return self.status == "error"


class Mutation(Generic[P, T]):
    """A function that changes data on the server; called like the function, on the caller's thread.

        rename = query_client.mutation(api.chats.rename, invalidates=lambda variables: [("chats",)])
        session = rename("test-session-1", title="Shopping")

    The order is TanStack Query's: on_mutate, the function, on_success or on_error, on_settled, then the state. Calls
    from several threads do not wait for each other; `state` is the latest one's.
    """

    def __init__(self, client: BaseQueryClient, function: Callable[P, T], **options: Unpack[MutationOptions]) -> None:
        unknown = options.keys() - MutationOptions.__annotations__.keys()
        if unknown:
            raise TypeError(f"Unknown mutation option {min(unknown)!r}")
        self._client = client
        self._function = function
        self._options = options
        self._retry = RetryOptions.resolve(options.get("retry", MAX_RETRIES))
        self._latest = LatestState(MutationState())

    @property
    def state(self) -> MutationState:
        """The state of the latest call."""
        return self._latest.value

    def subscribe(self, callback: Callable[[MutationState], object]) -> Callable[[], None]:
        """Call a function with each new state; return a function that unsubscribes it."""
        return self._latest.subscribe(callback)

    def reset(self) -> None:
        """Return to the state `idle`. The result of a call that is still running does not change it."""
        self._latest.start(MutationState())

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Make the call.

        Raises:
            Exception: what the function raised on the last attempt.
        """
        kwargs = Arguments(kwargs)  # type: ignore[assignment]  # the same arguments; their repr masks passwords
        return self.mutate(*args, **kwargs)

    def mutate(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Make the call; the same as calling the mutation (`mutateAsync`)."""
        kwargs = Arguments(kwargs)  # type: ignore[assignment]  # as above
        if self._client.closed:
            raise ClientClosedError
        variables = Variables(args, kwargs)
        number = self._latest.start(MutationState("loading", variables=variables))
        call = _MutationCall(variables, number, self._client.generation)
        try:
            data = self._run(call, args, kwargs)
        except Exception as error:
            self._handle_error(call, error)
            raise
        except BaseException:
            call.roll_back()
            raise
        finally:
            self._invalidate(call)
        self._update_state(call, status="success", data=data, failure_count=0, failure_reason=None)
        return data

    def _run(self, call: _MutationCall, args: Any, kwargs: Any) -> T:
        options = self._options
        if "on_mutate" in options:
            call.context = options["on_mutate"](call.variables)
        if "optimistic" in options:
            for key, update in options["optimistic"](call.variables):
                call.updates.append(self._client.optimistic_update(key, update))
        data = self._call_with_retry(call, args, kwargs)
        self._handle_success(call, data)
        return data

    def _call_with_retry(self, call: _MutationCall, args: Any, kwargs: Any) -> T:
        failures = 0
        while True:
            try:
                return self._function(*args, **kwargs)
            except Exception as error:
                delay = self._retry.get_delay(failures, error)
                if delay is None:
                    raise
                failures += 1
                self._update_state(call, failure_count=failures, failure_reason=error)
                self._client.clock.sleep(delay, self._client.closing)
                if self._client.closed:
                    raise

    def _handle_success(self, call: _MutationCall, data: T) -> None:
        options = self._options
        for update in call.take_updates():
            update.commit()
        same_user = call.generation == self._client.generation
        if "stores" in options and same_user:  # else the data belongs to a user who has logged out
            for key, value in options["stores"](data, call.variables):
                self._client.set_data(key, value)
        if "on_success" in options:
            options["on_success"](data, call.variables, call.context)
        if "on_settled" in options:
            options["on_settled"](data, None, call.variables, call.context)

    def _handle_error(self, call: _MutationCall, error: Exception) -> None:
        options = self._options
        call.roll_back()
        try:
            if "on_error" in options:
                options["on_error"](error, call.variables, call.context)
            if "on_settled" in options:
                options["on_settled"](None, error, call.variables, call.context)
        finally:
            count = self.state.failure_count + 1
            self._update_state(call, status="error", data=None, error=error, failure_count=count, failure_reason=error)

    def _invalidate(self, call: _MutationCall) -> None:
        if "invalidates" in self._options and not self._client.closed:
            for prefix in self._options["invalidates"](call.variables):
                self._client.invalidate(prefix)

    def _update_state(self, call: _MutationCall, **changes: Any) -> None:
        self._latest.set(call.number, replace(self.state, **changes))


class _MutationCall:
    """One running call."""

    def __init__(self, variables: Variables, number: int, generation: int) -> None:
        self.variables = variables
        self.number = number
        self.generation = generation
        self.context: Any = None
        self.updates: list[OptimisticUpdate] = []

    def take_updates(self) -> list[OptimisticUpdate]:
        """Return the optimistic updates that are not settled yet, and forget them: the caller settles them."""
        updates, self.updates = self.updates, []
        return updates

    def roll_back(self) -> None:
        """Roll back the optimistic updates."""
        for update in self.take_updates():
            update.rollback()

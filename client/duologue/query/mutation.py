"""Mutations: calls that change something, and what the cache makes of it (TanStack Query's `mutation.ts`)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, ParamSpec, TypedDict, TypeVar, Unpack

from duologue.concurrency.notify import ListenerQueue, NotifyManager
from duologue.errors import ClientClosedError
from duologue.query import defaults
from duologue.query.keys import Key
from duologue.query.retry import RetryOptions

if TYPE_CHECKING:
    from duologue.query.client import OptimisticUpdate, QueryClient

T = TypeVar("T")
P = ParamSpec("P")


class Variables(NamedTuple):
    """The arguments of one call of a mutation.

    Args:
        args: those by position.
        kwargs: those by name.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class MutationOptions(TypedDict, total=False):
    """What can be said of a mutation.

    Args:
        on_mutate: called before the function, with the arguments; what it returns is the context of the others.
        on_success: called with data, variables and context.
        on_error: called with error, variables and context.
        on_settled: called with data or None, error or None, variables and context.
        optimistic: returns, given the arguments, keys and how their data will have changed. The changes are seen at
            once, become data when the function succeeds, and are taken back when it does not; others stay.
        stores: returns, given data and arguments, keys and the data to put there.
        invalidates: returns, given the arguments, prefixes to invalidate when it is over, however it went: a call
            whose answer was lost may have been made.
        retry: how failures are met; a number is how often to try again. Once, by default.
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
    """What has become of the last call of a mutation.

    Args:
        status: `idle`, `loading`, `success` or `error`.
        data: what it returned.
        error: why it failed.
        variables: what it was called with.
        failure_count: tries that failed.
        failure_reason: why the last of them did.
    """

    status: Literal["idle", "loading", "success", "error"] = "idle"
    data: Any = None
    error: BaseException | None = None
    variables: Variables | None = None
    failure_count: int = 0
    failure_reason: BaseException | None = None

    @property
    def is_loading(self) -> bool:
        """Whether it is under way."""
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
    """A function that changes something on the server; called like it, on the caller's thread.

        rename = queries.mutation(api.chats.rename, invalidates=lambda call: [("chats",)])
        session = rename("test-session-1", title="Shopping")

    The order is TanStack Query's: on_mutate, the function, on_success or on_error, on_settled, then the state. Calls
    from several threads do not wait for each other; `state` is the latest one's.
    """

    def __init__(self, client: QueryClient, function: Callable[P, T], **options: Unpack[MutationOptions]) -> None:
        unknown = options.keys() - MutationOptions.__annotations__.keys()
        if unknown:
            raise TypeError(f"A mutation has no option {min(unknown)!r}")
        self._client = client
        self._function = function
        self._options = options
        retry = options.get("retry", defaults.MUTATION_RETRIES)
        self._retry = RetryOptions(retry) if isinstance(retry, int) else retry
        self._lock = threading.Lock()
        self._post = NotifyManager()
        self._listeners: dict[ListenerQueue[MutationState], None] = {}
        self._turn = 0
        self._state = MutationState()

    @property
    def state(self) -> MutationState:
        """What has become of the last call."""
        return self._state

    def subscribe(self, callback: Callable[[MutationState], object]) -> Callable[[], None]:
        """Have a function called with each new state; return what ends that."""
        mailbox = ListenerQueue(callback)
        with self._lock:
            self._listeners[mailbox] = None

        def unsubscribe() -> None:
            with self._lock:
                self._listeners.pop(mailbox, None)

        return unsubscribe

    def reset(self) -> None:
        """Forget the last call; one that is under way is no longer looked at."""
        with self._lock:
            self._turn += 1
            turn = self._turn
        self._set(turn, MutationState())

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Make the call.

        Raises:
            Exception: what the function raised at last.
        """
        return self.mutate(*args, **kwargs)

    def mutate(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """The same, by its name in TanStack Query (`mutateAsync`)."""
        call = _Call(Variables(args, kwargs), self._begin(Variables(args, kwargs)), self._client.generation)
        try:
            data = self._made(call, args, kwargs)
        except Exception as error:
            self._went_wrong(call, error)
            raise
        except BaseException:
            self._roll_back(call)
            raise
        finally:
            self._invalidate(call)
        self._set(call.turn, replace(self._state, status="success", data=data, failure_count=0, failure_reason=None))
        return data

    def _begin(self, variables: Variables) -> int:
        if self._client.closed:
            raise ClientClosedError
        with self._lock:
            self._turn += 1
            turn = self._turn
        self._set(turn, MutationState("loading", variables=variables))
        return turn

    def _made(self, call: _Call, args: Any, kwargs: Any) -> T:
        options = self._options
        if "on_mutate" in options:
            call.context = options["on_mutate"](call.variables)
        if "optimistic" in options:
            for key, update in options["optimistic"](call.variables):
                call.updates.append(self._client.optimistic_update(key, update))
        data = self._tried(call, args, kwargs)
        self._succeeded(call, data)
        return data

    def _tried(self, call: _Call, args: Any, kwargs: Any) -> T:
        failures = 0
        while True:
            try:
                return self._function(*args, **kwargs)
            except Exception as error:
                wait = self._retry.get_delay(failures, error)
                if wait is None:
                    raise
                failures += 1
                self._set(call.turn, replace(self._state, failure_count=failures, failure_reason=error))
                self._client.clock.sleep(wait, self._client.closing)
                if self._client.closed:
                    raise

    def _succeeded(self, call: _Call, data: T) -> None:
        options = self._options
        for update in call.taken():
            update.commit()
        if (
            "stores" in options and call.generation == self._client.generation
        ):  # else it belongs to somebody who has left
            for key, known in options["stores"](data, call.variables):
                self._client.set_data(key, known)
        if "on_success" in options:
            options["on_success"](data, call.variables, call.context)
        if "on_settled" in options:
            options["on_settled"](data, None, call.variables, call.context)

    def _went_wrong(self, call: _Call, error: Exception) -> None:
        options = self._options
        self._roll_back(call)
        try:
            if "on_error" in options:
                options["on_error"](error, call.variables, call.context)
            if "on_settled" in options:
                options["on_settled"](None, error, call.variables, call.context)
        finally:
            count = self._state.failure_count + 1
            self._set(
                call.turn,
                replace(self._state, status="error", data=None, error=error, failure_count=count, failure_reason=error),
            )

    def _roll_back(self, call: _Call) -> None:
        for update in call.taken():
            update.rollback()

    def _invalidate(self, call: _Call) -> None:
        if "invalidates" in self._options and not self._client.closed:
            for prefix in self._options["invalidates"](call.variables):
                self._client.invalidate(prefix)

    def _set(self, turn: int, state: MutationState) -> None:
        with self._lock:
            if turn != self._turn:
                return
            self._state = state
            for mailbox in self._listeners:
                self._post.put(mailbox, state)
        self._post.deliver()


class _Call:
    """One call under way."""

    def __init__(self, variables: Variables, turn: int, generation: int) -> None:
        self.variables = variables
        self.turn = turn
        self.generation = generation
        self.context: Any = None
        self.updates: list[OptimisticUpdate] = []

    def taken(self) -> list[OptimisticUpdate]:
        """Return the optimistic updates that are neither confirmed nor taken back yet; they are, from now on."""
        updates, self.updates = self.updates, []
        return updates

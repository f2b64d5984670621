"""What a mutation does with its arguments, the state and the cache; `test_mutation` has what is TanStack Query's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from duologue import ClientClosedError, NotFoundError, ServerError
from duologue.query import MutationState, QueryClient, RetryOptions, Variables
from tests.query.fakes import TIMEOUT, BlockingFunction, FakeClock, FakeFunction, Thread

BUSY = ServerError(status=503)
GONE = NotFoundError(status=404)
CALL = Variables((1,), {"name": "Ada"})


class Server:
    """Keeps the arguments of its calls, and returns or raises one result after the other."""

    def __init__(self, *results: Any) -> None:
        self.calls: list[Variables] = []
        self._function = FakeFunction(*results)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.calls.append(Variables(args, kwargs))
        return self._function()


def test_states(queries: QueryClient) -> None:
    """Each attempt that fails shows, and a success forgets them."""
    states: list[MutationState] = []
    mutate = queries.mutation(server := Server(BUSY, "done"))
    assert mutate.state == MutationState("idle")
    mutate.subscribe(states.append)
    assert mutate(1, name="Ada") == "done"
    assert server.calls == [CALL, CALL]
    assert states == [
        MutationState("loading", variables=CALL),
        MutationState("loading", variables=CALL, failure_count=1, failure_reason=BUSY),
        MutationState("success", data="done", variables=CALL),
    ]
    assert [(one.is_loading, one.is_success, one.is_error) for one in states[1:]] == [
        (True, False, False),
        (False, True, False),
    ]


def test_state_of_failure(queries: QueryClient) -> None:
    mutate = queries.mutation(Server("done", BUSY, GONE))
    mutate()
    with pytest.raises(NotFoundError):
        mutate(1, name="Ada")
    assert mutate.state == MutationState("error", error=GONE, variables=CALL, failure_count=2, failure_reason=GONE), (
        "nothing is left of the call before"
    )
    assert mutate.state.is_error


def test_latest_call(queries: QueryClient) -> None:
    """A reset or a later call takes the state over; a call that is still running does not change it any more."""
    blocking = BlockingFunction("late")
    mutate = queries.mutation(blocking)
    thread = Thread(mutate)
    assert blocking.started.wait(TIMEOUT)
    assert mutate.state.is_loading
    mutate.reset()
    assert mutate.state == MutationState("idle")
    blocking.release.set()
    assert thread.result == "late"
    assert mutate.state == MutationState("idle")


@pytest.mark.parametrize(
    ("retry", "slept"),
    [(0, []), (3, [1.0, 2.0, 4.0]), (RetryOptions(2, delay=lambda failures: failures + 0.5), [0.5, 1.5])],
)
def test_retry(queries: QueryClient, clock: FakeClock, retry: Any, slept: list[float]) -> None:
    with pytest.raises(ServerError):
        queries.mutation(server := Server(BUSY), retry=retry)()
    assert (len(server.calls), clock.slept) == (1 + len(slept), slept)


def test_arguments_of_callbacks(queries: QueryClient) -> None:
    log: list[Any] = []

    def write(name: str, result: Any = None) -> Callable[..., Any]:
        def callback(*args: Any) -> Any:
            log.append((name, *args))
            return result

        return callback

    mutate = queries.mutation(
        Server("done", GONE),
        on_mutate=write("mutate", "context"),
        on_success=write("success"),
        on_error=write("error"),
        on_settled=write("settled"),
        stores=write("stores", []),
        optimistic=write("optimistic", []),
        invalidates=write("invalidates", []),
    )
    mutate(1, name="Ada")
    first = [("mutate", CALL), ("optimistic", CALL)]
    assert log == [
        *first,
        ("stores", "done", CALL),
        ("success", "done", CALL, "context"),
        ("settled", "done", None, CALL, "context"),
        ("invalidates", CALL),
    ]
    log.clear()
    with pytest.raises(NotFoundError):
        mutate.mutate(1, name="Ada")
    assert log == [
        *first,
        ("error", GONE, CALL, "context"),
        ("settled", None, GONE, CALL, "context"),
        ("invalidates", CALL),
    ]


def append(*items: str) -> Callable[[Any], Any]:
    return lambda data: (*data, *items)


def prepare(queries: QueryClient) -> None:
    for key in (("a",), ("b",)):
        queries.set_data(key, ("base",))


def get_both(queries: QueryClient) -> list[Any]:
    return [queries.get_data(key) for key in (("a",), ("b",))]


def test_optimistic_success(queries: QueryClient) -> None:
    """The changes show during the call, stay after it, and others stay too."""
    prepare(queries)
    seen: list[Any] = []
    save = queries.mutation(
        lambda: seen.append(get_both(queries)),
        optimistic=lambda _: [(("a",), append("one")), (("b",), append("two"))],
    )
    other = queries.optimistic_update(("a",), append("other"))
    save()
    assert seen == [[("base", "other", "one"), ("base", "two")]]
    other.rollback()
    assert get_both(queries) == [("base", "one"), ("base", "two")]
    prepare(queries)
    assert get_both(queries) == [("base",), ("base",)], "new data has what the server has confirmed"


@pytest.mark.parametrize("error", [GONE, KeyboardInterrupt()], ids=["error", "interrupt"])
def test_optimistic_failure(queries: QueryClient, error: BaseException) -> None:
    """The changes are rolled back before the callbacks; what else has changed stays."""
    prepare(queries)
    seen: list[Any] = []
    other: list[Any] = []

    def function() -> None:
        other.append(queries.optimistic_update(("a",), append("other")))
        raise error

    save = queries.mutation(
        function,
        optimistic=lambda _: [(("a",), append("one")), (("b",), append("two"))],
        on_error=lambda *_: seen.append(get_both(queries)),
    )
    with pytest.raises(type(error)):
        save()
    assert get_both(queries) == [("base", "other"), ("base",)]
    assert seen == ([get_both(queries)] if error is GONE else [])
    other[0].rollback()
    assert get_both(queries) == [("base",), ("base",)]


def test_optimistic_key_fails(queries: QueryClient) -> None:
    """What had been changed before the error is rolled back."""
    prepare(queries)
    save = queries.mutation(server := Server(), optimistic=lambda _: [(("a",), append("one")), ("b", append("two"))])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="A query key is a tuple"):
        save()
    assert server.calls == []
    assert get_both(queries) == [("base",), ("base",)]


def test_callback_fails(queries: QueryClient) -> None:
    """The server has made the change, so it stays; the error is the callback's."""
    prepare(queries)
    save = queries.mutation(
        Server("done"),
        optimistic=lambda _: [(("a",), append("one"))],
        on_success=lambda *_: 1 / 0,
        invalidates=lambda _: [("b",)],
    )
    with pytest.raises(ZeroDivisionError):
        save()
    assert get_both(queries) == [("base", "one"), ("base",)]
    assert isinstance(save.state.error, ZeroDivisionError)
    assert is_stale(queries, "b")


def test_error_callback_fails(queries: QueryClient) -> None:
    """Its error is raised, and the state has the one that the function raised."""
    save = queries.mutation(Server(GONE), on_error=lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save()
    assert (save.state.status, save.state.error, save.state.failure_count) == ("error", GONE, 1)


def is_stale(queries: QueryClient, name: str) -> bool:
    state = queries.get_state((name,))
    assert state is not None
    return state.is_stale


def test_stores(queries: QueryClient) -> None:
    """The data is in the cache when `on_success` is called, and fresh."""
    seen: list[Any] = []
    save = queries.mutation(
        Server("saved"),
        stores=lambda data, call: [(("a",), data), (("b",), call.args)],
        on_success=lambda *_: seen.append(get_both(queries)),
    )
    save(1)
    assert seen == [["saved", (1,)]]
    assert not is_stale(queries, "a")


@pytest.mark.parametrize("result", ["done", GONE, KeyboardInterrupt()], ids=["success", "error", "interrupt"])
def test_invalidates(queries: QueryClient, result: Any) -> None:
    """Also after a failure: the server may have made the change all the same."""
    prepare(queries)
    save = queries.mutation(Server(result), invalidates=lambda call: [(call.args[0],)])
    if result == "done":
        save("a")
    else:
        with pytest.raises(type(result)):
            save("a")
    assert (is_stale(queries, "a"), is_stale(queries, "b")) == (True, False)


def test_closed(queries: QueryClient) -> None:
    save = queries.mutation(server := Server("done"))
    queries.close()
    with pytest.raises(ClientClosedError):
        save()
    assert (server.calls, save.state) == ([], MutationState("idle"))


def test_close_before_retry(queries: QueryClient, clock: FakeClock) -> None:
    """The call ends at once, with the error of the last attempt, and touches the cache no more."""
    invalidated: list[Any] = []

    def function() -> None:
        queries.close()
        raise BUSY

    save = queries.mutation(server := Server(function), retry=5, invalidates=lambda call: invalidated or [("a",)])
    with pytest.raises(ServerError):
        save()
    assert (len(server.calls), clock.slept, save.state.status) == (1, [], "error")


def test_secret_arguments(queries: QueryClient) -> None:
    """They reach the function as they are, and are masked where they might be shown."""
    login = queries.mutation(server := Server("done"))
    for call in (login, login.mutate):
        call(name="Ada", password="hush")
        assert server.calls[-1].kwargs == {"name": "Ada", "password": "hush"}
        assert "Ada" in repr(login.state)
        assert "hush" not in repr(login.state)


def test_unknown_option(queries: QueryClient) -> None:
    with pytest.raises(TypeError, match=r"^Unknown mutation option 'on_succes'$"):
        queries.mutation(Server(), retries=1, on_succes=print)  # type: ignore[call-arg]

"""Fetching, data, invalidation: `QueryClient` on one thread."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest

from duologue import ClientClosedError, NotFoundError, ServerError
from duologue.query import MISSING, QueryCancelledError, QueryClient, RetryOptions
from tests.query.fakes import Held, Later, Server, SteppedClock, Thread


def test_what_is_fresh_is_not_fetched_again(queries: QueryClient, clock: SteppedClock) -> None:
    server = Server("one", "two")
    assert [queries.fetch(("a",), server) for _ in range(3)] == ["one"] * 3
    clock.advance(299)
    assert queries.fetch(("a",), server) == "one"
    clock.advance(1)
    assert queries.fetch(("a",), server) == "two"


def test_keys_that_mean_the_same_are_one_query(queries: QueryClient) -> None:
    server = Server("one", "two")
    assert queries.fetch(("a", {"x": 1, "y": 2}), server) == queries.fetch(("a", {"y": 2, "x": 1}), server)
    assert queries.fetch(("a", {"x": True, "y": 2}), server) == "two"


def test_none_is_data(queries: QueryClient) -> None:
    server = Server(None)
    assert queries.fetch(("a",), server) is None
    assert queries.fetch(("a",), server) is None
    assert server.calls == 1
    assert queries.get_data(("a",), "nothing") is None


def test_failures_are_tried_again_after_1_2_4_seconds(queries: QueryClient, clock: SteppedClock) -> None:
    with pytest.raises(ServerError):
        queries.fetch(("a",), server := Server(ServerError(status=503)))
    assert (server.calls, clock.slept) == (4, [1.0, 2.0, 4.0])


def test_what_will_not_pass_is_not_tried_again(queries: QueryClient, clock: SteppedClock) -> None:
    with pytest.raises(NotFoundError):
        queries.fetch(("a",), server := Server(NotFoundError(status=404)))
    assert (server.calls, clock.slept) == (1, [])


@pytest.mark.parametrize(("failures", "wait"), [(0, 1), (1, 2), (4, 16), (5, 30), (5000, 30)])
def test_waits_double_up_to_thirty_seconds(failures: int, wait: float) -> None:
    assert RetryOptions(max_retries=10_000).get_delay(failures, ValueError()) == wait


def test_a_failed_refetch_keeps_the_data_and_sets_the_error(queries: QueryClient) -> None:
    failure = NotFoundError(status=404)
    server = Server("one", failure)
    queries.fetch(("a",), server)
    queries.refetch(("a",))
    state = queries.get_state(("a",))
    assert state is not None
    assert (state.status, state.data, state.error, state.fetch_status) == ("error", "one", failure, "idle")


def test_set_and_update(queries: QueryClient, clock: SteppedClock) -> None:
    assert queries.update_data(("a",), lambda old: old + 1) is None
    assert queries.get_state(("a",)) is None
    empty: list[int] = []
    assert queries.update_data(("a",), lambda old: [*old, 1], default=empty) == [1]
    assert queries.set_data(("a",), 5) == 5
    assert queries.update_data(("a",), lambda old: MISSING) == 5
    assert queries.fetch(("a",), Server("never")) == 5
    queries.set_data(("a",), 6, updated_at=clock.now() - timedelta(minutes=5))
    assert queries.fetch(("a",), Server(7)) == 7


def test_an_updater_that_raises_changes_nothing(queries: QueryClient) -> None:
    queries.set_data(("a",), 1)
    with pytest.raises(ZeroDivisionError):
        queries.update_data(("a",), lambda old: old / 0)
    assert queries.get_data(("a",)) == 1


def test_invalidated_data_is_fetched_when_next_asked_for(queries: QueryClient, later: Later) -> None:
    server = Server("one", "two")
    queries.fetch(("users", 1), server)
    queries.invalidate(("users",))
    assert (server.calls, later.jobs, queries.get_data(("users", 1))) == (1, [], "one")
    assert queries.fetch(("users", 1), server) == "two"


def test_an_invalidation_during_a_fetch_is_not_lost(queries: QueryClient) -> None:
    held = Held("read before")
    thread = Thread(lambda: queries.fetch(("a",), held))
    held.begun.wait()
    queries.invalidate(("a",))
    held.release.set()
    assert thread.result == "read before"
    assert queries.fetch(("a",), Server("read after")) == "read after"


def test_what_is_cancelled_returns_to_what_it_was(queries: QueryClient) -> None:
    queries.set_data(("a",), "old")
    held = Held("new")
    thread = Thread(lambda: queries.query(("a",), held).refetch())
    held.begun.wait()
    queries.set_data(("a",), "newer")
    queries.cancel(("a",))
    held.release.set()
    with pytest.raises(QueryCancelledError):
        _ = thread.result
    state = queries.get_state(("a",))
    assert state is not None
    assert (state.data, state.status, state.fetch_status) == ("newer", "success", "idle")


@pytest.mark.parametrize("how", ["remove", "clear", "clear_user_data", "reset", "close"])
def test_what_was_asked_for_before_does_not_come_back(queries: QueryClient, how: str) -> None:
    held = Held("stale")
    thread = Thread(lambda: queries.fetch(("a",), held))
    held.begun.wait()
    getattr(queries, how)()
    held.release.set()
    with pytest.raises(QueryCancelledError):
        _ = thread.result
    assert queries.get_data(("a",)) is None


def test_prefetch_and_revalidation_happen_in_the_background_once(
    queries: QueryClient, later: Later, clock: SteppedClock
) -> None:
    server = Server("one", "two")
    queries.prefetch(("a",), server)
    queries.prefetch(("a",), server)
    assert server.calls == 0
    later.run()
    assert (server.calls, queries.get_data(("a",))) == (1, "one")
    clock.advance(301)
    assert [queries.ensure(("a",), server, revalidate_if_stale=True) for _ in range(3)] == ["one"] * 3
    later.run()
    assert (server.calls, queries.get_data(("a",))) == (2, "two")


def test_a_background_fetch_that_nobody_began_is_made_by_who_waits_for_it(queries: QueryClient, later: Later) -> None:
    server = Server("one")
    queries.prefetch(("a",), server)
    assert queries.fetch(("a",), server) == "one"
    later.run()
    assert server.calls == 1


def test_data_nobody_observes_is_collected_after_ten_minutes(queries: QueryClient, clock: SteppedClock) -> None:
    queries.fetch(("a",), Server("one"), stale_time=float("inf"))
    clock.advance(599)
    assert queries.get_data(("a",)) == "one"
    clock.advance(1)
    assert queries.fetch(("a",), Server("two"), stale_time=float("inf")) == "two"
    clock.advance(601)
    assert len(queries) == 0


def test_collecting_costs_no_memory_however_often_a_query_is_fetched(queries: QueryClient) -> None:
    for number in range(100):
        queries.fetch(("a",), Server(number), stale_time=0)
    assert len(queries.cache._gc_heap) == 1


def test_the_longest_unused_makes_room(clock: SteppedClock, later: Later) -> None:
    with QueryClient(clock=clock, executor=later, max_entries=3) as queries:
        queries.observe(("seen",), Server("seen"))
        for name in ("a", "b"):
            queries.set_data((name,), name)
        queries.get_data(("a",))
        queries.set_data(("c",), "c")
        assert [queries.get_data((name,)) for name in ("a", "b", "c")] == ["a", None, "c"]
        assert len(queries) == 3


def test_many_at_once(queries: QueryClient) -> None:
    for number in range(3):
        queries.fetch(("n", number), Server(number, number + 10))
    queries.set_queries_data(("n",), lambda old: old + 100)
    assert queries.get_queries_data(("n",)) == [(("n", 0), 100), (("n", 1), 101), (("n", 2), 102)]
    queries.refetch(("n",))
    assert [data for _, data in queries.get_queries_data(("n",))] == [10, 11, 12]
    queries.remove(("n", 1))
    assert len(queries) == 2


def test_after_closing_there_is_nothing_more_to_be_had(queries: QueryClient) -> None:
    queries.close()
    with pytest.raises(ClientClosedError):
        queries.fetch(("a",), Server(1))
    queries.close()


@pytest.mark.parametrize("key", ["users", None, 5, {"users": 1}])
def test_a_key_is_a_tuple(queries: QueryClient, key: Any) -> None:
    with pytest.raises(TypeError, match="A query key is a tuple"):
        queries.get_data(key)


def test_an_option_that_is_not_there_is_refused(queries: QueryClient) -> None:
    with pytest.raises(TypeError):
        queries.fetch(("a",), Server(1), staletime=5)  # type: ignore[call-arg]


def test_a_function_that_asks_for_its_own_key_is_told_so(queries: QueryClient) -> None:
    def fetch() -> Any:
        return queries.fetch(("a",), fetch, retry=0)

    with pytest.raises(RuntimeError, match="requests its own result"):
        fetch()


def test_who_is_interrupted_leaves_no_fetch_behind(queries: QueryClient) -> None:
    with pytest.raises(KeyboardInterrupt):
        queries.fetch(("a",), Server(KeyboardInterrupt()))
    state = queries.get_state(("a",))
    assert state is not None
    assert state.fetch_status == "idle"
    assert queries.fetch(("a",), Server("one")) == "one"


def test_the_data_of_equal_answers_stays_the_same_object(queries: QueryClient) -> None:
    counter = itertools.count()
    one = queries.query(("a",), lambda: {"same": [1, 2], "other": next(counter)}).refetch()
    two = queries.query(("a",), lambda: {"same": [1, 2], "other": next(counter)}).refetch()
    assert two["other"] == 1
    assert two["same"] is one["same"]


def test_an_update_that_another_overtakes_is_made_again(queries: QueryClient) -> None:
    queries.set_data(("n",), 0)
    overtaken: list[int | None] = []

    def update(old: int) -> int:
        if not overtaken:
            overtaken.append(queries.update_data(("n",), lambda old: old + 10))
        return old + 1

    assert queries.update_data(("n",), update) == 11


def test_what_is_being_fetched_is_not_collected(queries: QueryClient) -> None:
    held = Held("late")
    thread = Thread(lambda: queries.fetch(("a",), held, cache_time=0))
    held.begun.wait()
    queries.set_data(("a",), "meanwhile")
    assert queries.fetch(("a",), Server("never"), cache_time=0) == "meanwhile"
    held.release.set()
    assert thread.result == "late"
    assert queries.get_data(("a",)) is None


def test_a_confirmed_update_leaves_nothing_behind(queries: QueryClient) -> None:
    queries.set_data(("a",), 1)
    with queries.optimistic_update(("a",), lambda data: data + 1):
        pass
    (entry,) = queries.cache.find_all(("a",))
    assert (entry.base, entry.patches) == (2, ())


def test_what_was_asked_for_before_an_update_was_confirmed_does_not_undo_it(queries: QueryClient) -> None:
    queries.set_data(("a",), 1)
    update = queries.optimistic_update(("a",), lambda data: data + 100)
    held = Held(1)
    thread = Thread(lambda: queries.query(("a",), held).refetch())
    held.begun.wait()
    update.commit()
    held.release.set()
    assert thread.result == 101
    assert queries.query(("a",), Server(101)).refetch() == 101


def test_an_answer_that_comes_after_the_user_has_left_is_not_kept(queries: QueryClient) -> None:
    held = Held("secret")
    save = queries.mutation(held, stores=lambda data, _: [(("a",), data)])
    thread = Thread(save)
    held.begun.wait()
    queries.clear_user_data()
    held.release.set()
    assert thread.result == "secret"
    assert queries.get_data(("a",)) is None

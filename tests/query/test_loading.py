from __future__ import annotations

import pytest

from duologue import NotFoundError, ServerError
from duologue.compat import LoadingState, RetryableCall
from duologue.compat.loading import Loading
from tests.query.fakes import Held, Server, SteppedClock, Thread


def test_a_call_and_its_states() -> None:
    seen: list[Loading[str]] = []
    failure = NotFoundError(status=404)
    call = LoadingState(Server("one", failure), seen.append)
    assert call.execute() == "one"
    with pytest.raises(NotFoundError):
        call.execute()
    call.reset()
    assert seen == [
        Loading(None, is_loading=True),
        Loading("one"),
        Loading("one", is_loading=True),
        Loading("one", error=failure),
        Loading(),
    ]
    assert call.state.loading is False


def test_what_comes_of_a_call_after_a_reset_is_not_looked_at() -> None:
    held = Held("late")
    call = LoadingState(held)
    thread = Thread(call.execute)
    held.begun.wait()
    assert call.state.is_loading
    call.reset()
    held.release.set()
    assert thread.result == "late"
    assert call.state == Loading()


def test_a_call_is_tried_again_with_doubling_waits_and_then_given_up(clock: SteppedClock) -> None:
    call = RetryableCall(server := Server(ServerError(status=503)), clock=clock)
    with pytest.raises(ServerError):
        call.execute_with_retry()
    assert (server.calls, clock.slept, call.retry_count) == (4, [1.0, 2.0, 4.0], 3)


def test_success_forgets_the_failures(clock: SteppedClock) -> None:
    call = RetryableCall(Server(ServerError(status=503), "one"), max_retries=1, clock=clock)
    assert call() == "one"
    assert call.retry_count == 0


@pytest.mark.parametrize("error", [NotFoundError(status=404), ValueError()])
def test_what_does_not_say_that_it_may_pass_is_not_tried_again(error: Exception, clock: SteppedClock) -> None:
    with pytest.raises(type(error)):
        RetryableCall(server := Server(error), clock=clock)()
    assert server.calls == 1

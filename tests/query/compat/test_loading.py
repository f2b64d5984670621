from __future__ import annotations

import pytest

from duologue import NotFoundError, ServerError
from duologue.compat.loading import Loading, LoadingState, RetryableCall
from tests.query.fakes import BlockingFunction, FakeClock, FakeFunction, Thread


def test_loading_states() -> None:
    states: list[Loading[str]] = []
    failure = NotFoundError(status=404)
    call = LoadingState(FakeFunction("one", failure), states.append)
    assert call.execute() == "one"
    with pytest.raises(NotFoundError):
        call.execute()
    call.reset()
    assert states == [
        Loading(None, is_loading=True),
        Loading("one"),
        Loading("one", is_loading=True),
        Loading("one", error=failure),
        Loading(),
    ]
    assert call.state.loading is False


def test_reset_while_loading() -> None:
    blocking = BlockingFunction("late")
    call = LoadingState(blocking)
    thread = Thread(call.execute)
    blocking.started.wait()
    assert call.state.is_loading
    call.reset()
    blocking.release.set()
    assert thread.result == "late"
    assert call.state == Loading()


def test_retry_delays(clock: FakeClock) -> None:
    call = RetryableCall(server := FakeFunction(ServerError(status=503)), clock=clock)
    with pytest.raises(ServerError):
        call.execute_with_retry()
    assert (server.calls, clock.slept, call.retry_count) == (4, [1.0, 2.0, 4.0], 3)


def test_success_resets_retry_count(clock: FakeClock) -> None:
    call = RetryableCall(FakeFunction(ServerError(status=503), "one"), max_retries=1, clock=clock)
    assert call() == "one"
    assert call.retry_count == 0


@pytest.mark.parametrize("error", [NotFoundError(status=404), ValueError()])
def test_not_retryable(error: Exception, clock: FakeClock) -> None:
    with pytest.raises(type(error)):
        RetryableCall(server := FakeFunction(error), clock=clock)()
    assert server.calls == 1

"""What steers one namespace: its stubs, journal, scenarios, settings; and what a reset puts back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from duologue_mock.control.realtime.realtime_control import RealtimeControl
from duologue_mock.control.state.snapshots import Snapshots
from duologue_mock.control.state.starting_point import StartingPoint
from duologue_mock.control.watching.recorder import Recorder
from duologue_mock.http.messages import Request, Response
from duologue_mock.settings import Settings
from duologue_mock.store import State


class NamespaceControl:
    """What steers one namespace. It is the namespace's `Interceptor`.

    Args:
        settings: of the mock.
        state: the namespace's data.
        start: what a reset returns to.
        sleep: waits a number of seconds without blocking other requests.
    """

    def __init__(
        self,
        settings: Settings,
        state: State,
        start: StartingPoint,
        sleep: Callable[[float], None],
    ) -> None:
        self.settings = settings
        self.state = state
        self.sleep = sleep
        self.start = start
        self.snapshots = Snapshots(state)
        self.recorder = Recorder(settings, state, sleep)
        self.journal = self.recorder.journal
        self.events = self.recorder.events
        self.realtime = RealtimeControl(
            state.clock,
            self.events,
            self.recorder.renderer.redact,
            sleep,
            seed=settings.values["seed"],
            max_messages=settings.values["journal"] or 0,
        )

    def respond(self, request: Request, perform: Callable[[], Response]) -> Response:
        """Return the response to a request.

        Args:
            request: the request, its body read.
            perform: returns the mock's own response; the operation is done by calling it.
        """
        return perform()

    def record(self, request: Request, response: Response, headers: Sequence[tuple[str, str]]) -> None:
        """Record a request and its response, as it is about to be sent.

        Args:
            request: the request.
            response: its response.
            headers: all headers of the response.
        """
        self.recorder.record(request, response, headers)

    def stop(self) -> None:
        """End what waits, as the server stops; it may start again."""
        self.recorder.end_waiting()
        self.realtime.waiters.close()

    def close(self) -> None:
        """Release what outlives a request, as the namespace is dropped."""
        self.recorder.close()
        self.realtime.waiters.close()

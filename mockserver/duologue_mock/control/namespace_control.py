"""What steers one namespace: its stubs, journal, scenarios, settings; and what a reset puts back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from duologue_mock.control.global_settings import GlobalSettings
from duologue_mock.control.journal.budget import Budget
from duologue_mock.control.realtime.realtime_control import RealtimeControl
from duologue_mock.control.responses.waiting import Waiter
from duologue_mock.control.state.snapshots import Snapshots
from duologue_mock.control.state.starting_point import StartingPoint
from duologue_mock.control.steering import Steering
from duologue_mock.control.stubs.mapping import StubMapping
from duologue_mock.control.stubs.mapping_files import MappingFolder
from duologue_mock.control.stubs.stubs import Stubs
from duologue_mock.control.watching.recorder import Recorder
from duologue_mock.errors import HTTPError
from duologue_mock.http.messages import Request, Response
from duologue_mock.settings import Settings
from duologue_mock.store import State


class NamespaceControl:
    """What steers one namespace. It is the namespace's `Interceptor`.

    Args:
        name: the namespace's.
        settings: of the mock.
        state: the namespace's data.
        start: what a reset returns to.
        sleep: waits a number of seconds without blocking other requests.
        error_response: builds the response that reports an error.
        mapping_folder: the folder of stubs that it starts with; None for none.
        journal_budget: the memory of the journals of all namespaces; None for one of its own.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        state: State,
        start: StartingPoint,
        sleep: Callable[[float], None],
        *,
        error_response: Callable[[HTTPError, Request], Response],
        mapping_folder: MappingFolder | None = None,
        journal_budget: Budget | None = None,
    ) -> None:
        self.settings = settings
        self.state = state
        self.sleep = sleep
        self.start = start
        self.snapshots = Snapshots(state)
        self.recorder = Recorder(settings, state, sleep, journal_budget)
        self.journal = self.recorder.journal
        self.events = self.recorder.events
        seed = settings.values["seed"]
        self.realtime = RealtimeControl(
            state.clock,
            self.events,
            self.journal.budget,
            self.recorder.renderer.redact,
            sleep,
            self.recorder.coverage.count_event,
            seed=seed,
            namespace=name,
            max_messages=settings.values["journal"] or 0,
        )
        self.stubs = Stubs(state.clock, seed, name)
        self.global_settings = GlobalSettings.from_latency(settings.values["latency"])
        self.initial_global_settings = self.global_settings.to_json()
        self.preset_global_settings: tuple[Mapping[str, Any], Mapping[str, Any]] | None = None
        """The JSON of the global settings before a preset was applied, and with it; None if none was."""
        self._waiter = Waiter(sleep)
        self._steering = Steering(
            self.stubs, self.global_settings, seed=seed, sleep=sleep, waiter=self._waiter, error_response=error_response
        )
        self.steers = self._steering.steers
        self.respond = self._steering.respond
        self.record = self.recorder.record
        self._mapping_folder = mapping_folder
        self._initial_stubs = () if mapping_folder is None else mapping_folder.stubs
        self.stubs.reset(self._initial_stubs)

    def check_stubs(self, added: Sequence[StubMapping], *, keeps_persistent: bool) -> None:
        """Check that stubs fit besides those that a reset leaves; nothing is changed.

        Args:
            added: the stubs.
            keeps_persistent: whether persistent stubs stay.

        Raises:
            ControlError: there is no room (422).
        """
        self.stubs.check_reset(self._initial_stubs, added, keeps_persistent=keeps_persistent)

    def reset_stubs(self) -> None:
        """Return to the stubs of the start and the persistent ones, and put the scenarios back."""
        self.stubs.reset(self._initial_stubs)
        self._steering.reset()

    def save_stubs(self) -> None:
        """Make all stubs persistent, and write them to the folder that the namespace started with, if any.

        Raises:
            MappingFileError: a file cannot be written; the stubs stay as they are.
        """
        stubs = [stub.as_persistent() for stub in self.stubs.list_by_age()]
        if self._mapping_folder is not None:
            current = {stub.id for stub in stubs}
            removed = [stub.id for stub in self._initial_stubs if stub.id not in current]
            self._mapping_folder.save(stubs, removed)
            self._initial_stubs = tuple(stubs)
        self.stubs.make_persistent()

    def stop(self) -> None:
        """End what waits, as the server stops; it may start again."""
        self.recorder.end_waiting()
        self._waiter.end_waiting()
        self.realtime.waiters.close()

    def close(self) -> None:
        """Release what outlives a request, as the namespace is dropped."""
        self.recorder.close()
        self.realtime.close()
        self._waiter.end_waiting()

"""What the control API steers beyond one namespace: the whole mock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from duologue_mock.control.state.presets import Presets
from duologue_mock.control.state.starting_point import StartingPoint
from duologue_mock.http.namespaces import Namespaces
from duologue_mock.settings import Settings


def _call(function: Callable[[], Any]) -> Any:
    return function()


@dataclass(frozen=True)
class ControlServer:
    """What steers a whole mock.

    Args:
        settings: of the mock.
        namespaces: its namespaces.
        start: what a namespace starts with.
        presets: the presets that it can be put at.
        shut_down: ends the server after the requests in flight; None if that is not possible.
        is_ready: whether it has its data.
        run_in_thread: runs a function that takes long without blocking other requests.
    """

    settings: Settings
    namespaces: Namespaces
    start: StartingPoint
    presets: Presets
    shut_down: Callable[[], None] | None = None
    is_ready: Callable[[], bool] = lambda: True
    run_in_thread: Callable[[Callable[[], Any]], Any] = _call

"""What the control API steers beyond one namespace: the whole mock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from duologue_mock.http.namespaces import Namespaces
from duologue_mock.settings import Settings


@dataclass(frozen=True)
class ControlServer:
    """What steers a whole mock.

    Args:
        settings: of the mock.
        namespaces: its namespaces.
        shut_down: ends the server after the requests in flight; None if that is not possible.
    """

    settings: Settings
    namespaces: Namespaces
    shut_down: Callable[[], None] | None = None

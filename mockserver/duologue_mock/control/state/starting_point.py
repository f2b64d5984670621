"""What a namespace starts with, and what a reset returns it to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from duologue_mock.control.realtime.message_mappings import MessageMapping
from duologue_mock.control.stubs.mapping import StubMapping
from duologue_mock.settings import Settings
from duologue_mock.store.clock import ClockSetting
from duologue_mock.store.state import Capture


@dataclass(frozen=True)
class StartingPoint:
    """What a namespace starts with.

    Args:
        capture: its data.
        settings: its settings.
        clock: how its clock is set.
        now: the time that its clock shows instead; None for that of `clock`.
        is_frozen: whether its clock stands still.
        stubs: stubs that it has besides those of the mock, of which the first is tried first.
        message_mappings: message mappings that it has, of which the first is tried first.
        global_settings: the JSON of its global settings; None where they stay as they are.
        preset: the preset that this comes from; None for what the mock was started with.
    """

    capture: Capture
    settings: Settings
    clock: ClockSetting = field(default_factory=ClockSetting)
    now: datetime | None = None
    is_frozen: bool = False
    stubs: tuple[StubMapping, ...] = ()
    message_mappings: tuple[MessageMapping, ...] = ()
    global_settings: Mapping[str, Any] | None = None
    preset: str | None = None

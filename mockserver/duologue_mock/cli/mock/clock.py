"""`duologue mock clock`: the mock's time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from duologue_mock.cli.mock.command import control_command
from duologue_mock.cli.mock.parameters import DurationType, TimeType
from duologue_mock.cli.mock.terminal import Terminal

if TYPE_CHECKING:
    from duologue_mock.control_client.control import MockControl


@click.group()
def clock() -> None:
    """Show the mock's clock, or set it: tokens, limits and timestamps obey it."""


@control_command("show", "duologue mock clock show", group=clock)
def show(control: MockControl, terminal: Terminal) -> None:
    """Show what time it is there."""
    _show(terminal, control.clock.now(), frozen=control.clock.is_frozen())


@control_command("advance", "duologue mock clock advance 15m", "duologue mock clock advance 1h30m", group=clock)
@click.argument("duration", type=DurationType())
def advance(control: MockControl, terminal: Terminal, duration: timedelta) -> None:
    """Advance the clock; what came due meanwhile has happened then.

    DURATION has units: d, h, m, s, ms.
    """
    _show(terminal, control.clock.advance(duration))


@control_command("set", "duologue mock clock set 2026-03-01T09:00:00Z", group=clock)
@click.argument("time", type=TimeType())
def set_time(control: MockControl, terminal: Terminal, time: datetime) -> None:
    """Set the time."""
    _show(terminal, control.clock.set(time))


@control_command("freeze", "duologue mock clock freeze", group=clock)
@click.argument("time", type=TimeType(), required=False)
def freeze(control: MockControl, terminal: Terminal, time: datetime | None) -> None:
    """Stop the clock, at TIME or at the present one."""
    _show(terminal, control.clock.freeze(time), frozen=True)


@control_command("unfreeze", "duologue mock clock unfreeze", group=clock)
def unfreeze(control: MockControl, terminal: Terminal) -> None:
    """Let the clock go on from the time that it shows."""
    _show(terminal, control.clock.unfreeze())


@control_command("reset", "duologue mock clock reset", group=clock)
def reset(control: MockControl, terminal: Terminal) -> None:
    """Go back to this machine's time."""
    _show(terminal, control.clock.reset())


def _show(terminal: Terminal, now: datetime, *, frozen: bool = False) -> None:
    text = now.isoformat(timespec="milliseconds")
    terminal.show({"now": text, "frozen": frozen}, f"It is {text}{', and stays so' if frozen else ''}.")

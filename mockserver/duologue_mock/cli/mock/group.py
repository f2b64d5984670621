"""The group of all commands that steer a running mock."""

from __future__ import annotations

import click

from duologue_mock.cli.mock import clock, journal, realtime, state, stubs

_COMMANDS: tuple[click.Command, ...] = (
    stubs.stub,
    stubs.stubs,
    stubs.unstub,
    stubs.offline,
    stubs.online,
    journal.requests,
    journal.violations,
    journal.coverage,
    clock.clock,
    realtime.channels,
    realtime.emit,
    realtime.notify,
    state.namespace,
    state.preset,
    state.reset,
    state.snapshot,
)


@click.group(
    epilog="\b\nExamples:\n  duologue mock stub users.LIST --status 503 --times 2\n  duologue mock requests --follow\n"
    "  duologue mock clock advance 15m",
)
def mock() -> None:
    """Steer, break and inspect a mock server that is running.

    All commands take --url (or DUOLOGUE_MOCK_URL), --namespace (or DUOLOGUE_MOCK_NAMESPACE), --token (or
    DUOLOGUE_MOCK_ADMIN_TOKEN) and --json.
    """


for _command in _COMMANDS:
    mock.add_command(_command)

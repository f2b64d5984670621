"""`duologue mock reset`, `snapshot`, `preset`, `namespace`: the state of the mock as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from duologue_mock.cli.mock.command import control_command
from duologue_mock.cli.mock.terminal import Terminal

if TYPE_CHECKING:
    from duologue_mock.control_client.control import MockControl


@control_command("reset", "duologue mock reset")
def reset(control: MockControl, terminal: Terminal) -> None:
    """Put the namespace back as it was after start: data, logins, clock, journal, stubs, settings.

    Stubs that are persistent stay.
    """
    control.reset()
    terminal.show({}, f"Namespace {control.name} is as after start.")


@control_command("preset", "duologue mock preset expired-session")
@click.argument("name")
def preset(control: MockControl, terminal: Terminal, name: str) -> None:
    """Put the namespace into a named starting point.

    NAME is empty, large, expired-session, ai-down, rate-limited, slow, flaky, offline, or one of your own.
    """
    control.preset(name)
    terminal.show({}, f"Namespace {control.name} is in preset {name}.")


@click.group()
def snapshot() -> None:
    """Save data, logins and clock, and go back to them."""


@control_command("save", "duologue mock snapshot save before", group=snapshot)
@click.argument("name")
def save(control: MockControl, terminal: Terminal, name: str) -> None:
    """Take a snapshot, in place of one that has the name already."""
    control.snapshots.save(name)
    terminal.show({"name": name}, f"Snapshot {name} is saved.")


@control_command("restore", "duologue mock snapshot restore before", group=snapshot)
@click.argument("name")
def restore(control: MockControl, terminal: Terminal, name: str) -> None:
    """Go back to a snapshot."""
    control.snapshots.restore(name)
    terminal.show({"name": name}, f"Snapshot {name} is restored.")


@control_command("list", "duologue mock snapshot list", group=snapshot)
def list_snapshots(control: MockControl, terminal: Terminal) -> None:
    """List the snapshots."""
    names = control.snapshots.names()
    terminal.show(names, "\n".join(names) or "There are no snapshots.")


@control_command("diff", "duologue mock snapshot diff before", group=snapshot)
@click.argument("name")
def diff(control: MockControl, terminal: Terminal, name: str) -> None:
    """Show what has been added, removed and changed since a snapshot."""
    difference = control.snapshots.diff(name)
    if terminal.as_json:
        terminal.print_json(difference)
        return
    rows = [
        (change, resource, str(each))
        for change in ("added", "removed", "changed")
        for resource, ids in (difference.get(change) or {}).items()
        for each in ids
    ]
    if rows:
        terminal.table(("change", "resource", "id"), rows)
    else:
        terminal.print("Nothing has changed.")


@control_command("delete", "duologue mock snapshot delete before", group=snapshot)
@click.argument("name")
def delete(control: MockControl, terminal: Terminal, name: str) -> None:
    """Delete a snapshot."""
    control.snapshots.delete(name)
    terminal.show({}, f"Snapshot {name} is deleted.")


@click.group()
def namespace() -> None:
    """Mocks of their own behind one address, for tests that run at the same time."""


@control_command("list", "duologue mock namespace list", group=namespace)
def list_namespaces(control: MockControl, terminal: Terminal) -> None:
    """List the namespaces."""
    names = control.namespaces()
    if terminal.as_json:
        terminal.print_json(names)
    else:
        terminal.table(("name", "base URL"), [(name, control.namespace(name).base_url) for name in names])


@control_command("create", "duologue mock namespace create w1 --preset empty", group=namespace)
@click.argument("name")
@click.option("--preset", "preset_name", help="Named starting point.")
def create(control: MockControl, terminal: Terminal, name: str, preset_name: str | None) -> None:
    """Create a namespace, in place of one that exists."""
    created = control.namespace(name)
    created.create(preset=preset_name)
    terminal.show({"name": name, "base_url": created.base_url}, f"Namespace {name} is at {created.base_url}.")


@control_command("delete", "duologue mock namespace delete w1", group=namespace)
@click.argument("name")
def delete_namespace(control: MockControl, terminal: Terminal, name: str) -> None:
    """Delete a namespace with all that is in it."""
    control.namespace(name).drop()
    terminal.show({}, f"Namespace {name} is deleted.")

"""The `duologue` command; its parts are found through the entry points of `duologue.commands`."""

from __future__ import annotations

from importlib.metadata import entry_points


def main() -> None:
    """Run the command."""
    import click

    group = click.Group("duologue")
    for entry in entry_points(group="duologue.commands"):
        group.add_command(entry.load(), entry.name)
    group()


if __name__ == "__main__":
    main()

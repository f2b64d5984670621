"""The group of all subcommands, found through the entry points `duologue.commands` of this distribution.

A subcommand is loaded when it is run or when help lists it; `duologue serve` never imports the client.
"""

from __future__ import annotations

from functools import cached_property
from importlib import metadata

import click

from duologue._version import __version__

ENTRY_POINTS = "duologue.commands"

_HEADINGS = {"duologue": "Client commands", "duologue_mock": "Mock server commands"}
"""What help lists the commands of a package under."""


class CommandGroup(click.Group):
    """A group whose members are entry points; one that cannot be loaded is listed with what it needs."""

    @cached_property
    def _entry_points(self) -> dict[str, metadata.EntryPoint]:
        try:
            distribution = metadata.distribution("duologue")
        except metadata.PackageNotFoundError:  # run from a checkout that was never installed
            return {}
        return {point.name: point for point in distribution.entry_points if point.group == ENTRY_POINTS}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all subcommands, those that cannot be loaded included."""
        return sorted({*super().list_commands(ctx), *self._entry_points})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a subcommand, loaded now; None if there is none of that name."""
        point = self._entry_points.get(cmd_name)
        return super().get_command(ctx, cmd_name) if point is None else _load(point)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what stands before the subcommand's name; an option of a subcommand is not expected there."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            hint = f"Options follow the command: duologue COMMAND {error.option_name} …"
            raise click.UsageError(f"{error.format_message()}\n{hint}", ctx) from None

    def invoke(self, ctx: click.Context) -> object:
        """Run a subcommand; if a package is missing, say which extra of this distribution has it."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as missing:
            point = self._entry_points.get(ctx.invoked_subcommand or "")
            if point is None or (missing.name or "").startswith("duologue"):
                raise
            click.echo(f"duologue: This command needs {_format_extra(point, missing)}", err=True)
            raise SystemExit(2) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the subcommands, grouped by the package that has them."""
        sections: dict[str, list[tuple[str, str]]] = {}
        names = self.list_commands(ctx)
        limit = formatter.width - 6 - max(map(len, names), default=0)
        for name in names:
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                sections.setdefault(self._get_heading(name), []).append((name, command.get_short_help_str(limit)))
        for heading, rows in sorted(sections.items()):
            with formatter.section(heading):
                formatter.write_dl(rows)

    def _get_heading(self, name: str) -> str:
        point = self._entry_points.get(name)
        return _HEADINGS.get(point.module.partition(".")[0] if point else "", "Other commands")


def _load(point: metadata.EntryPoint) -> click.Command:
    try:
        command: click.Command = point.load()
    except ModuleNotFoundError as missing:
        return _build_substitute(point, missing)
    return command


def _build_substitute(point: metadata.EntryPoint, missing: ModuleNotFoundError) -> click.Command:
    """Return a command that says which extra the real one needs."""
    sentence = f"Not available: it needs {_format_extra(point, missing)}"

    @click.command(
        point.name,
        help=sentence,
        short_help=sentence,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
    def explain() -> None:
        click.echo(f"duologue {point.name} is {sentence[0].lower()}{sentence[1:]}", err=True)
        raise SystemExit(2)

    return explain


def _format_extra(point: metadata.EntryPoint, missing: ModuleNotFoundError) -> str:
    extra = point.extras[0] if point.extras else "all"
    return f"{missing.name}. Install it with: pip install 'duologue[{extra}]'"


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="duologue")
def commands() -> None:
    """A typed API client and the mock backend it talks to: users, login, chats, smart chat, Realtime."""

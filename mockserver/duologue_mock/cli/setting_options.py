"""The options of `duologue serve` that the declarations of the settings become."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from duologue.contract.options import DeclaredOption
from duologue_mock.settings import SETTINGS

F = TypeVar("F", bound=Callable[..., Any])


def add_setting_options(command: F) -> F:
    """Add an option, with its environment variable, for each setting that has a flag."""
    for declared in reversed(tuple(SETTINGS.values())):
        if declared.flags:
            command = _build_option(declared)(command)
    return command


def _build_option(declared: DeclaredOption) -> Callable[[F], F]:
    flags = declared.flags
    switch = declared.kinds[0] is bool
    if switch:  # so that the command line can switch off what an environment variable switches on
        flags = tuple(f"{flag}/--no-{flag.removeprefix('--')}" for flag in flags)
    return click.option(
        *flags,
        declared.name,
        type=bool if switch else _DeclaredType(declared),
        multiple=declared.repeatable,
        default=declared.option.default,
        show_default=declared.default_text or False if declared.option.default is None else bool(declared.default_text),
        envvar=declared.env,
        show_envvar=True,
        metavar=None if switch else declared.option.metavar or _build_metavar(declared),
        help=declared.option.doc.replace("`", "") + (" Repeat it for more." if declared.repeatable else ""),
        callback=_build_validator(declared),
    )


def _build_metavar(declared: DeclaredOption) -> str:
    name = "NUMBER" if declared.is_number else "TEXT"
    return f"{name}|off" if declared.is_number and declared.nullable else name


def _build_validator(declared: DeclaredOption) -> Callable[[click.Context, click.Parameter, Any], Any]:
    def validate(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
        try:
            declared.validate(value)
        except ValueError as error:
            raise click.BadParameter(str(error), ctx, param) from None
        return value

    return validate


class _DeclaredType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """Parses a value as its declaration says: one after another on the command line, with commas in a variable."""

    def __init__(self, declared: DeclaredOption) -> None:
        self.name = declared.name
        self._declared = declared

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value that a text stands for."""
        if not isinstance(value, str) or self._declared.repeatable:
            return value
        try:
            return self._declared.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        """Return the values of an environment variable."""
        values: Sequence[str] = self._declared.parse(rv)
        return values

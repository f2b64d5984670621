"""`duologue.toml`: options of a command in a file, by the names of their environment variables."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from duologue_mock.settings import SETTINGS

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_FILE = "duologue.toml"
_PREFIX = "DUOLOGUE_MOCK_"
_SERVE_ONLY = frozenset({"port", "chat_port", "host", "quiet", "watch"})
"""Options of `duologue serve` that other commands pass over: the file is for all of them."""


def add_config_option(command: F) -> F:
    """Add `--config`, which reads a file with values for the command's other options.

    A flag beats an environment variable, which beats the file, which beats the default.
    """
    return click.option(
        "--config",
        type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
        is_eager=True,
        expose_value=False,
        envvar=f"{_PREFIX}CONFIG",
        show_envvar=True,
        metavar="FILE",
        help=f"File with values for these options.  [default: {DEFAULT_FILE} in this folder, if there is one]",
        callback=_read_config,
    )(command)


def _read_config(ctx: click.Context, param: click.Parameter, path: Path | None) -> None:
    if path is None:
        path = Path(DEFAULT_FILE)
        if not path.is_file():
            return
    ctx.meta[__name__] = path
    ctx.default_map = {**(ctx.default_map or {}), **_load(ctx, path)}


def get_config_file(ctx: click.Context) -> Path | None:
    """Return the file that the options of a command have been read from, None if there is none."""
    return ctx.meta.get(__name__)


def _load(ctx: click.Context, path: Path) -> dict[str, Any]:
    """Return the values of a file by the names of the command's parameters.

    Raises:
        click.UsageError: it is not TOML, names an option that does not exist, or has an invalid value.
    """
    try:
        text = path.read_text("utf-8")
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise click.UsageError(f"{path}: {error}", ctx) from None
    options = {_get_name(one): one for one in ctx.command.params if isinstance(one, click.Option) and one.envvar}
    del options["config"]
    values: dict[str, Any] = {}
    for name, value in document.items():
        place = f"{path}, line {_find_line(text, name)}"
        if name not in options and name in _SERVE_ONLY:
            continue
        if name not in options:
            raise click.UsageError(f"{place}: there is no option {name!r}; {_suggest(name, options)}", ctx)
        option = options[name]
        try:
            values[str(option.name)] = _check(ctx, option, _resolve_path(name, value, path.parent))
        except (ValueError, click.BadParameter) as error:
            message = error.message if isinstance(error, click.BadParameter) else str(error)
            raise click.UsageError(f"{place}: {_name_option(name, message)}", ctx) from None
    return values


def _get_name(option: click.Option) -> str:
    """Return an option's name in the file: that of its environment variable, without the prefix."""
    return str(option.envvar).removeprefix(_PREFIX).removeprefix("DUOLOGUE_").lower()


def _check(ctx: click.Context, option: click.Option, value: Any) -> Any:
    if isinstance(option.type, click.types.BoolParamType) and not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {value!r}")
    if option.multiple and not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
        raise ValueError(f"must be a list of texts, not {value!r}")
    if isinstance(value, dict | list) and not option.multiple:
        raise ValueError(f"must be one value, not {value!r}")
    if isinstance(option.type, click.IntRange) and not (isinstance(value, int) and not isinstance(value, bool)):
        raise ValueError(f"must be a whole number, not {value!r}")
    option.process_value(ctx, value)
    return value


def _resolve_path(name: str, value: Any, folder: Path) -> Any:
    """Return a path as it is meant: from where the file is, not from where the command was started."""
    if name in SETTINGS and Path in SETTINGS[name].kinds:
        if not isinstance(value, str):
            raise ValueError(f"must be a path, not {value!r}")
        return str(folder / value)
    return value


def _find_line(text: str, name: str) -> int:
    """Return the number of the line that sets a value at the top of a file, or opens its table."""
    pattern = re.compile(rf"""\s*(?:\[\[?\s*)?["']?{re.escape(name)}["']?\s*[=.\]]""")
    return next((number for number, line in enumerate(text.splitlines(), 1) if pattern.match(line)), 1)


def _suggest(name: str, options: Mapping[str, Any]) -> str:
    nearest = difflib.get_close_matches(name, options, n=3)
    return f"did you mean {' or '.join(nearest)}?" if nearest else f"there are {', '.join(sorted(options))}"


def _name_option(name: str, message: str) -> str:
    return message if message.startswith(name) else f"{name} {message}"

"""What a command prints: tables and sentences for people, or JSON for scripts; nothing that could steer a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

_JOINER = "\u200d"
"""Joins emoji; invisible, but harmless."""

_UNBOUNDED = 10_000
"""Columns of an output that is no terminal: there a line that is broken, or cut, helps nobody."""


def safe(text: str, *, lines: bool = False) -> str:
    """Return text of a server's making so that it cannot steer a terminal: what does not print is shown escaped.

    Args:
        text: the text.
        lines: leave line feeds and tabs as they are.
    """
    return "".join(char if _harmless(char, lines) else _escaped(char) for char in text)


def _harmless(char: str, lines: bool) -> bool:
    return char.isprintable() or char == _JOINER or (lines and char in "\n\t")


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "backslashreplace").decode("ascii")


class Terminal:
    """The standard output of one command.

    Args:
        as_json: print JSON and nothing else.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        for stream in (sys.stdout, sys.stderr):  # a terminal that knows no umlauts is no reason to fail
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")

    @cached_property
    def console(self) -> Console:
        """rich's view of the standard output: no colours, and no limit to a line, unless it is a terminal."""
        from rich.console import Console

        width = None if sys.stdout.isatty() else _UNBOUNDED
        return Console(file=sys.stdout, width=width, markup=False, emoji=False, highlight=False)

    def print_json(self, value: object, *, line: bool = False) -> None:
        """Print a JSON document, on one line if it is one of many. It is ASCII, so that it steers no terminal."""
        self._print(json.dumps(value, indent=None if line else 2))

    def print(self, sentence: str) -> None:
        """Print a sentence for people; scripts are spared."""
        if not self.as_json:
            self._print(safe(sentence))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a table; every cell may be of the server's making."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(*columns, box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
        for row in rows:
            table.add_row(*(Text(safe(cell), overflow="fold") for cell in row))
        self.console.print(table)

    def fields(self, fields: dict[str, str]) -> None:
        """Print names and values under each other."""
        width = max(map(len, fields)) + 2
        for name, value in fields.items():
            self._print(f"{name:<{width}}{safe(value)}")

    def text(self, text: str, *, indent: str = "") -> None:
        """Print a text of several lines."""
        for line in safe(text, lines=True).split("\n"):
            self._print(indent + line)

    def write(self, text: str) -> None:
        """Print a piece of a text at once, without ending the line."""
        self._print(safe(text, lines=True), end="")

    @contextmanager
    def spinner(self, what: str) -> Iterator[None]:
        """Show that something is awaited, if somebody is there to see it."""
        if self.as_json or not sys.stdout.isatty():
            yield
            return
        with self.console.status(what):
            yield

    def _print(self, text: str, end: str = "\n") -> None:
        """Write now, so that a pipe that has closed is noticed here, where click knows what to do about it."""
        sys.stdout.write(text + end)
        sys.stdout.flush()


def interactive(stream: TextIO) -> bool:
    """Tell whether a person is at the other end."""
    return not stream.closed and stream.isatty()


def to_json(operation: Any, model: object) -> object:
    """Return what a successful call answers, as its `data` or its whole body stands on the wire."""
    return None if operation.response is None else operation.response.dump(model)

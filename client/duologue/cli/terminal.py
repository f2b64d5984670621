"""What a command prints: tables and sentences for people, or JSON for scripts; no control characters of a server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from rich.console import Console

    from duologue.errors import APIError

_JOINER = "\u200d"
"""Joins emoji; invisible, but harmless."""

_UNBOUNDED = 10_000
"""Columns of an output that is not a terminal: lines are neither wrapped nor cut."""


def safe(text: str, *, lines: bool = False) -> str:
    """Return text from a server with control characters escaped, so that it cannot control a terminal.

    Args:
        text: the text.
        lines: keep line feeds and tabs.
    """
    return "".join(char if _is_harmless(char, lines) else _escape(char) for char in text)


def _is_harmless(char: str, lines: bool) -> bool:
    return char.isprintable() or char == _JOINER or (lines and char in "\n\t")


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "backslashreplace").decode("ascii")


class Terminal:
    """Standard output of one command.

    Args:
        as_json: print JSON and nothing else.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        for stream in (sys.stdout, sys.stderr):  # not every terminal can print every character
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")

    @cached_property
    def console(self) -> Console:
        """rich's console on standard output: colors and wrapped lines only if it is a terminal."""
        from rich.console import Console

        width = None if sys.stdout.isatty() else _UNBOUNDED
        return Console(file=sys.stdout, width=width, markup=False, emoji=False, highlight=False)

    def print_json(self, value: object, *, line: bool = False) -> None:
        """Print JSON, on one line if it is one of many values. It is ASCII, so it has no control characters."""
        self._print(json.dumps(value, indent=None if line else 2))

    def print(self, sentence: str) -> None:
        """Print a sentence for people, not with `--json`."""
        if not self.as_json:
            self._print(safe(sentence))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a table; every cell may come from a server."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(*columns, box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
        for row in rows:
            table.add_row(*(Text(safe(cell), overflow="fold") for cell in row))
        self.console.print(table)

    def fields(self, fields: dict[str, str]) -> None:
        """Print names and values, one pair a line."""
        width = max(map(len, fields)) + 2
        for name, value in fields.items():
            self._print(f"{name:<{width}}{safe(value)}")

    def text(self, text: str, *, indent: str = "") -> None:
        """Print a text of several lines."""
        for line in safe(text, lines=True).split("\n"):
            self._print(indent + line)

    def write(self, text: str) -> None:
        """Print a part of a text at once, without ending the line."""
        self._print(safe(text, lines=True), end="")

    @contextmanager
    def spinner(self, label: str) -> Iterator[None]:
        """Show a spinner meanwhile, on a terminal."""
        if self.as_json or not sys.stdout.isatty():
            yield
            return
        with self.console.status(label):
            yield

    def _print(self, text: str, end: str = "\n") -> None:
        """Flush, so that a closed pipe is an error here, where click handles it."""
        sys.stdout.write(text + end)
        sys.stdout.flush()


def interactive(stream: TextIO) -> bool:
    """Return whether a stream is a terminal."""
    return not stream.closed and stream.isatty()


def print_retry(error: APIError, delay: float, progress: str) -> None:
    """Print on standard error that a request failed and when it is retried.

    Args:
        error: the failure.
        delay: seconds until the next attempt.
        progress: which attempt that is.
    """
    from duologue.errors import HTTPStatusError

    reason = error.status if isinstance(error, HTTPStatusError) else error.details.get("reason") or error.message
    click.echo(safe(f"Request failed ({reason}), retrying in {delay:.1f} s ({progress})"), err=True)

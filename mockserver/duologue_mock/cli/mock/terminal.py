"""What these commands print: sentences and tables for people, or JSON for scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import click

_UNBOUNDED = 10_000
"""Columns of an output that is not a terminal: lines are neither wrapped nor cut."""


class Terminal:
    """Standard output of one command.

    Args:
        as_json: print JSON and nothing else.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def print(self, sentence: str) -> None:
        """Print a sentence for people, not with `--json`."""
        if not self.as_json:
            click.echo(escape(sentence))

    def print_json(self, value: object, *, line: bool = False) -> None:
        """Print JSON, on one line if it is one of many values. It is ASCII, so it has no control characters."""
        click.echo(json.dumps(value, indent=None if line else 2))

    def show(self, value: object, sentence: str) -> None:
        """Print JSON with `--json`, else a sentence."""
        if self.as_json:
            self.print_json(value)
        else:
            self.print(sentence)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table: with rich, where it is installed; every cell may come from a request."""
        cells = [[escape(cell) for cell in row] for row in rows]
        try:
            from rich.console import Console
        except ModuleNotFoundError:
            _print_plain_table(columns, cells)
            return
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(*columns, box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
        for row in cells:
            table.add_row(*(Text(cell, overflow="fold") for cell in row))
        width = None if sys.stdout.isatty() else _UNBOUNDED
        Console(file=sys.stdout, width=width, markup=False, emoji=False, highlight=False).print(table)


def escape(text: str) -> str:
    """Return a text with its control characters escaped: what a request had in it cannot steer the terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def shorten(value: Any, length: int = 80) -> str:
    """Return a value as text, JSON if it is none, cut where it is long."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _print_plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    for row in (columns, *rows):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

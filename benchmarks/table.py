"""Medians over the rounds, and tables that compare ours with the best of the others."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from benchmarks.contenders import Contender
from benchmarks.data import CASES, Case
from benchmarks.measure import CaseResult, ContenderResult


@dataclass(frozen=True)
class Column:
    """A number of each row; `better` is empty where ours is not compared with the others."""

    title: str
    better: Literal["more", "less", ""]
    digits: int = 0


@dataclass(frozen=True)
class Row:
    """The medians of one server, or why it has none."""

    name: str
    kind: str
    values: dict[str, float]
    problem: str = ""


@dataclass(frozen=True)
class Table:
    """The rows of all servers for one case, or for their start."""

    title: str
    columns: tuple[Column, ...]
    rows: list[Row]

    def get_ours(self, column: Column) -> float | None:
        """Return our number, or None if we have none."""
        return next((row.values[column.title] for row in self._get_valid_rows("ours")), None)

    def get_best(self, column: Column, *kinds: str) -> tuple[str, float] | None:
        """Return the name and the number of the best server of these kinds. Failed rows do not count."""
        numbers = [(row.name, row.values[column.title]) for row in self._get_valid_rows(*kinds)]
        if not numbers:
            return None
        return (max if column.better == "more" else min)(numbers, key=lambda pair: pair[1])

    def get_ratio(self, column: Column, *kinds: str) -> float | None:
        """Return ours divided by the best of these kinds, or None if either has no number."""
        our_number, best = self.get_ours(column), self.get_best(column, *kinds)
        if not column.better or our_number is None or best is None or not best[1]:
            return None
        return our_number / best[1]

    def _get_valid_rows(self, *kinds: str) -> list[Row]:
        return [row for row in self.rows if row.kind in kinds and not row.problem]


PER_SECOND = Column("req/s", "more")
SPREAD = Column("spread %", "")
P50 = Column("p50 ms", "less", 2)
P99 = Column("p99 ms", "less", 2)
SIZE = Column("body B", "")
COLD_START = Column("cold start s", "less", 2)
MEMORY = Column("MB after start", "less")
MEMORY_AFTER = Column("MB after load", "less")


def build_tables(contenders: Sequence[Contender], results: Sequence[ContenderResult]) -> list[Table]:
    """Return one table for each case, and one for the start."""
    pairs = [(each, [result for result in results if result.contender == each.name]) for each in contenders]
    return [
        *(
            Table(case.name, (PER_SECOND, SPREAD, P50, P99, SIZE), [_build_case_row(case, *pair) for pair in pairs])
            for case in CASES
        ),
        Table("Start", (COLD_START, MEMORY, MEMORY_AFTER), [_build_start_row(*pair) for pair in pairs]),
    ]


def _build_case_row(case: Case, contender: Contender, results: Sequence[ContenderResult]) -> Row:
    case_results = [result.cases.get(case.name, CaseResult(None, 0, result.problem)) for result in results]
    loads = [result.load for result in case_results if result.load]
    problem = _get_first_problem(case_results)
    if problem or not loads:
        return Row(contender.name, contender.kind, {}, problem or "not measured")
    rates = [load.per_second for load in loads]
    values = {
        PER_SECOND.title: median(rates),
        SPREAD.title: 100 * (max(rates) - min(rates)) / median(rates),
        P50.title: median(load.p50 for load in loads),
        P99.title: median(load.p99 for load in loads),
        SIZE.title: median(result.size for result in case_results),
    }
    return Row(contender.name, contender.kind, values)


def _build_start_row(contender: Contender, results: Sequence[ContenderResult]) -> Row:
    problem = _get_first_problem(results)
    if problem or not results:
        return Row(contender.name, contender.kind, {}, problem or "not measured")
    values = {
        COLD_START.title: median(result.cold_start for result in results),
        MEMORY.title: median(result.memory for result in results),
        MEMORY_AFTER.title: median(result.memory_after for result in results),
    }
    return Row(contender.name, contender.kind, values)


def _get_first_problem(results: Iterable[CaseResult | ContenderResult]) -> str:
    return next((result.problem for result in results if result.problem), "")


def render(table: Table) -> str:
    """Return the table as text."""
    lines = [_format_line(table.title, [column.title for column in table.columns])]
    lines += [_format_row(row, table.columns) for row in table.rows]
    lines += _format_ratios("ours / best mock", table, "mock")
    lines += _format_ratios("ours / best peer", table, "mock", "bare")
    return "\n".join(lines)


def _format_row(row: Row, columns: Iterable[Column]) -> str:
    if row.problem:  # shortened: the log of the rounds has it in full
        return f"{row.name:<20}FAILED: {textwrap.shorten(row.problem, 90, placeholder='…')}"
    return _format_line(row.name, [f"{row.values[column.title]:,.{column.digits}f}" for column in columns])


def _format_ratios(label: str, table: Table, *kinds: str) -> list[str]:
    ratios = [table.get_ratio(column, *kinds) for column in table.columns]
    if not any(ratios):
        return []
    return [_format_line(label, ["" if ratio is None else f"{ratio:.2f}x" for ratio in ratios])]


def _format_line(label: str, cells: Sequence[str]) -> str:
    return (f"{label:<20}" + "".join(f"{cell:>16}" for cell in cells)).rstrip()

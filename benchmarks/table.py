"""Medians over the rounds, and the table that sets ours against the best of the others."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from benchmarks.contenders import Contender
from benchmarks.data import CASES, Case
from benchmarks.measure import Measured, Run


@dataclass(frozen=True)
class Column:
    """A number that each row has; `better` is empty where ours is not set against the others."""

    title: str
    better: Literal["more", "less", ""]
    digits: int = 0


@dataclass(frozen=True)
class Row:
    """One server's medians, or why it has none."""

    name: str
    kind: str
    values: dict[str, float]
    problem: str = ""


@dataclass(frozen=True)
class Table:
    """One question, answered by everybody."""

    title: str
    columns: tuple[Column, ...]
    rows: list[Row]

    def ours(self, column: Column) -> float | None:
        """Our number, if we have one."""
        return next((row.values[column.title] for row in self._valid("ours")), None)

    def best(self, column: Column, *kinds: str) -> tuple[str, float] | None:
        """Who among these kinds of server is best, and its number. A failed row is nobody's best."""
        found = [(row.name, row.values[column.title]) for row in self._valid(*kinds)]
        if not found:
            return None
        return (max if column.better == "more" else min)(found, key=lambda each: each[1])

    def _valid(self, *kinds: str) -> list[Row]:
        return [row for row in self.rows if row.kind in kinds and not row.problem]


PER_SECOND = Column("req/s", "more")
SPREAD = Column("spread %", "")
P50 = Column("p50 ms", "less", 2)
P99 = Column("p99 ms", "less", 2)
SIZE = Column("body B", "")
COLD = Column("cold start s", "less", 2)
MEMORY = Column("MB after start", "less")
MEMORY_AFTER = Column("MB after load", "less")


def tables(contenders: Sequence[Contender], runs: Sequence[Run]) -> list[Table]:
    """One table for each case, and one for starting."""
    return [*(_case_table(case, contenders, runs) for case in CASES), _start_table(contenders, runs)]


def _case_table(case: Case, contenders: Sequence[Contender], runs: Sequence[Run]) -> Table:
    rows = [_case_row(each, case, [run for run in runs if run.contender == each.name]) for each in contenders]
    return Table(case.name, (PER_SECOND, SPREAD, P50, P99, SIZE), rows)


def _case_row(contender: Contender, case: Case, runs: Sequence[Run]) -> Row:
    measured = [run.cases.get(case.name, Measured(None, 0, run.problem)) for run in runs]
    loads = [each.load for each in measured if each.load]
    problem = _first(each.problem for each in measured)
    if problem or not loads:
        return Row(contender.name, contender.kind, {}, problem or "not measured")
    rates = [load.per_second for load in loads]
    values = {
        PER_SECOND.title: median(rates),
        SPREAD.title: 100 * (max(rates) - min(rates)) / median(rates),
        P50.title: median(load.p50 for load in loads),
        P99.title: median(load.p99 for load in loads),
        SIZE.title: median(each.size for each in measured),
    }
    return Row(contender.name, contender.kind, values)


def _start_table(contenders: Sequence[Contender], runs: Sequence[Run]) -> Table:
    return Table("Start", (COLD, MEMORY, MEMORY_AFTER), [_start_row(each, runs) for each in contenders])


def _start_row(contender: Contender, runs: Sequence[Run]) -> Row:
    own = [run for run in runs if run.contender == contender.name]
    problem = _first(run.problem for run in own)
    if problem or not own:
        return Row(contender.name, contender.kind, {}, problem or "not measured")
    values = {
        COLD.title: median(run.cold_start for run in own),
        MEMORY.title: median(run.memory for run in own),
        MEMORY_AFTER.title: median(run.memory_after for run in own),
    }
    return Row(contender.name, contender.kind, values)


def _first(problems: Iterable[str]) -> str:
    return next((problem for problem in problems if problem), "")


def render(table: Table) -> str:
    """The table as text."""
    lines = [_line(table.title, [column.title for column in table.columns])]
    lines += [_row_line(row, table.columns) for row in table.rows]
    lines += _ratio_line("ours / best mock", table, "mock")
    lines += _ratio_line("ours / best peer", table, "mock", "bare")
    return "\n".join(lines)


def _row_line(row: Row, columns: Iterable[Column]) -> str:
    if row.problem:
        return f"{row.name:<20}FAILED: {textwrap.shorten(row.problem, 90, placeholder='…')}"  # said in full above
    return _line(row.name, [f"{row.values[column.title]:,.{column.digits}f}" for column in columns])


def _ratio_line(label: str, table: Table, *kinds: str) -> list[str]:
    ratios = [ratio(table, column, *kinds) for column in table.columns]
    return [_line(label, [_shown(each) for each in ratios])] if any(ratios) else []


def _shown(found: float | None) -> str:
    return "" if found is None else f"{found:.2f}x"


def ratio(table: Table, column: Column, *kinds: str) -> float | None:
    """Ours divided by the best of these kinds; nothing where either side has no number."""
    mine, best = table.ours(column), table.best(column, *kinds)
    if not column.better or mine is None or best is None or not best[1]:
        return None
    return mine / best[1]


def _line(label: str, cells: Sequence[str]) -> str:
    return (f"{label:<20}" + "".join(f"{cell:>16}" for cell in cells)).rstrip()

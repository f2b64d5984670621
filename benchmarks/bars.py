"""What we ask of our own server, and whether it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import table
from benchmarks.table import Column, Table

RATE = 1.0  # times the fastest peer's requests per second
COLD_START = 0.5  # seconds
MEMORY = 80.0  # MB after start


@dataclass(frozen=True)
class Bar:
    """One promise; `held` is None where it could not be judged, which does not count as held."""

    text: str
    held: bool | None

    def __str__(self) -> str:
        return f"{'----' if self.held is None else 'PASS' if self.held else 'MISS'}  {self.text}"


def of_comparison(tables: Sequence[Table]) -> list[Bar]:
    """The bars of the side-by-side run."""
    *cases, start = tables
    rates = [bar for each in cases for bar in (_rate(each, "mock", "mock"), _rate(each, "peer", "mock", "bare"))]
    return [
        *rates,
        _limit("cold start", start.ours(table.COLD), COLD_START, "s", 2),
        _limit("memory after start", start.ours(table.MEMORY), MEMORY, "MB", 0),
    ]


def _rate(each: Table, called: str, *kinds: str) -> Bar:
    column: Column = table.PER_SECOND
    found, best = table.ratio(each, column, *kinds), each.best(column, *kinds)
    wanted = f"{each.title}: at least {RATE:.1f} x the fastest {called}"
    if found is None or best is None:
        return Bar(f"{wanted}: not measured on both sides", None)
    return Bar(f"{wanted}: {found:.2f} x {best[0]} ({best[1]:,.0f}/s)", found >= RATE)


def _limit(what: str, found: float | None, limit: float, unit: str, digits: int) -> Bar:
    wanted = f"{what}: at most {limit:g} {unit}"
    if found is None:
        return Bar(f"{wanted}: not measured", None)
    return Bar(f"{wanted}: {found:.{digits}f} {unit}", found <= limit)

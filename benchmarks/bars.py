"""The bars: what our own server must reach in the comparison with its peers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.table import COLD_START, MEMORY, PER_SECOND, Table

MIN_RATE = 1.0  # times the fastest peer's requests per second
MAX_COLD_START = 0.5  # seconds
MAX_MEMORY = 80.0  # MB after start


@dataclass(frozen=True)
class Bar:
    """One required result; `held` is None if it could not be measured, which does not count as held."""

    text: str
    held: bool | None

    def __str__(self) -> str:
        return f"{'----' if self.held is None else 'PASS' if self.held else 'MISS'}  {self.text}"


def build_comparison_bars(tables: Sequence[Table]) -> list[Bar]:
    """Return the bars of the comparison with the peers."""
    *case_tables, start_table = tables
    bars = []
    for table in case_tables:
        bars += [_build_rate_bar(table, "mock", "mock"), _build_rate_bar(table, "peer", "mock", "bare")]
    return [
        *bars,
        _build_limit_bar("cold start", start_table.get_ours(COLD_START), MAX_COLD_START, "s", 2),
        _build_limit_bar("memory after start", start_table.get_ours(MEMORY), MAX_MEMORY, "MB", 0),
    ]


def _build_rate_bar(table: Table, label: str, *kinds: str) -> Bar:
    ratio, best = table.get_ratio(PER_SECOND, *kinds), table.get_best(PER_SECOND, *kinds)
    requirement = f"{table.title}: at least {MIN_RATE:.1f} x the fastest {label}"
    if ratio is None or best is None:
        return Bar(f"{requirement}: not measured on both sides", None)
    return Bar(f"{requirement}: {ratio:.2f} x {best[0]} ({best[1]:,.0f}/s)", ratio >= MIN_RATE)


def _build_limit_bar(name: str, value: float | None, limit: float, unit: str, digits: int) -> Bar:
    requirement = f"{name}: at most {limit:g} {unit}"
    if value is None:
        return Bar(f"{requirement}: not measured", None)
    return Bar(f"{requirement}: {value:.{digits}f} {unit}", value <= limit)

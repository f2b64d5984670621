"""A baseline: a TOML file of failures that are known, and do not fail a run.

[[known]]
id = "users.LIST.order"
case = "limit=1"              # optional: this case only
reason = "Fixed in release 7, issue 1234."
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from duologue.conformance.running.result import Failure, KnownFailure, Result, Verdict

_FIELDS = {"id", "case", "reason"}


class BaselineError(ValueError):
    """A baseline that cannot be read; the text says why."""


def read_baseline(path: Path) -> tuple[KnownFailure, ...]:
    """Return the known failures of a file.

    Raises:
        BaselineError: there is no such file, or it is not a baseline.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BaselineError(f"The baseline {path} cannot be read: {error.strerror}.") from None
    except ValueError as error:  # not TOML, or not UTF-8
        raise BaselineError(f"The baseline {path} is not TOML: {error}.") from None
    entries = values.pop("known", [])
    if values or not isinstance(entries, list):
        raise BaselineError(
            f"The baseline {path} may have [[known]] tables only, not {', '.join(values) or 'known ='}."
        )
    return tuple(_read_entry(entry, path) for entry in entries)


def _read_entry(entry: Any, path: Path) -> KnownFailure:
    valid = isinstance(entry, dict) and all(isinstance(value, str) for value in entry.values())
    if not valid or "id" not in entry or not entry.keys() <= _FIELDS:
        raise BaselineError(
            f"The baseline {path} has an invalid entry, {entry!r}: id, case and reason are texts, and id is required."
        )
    return KnownFailure(**entry)


def apply_baseline(result: Result, baseline: Iterable[KnownFailure]) -> Result:
    """Return the result with its known and its fixed failures named.

    A failure is fixed if its rule was judged and it did not happen; of a rule that was not judged, nothing is said.
    """
    entries = tuple(baseline)
    known = tuple(one for one in entries if any(map(one.matches, result.failures)))
    judged = {one.id for one in result.outcomes if one.verdict is not Verdict.NOT_JUDGED}
    fixed = tuple(one for one in entries if one not in known and one.id in judged)
    return replace(result, known=known, fixed=fixed)


def write_baseline(path: Path, failures: Iterable[Failure], baseline: Iterable[KnownFailure] = ()) -> None:
    """Write a file in which all these failures are known.

    Args:
        path: of the file; it is replaced.
        failures: of a run.
        baseline: the entries so far; those that still apply are written again, with their reasons.
    """
    failures = tuple(failures)
    entries = [one for one in baseline if any(map(one.matches, failures))]
    new = {one.rule: None for one in failures if not any(entry.matches(one) for entry in entries)}
    entries += [KnownFailure(id) for id in sorted(new)]
    path.write_text("\n".join(map(_format_entry, entries)), "utf-8")


def _format_entry(entry: KnownFailure) -> str:
    fields = {"id": entry.id, "case": entry.case, "reason": entry.reason}
    lines = [f"{name} = {_quote(value)}" for name, value in fields.items() if value is not None]
    return "\n".join(["[[known]]", *lines, ""])


def _quote(text: str) -> str:
    """Return a TOML string: JSON's escapes are TOML's, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")

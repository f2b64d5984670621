"""Baselines: known failures do not fail a run, and fixed ones are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from duologue.conformance.running.baseline import BaselineError, apply_baseline, read_baseline, write_baseline
from duologue.conformance.running.result import KnownFailure, Verdict
from tests.conformance.running.results import build_failure, build_outcome, build_result

FAILURE = build_failure("users.LIST.total", "users.LIST", case='limit=1, "quoted" \\ and \x7f')


def test_known_failure_does_not_fail_a_run() -> None:
    result = build_result(FAILURE, build_failure("users.LIST.order", "users.LIST"))

    applied = apply_baseline(result, [KnownFailure("users.LIST.total", reason="Issue 7")])

    assert [failure.rule for failure in applied.new_failures] == ["users.LIST.order"]
    assert applied.known == (KnownFailure("users.LIST.total", reason="Issue 7"),)
    assert applied.fixed == ()


@pytest.mark.parametrize(
    ("verdict", "fixed"), [(Verdict.KEPT, ["a.b"]), (Verdict.BROKEN, ["a.b"]), (Verdict.NOT_JUDGED, [])]
)
def test_fixed_failure_is_named(verdict: Verdict, fixed: list[str]) -> None:
    """Where the rule is broken, it is so in another case than the known one."""
    result = build_result(outcomes=(build_outcome("a.b", verdict),))

    applied = apply_baseline(result, [KnownFailure("a.b", "case"), KnownFailure("not.selected")])

    assert [entry.id for entry in applied.fixed] == fixed


def test_written_baseline_is_read(tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    kept, gone = KnownFailure(FAILURE.rule, FAILURE.case, "Größe: issue 7"), KnownFailure("fixed.rule")

    write_baseline(path, [FAILURE, build_failure("users.GET.etag", "users.GET")], [kept, gone])

    assert read_baseline(path) == (kept, KnownFailure("users.GET.etag"))


def test_baseline_without_failures(tmp_path: Path) -> None:
    write_baseline(tmp_path / "known.toml", [])

    assert read_baseline(tmp_path / "known.toml") == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[known]\n", "is not TOML"),
        ("[[knwon]]\nid = 'a'\n", "not knwon"),
        ("[[known]]\nreason = 'no id'\n", "invalid entry"),
        ("[[known]]\nid = 7\n", "invalid entry"),
        ("[[known]]\nid = 'a'\nwhy = 'b'\n", "invalid entry"),
        ("known = 'a'\n", "may have"),
        ("known = ['a']\n", "invalid entry"),
    ],
)
def test_invalid_baseline(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "known.toml"
    path.write_text(text, "utf-8")

    with pytest.raises(BaselineError, match=problem) as caught:
        read_baseline(path)
    assert str(path) in str(caught.value)


def test_missing_baseline(tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match="cannot be read: No such file"):
        read_baseline(tmp_path / "none.toml")

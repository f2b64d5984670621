"""What is read from the reports of Schemathesis."""

from __future__ import annotations

from pathlib import Path

from duologue.conformance.generated.reports import MAX_LINES, read_failures

MANY_LINES = "more\n" * 50


def test_failures(tmp_path: Path) -> None:
    junit = tmp_path / "junit.xml"
    failed = f'<failure message="ST103">\n1. Test Case ID: x\n\n{MANY_LINES}</failure>'
    cases = f'<testcase name="GET /api/users">{failed}</testcase><testcase name="GET /api/users/{{id}}"/>'
    junit.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>", "utf-8")

    (failure,) = read_failures(junit)

    assert failure.operation == "GET /api/users"
    assert failure.lines[:3] == ("ST103", "1. Test Case ID: x", "more")
    assert len(failure.lines) == MAX_LINES

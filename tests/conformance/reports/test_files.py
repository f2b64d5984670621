"""The reports that are files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from duologue.conformance.reports.formats import FORMATS, write_report
from duologue.conformance.reports.junit import render_junit
from duologue.conformance.running.result import KnownFailure, Result, Verdict
from tests.conformance.running.results import build_failure, build_outcome, build_result

SKIPPED = build_outcome("events.user-created", Verdict.NOT_JUDGED, reason="The server has no Socket.IO.")
TOTAL = build_failure("users.LIST.total", "users.LIST", case="limit=1", expected=3, actual=2)
KNOWN = build_failure("users.GET.etag", "users.GET")
RESULT = build_result(
    TOTAL,
    KNOWN,
    outcomes=(
        *build_result(TOTAL, KNOWN).outcomes,
        SKIPPED,
    ),
    known=(KnownFailure("users.GET.etag", reason="Issue 7"),),
    stopped="Time is up.",
)

ALLOWED = {
    "testsuites": ({"testsuite"}, {"name", "time", "tests", "failures", "errors"}),
    "testsuite": (
        {"properties", "testcase", "system-out", "system-err"},
        {"name", "tests", "failures", "errors", "time", "skipped", "timestamp", "hostname", "id", "package"},
    ),
    "properties": ({"property"}, set()),
    "property": (set(), {"name", "value"}),
    "testcase": ({"skipped", "error", "failure", "system-out", "system-err"}, {"name", "time", "classname"}),
    "skipped": (set(), {"type", "message"}),
    "error": (set(), {"type", "message"}),
    "failure": (set(), {"type", "message"}),
}
"""What the schema of Jenkins (junit-10.xsd) allows, which is the strictest of those in use: children and attributes."""
REQUIRED = {"testsuite": {"name", "tests", "failures", "errors"}, "testcase": {"name"}, "property": {"name", "value"}}


def check_schema(element: ET.Element) -> None:
    children, attributes = ALLOWED[element.tag]
    assert {child.tag for child in element} <= children
    assert REQUIRED.get(element.tag, set()) <= set(element.attrib) <= attributes
    for child in element:
        check_schema(child)


def parse(result: Result) -> ET.Element:
    root = ET.fromstring(render_junit(result))
    check_schema(root)
    (suite,) = root
    return suite


def test_junit_counts() -> None:
    counts = ("tests", "failures", "errors", "skipped")

    assert [parse(RESULT).get(name) for name in counts] == ["5", "1", "1", "2"]
    assert [parse(build_result()).get(name) for name in counts] == ["1", "0", "0", "0"]


def test_junit_cases() -> None:
    cases = {f"{case.get('classname')} {case.get('name')}": case for case in parse(RESULT).iter("testcase")}

    assert list(cases) == [
        "health.PLATFORM ok",
        "users.GET etag",
        "users.LIST total[limit=1]",
        "events user-created",
        "duologue run",
    ]
    assert not list(cases["health.PLATFORM ok"])
    assert [one.get("message") for one in cases["events user-created"]] == ["The server has no Socket.IO."]
    assert [one.get("message") for one in cases["users.GET etag"]] == ["known: Issue 7"]
    assert [one.get("message") for one in cases["duologue run"]] == ["Time is up."]


def test_junit_failure_says_it_all() -> None:
    (failure,) = parse(RESULT).iter("failure")

    assert (failure.get("type"), failure.get("message")) == ("users.LIST.total", "It is wrong.")
    for text in ("Rule users.LIST.total holds.", "expected 3", "got 2", "$ curl http", "request id req-1", "seed 0"):
        assert text in (failure.text or "")


def test_junit_has_no_characters_that_xml_lacks() -> None:
    evil = "\x00\x1b\ud800]]>&<\ufffe\N{SMILING FACE WITH SUNGLASSES}"

    (failure,) = parse(build_result(replace(TOTAL, message=evil))).iter("failure")

    assert failure.get("message") == "\ufffd\ufffd\ufffd]]>&<\ufffd\N{SMILING FACE WITH SUNGLASSES}"


def test_json_is_read_again(tmp_path: Path) -> None:
    write_report("json", tmp_path / "new" / "report.json", RESULT)

    values = json.loads((tmp_path / "new" / "report.json").read_text("utf-8"))
    assert Result.from_dict(values) == RESULT
    assert values["groups"] == [{"rule": "users.LIST.total", "failures": 1, "folded": []}]


@pytest.mark.parametrize("format", FORMATS)
def test_report_of_any_text_can_be_written(tmp_path: Path, format: str) -> None:
    write_report(format, tmp_path / "report", build_result(replace(TOTAL, message="\ud800")))

    assert (tmp_path / "report").stat().st_size

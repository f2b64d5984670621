"""JUnit XML, as CI systems read it: a test case for each rule, and for each case in which it is broken."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from xml.etree import ElementTree as ET

from duologue.conformance.running.result import Failure, Result, RuleOutcome, Verdict

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(result: Result) -> str:
    """Return the report: kept rules pass, broken ones fail, the others are skipped, with the reason.

    Known failures are skipped too. A run that ended early has one test case with an error, `run`.
    """
    cases = [case for outcome in result.outcomes for case in _build_cases(outcome, result)]
    cases += [_build_error(result)] if result.stopped else []
    suite = ET.Element(
        "testsuite",
        name="duologue check",
        tests=str(len(cases)),
        failures=_count(cases, "failure"),
        errors=_count(cases, "error"),
        skipped=_count(cases, "skipped"),
        time=f"{result.duration:.3f}",
        timestamp=result.started[:19],
    )
    suite.append(_build_properties(result))
    suite.extend(cases)
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _count(cases: Iterable[ET.Element], tag: str) -> str:
    return str(sum(case.find(tag) is not None for case in cases))


def _build_properties(result: Result) -> ET.Element:
    properties = ET.Element("properties")
    for name in ("base_url", "chat_base_url", "version", "seed", "requests"):
        ET.SubElement(properties, "property", name=name, value=_clean(str(getattr(result, name))))
    return properties


def _build_cases(outcome: RuleOutcome, result: Result) -> Iterator[ET.Element]:
    failures = [one for one in result.failures if one.rule == outcome.id]
    for failure in failures:
        yield _build_failure(outcome, failure, result)
    if not failures:
        case = _build_case(outcome)
        if outcome.verdict is Verdict.NOT_JUDGED:
            ET.SubElement(case, "skipped", message=_clean(outcome.reason))
        yield case


def _build_case(outcome: RuleOutcome, name: str = "") -> ET.Element:
    topic, _, rest = outcome.id.rpartition(".")
    return ET.Element("testcase", classname=topic or rest, name=_clean(name or rest), time=f"{outcome.duration:.3f}")


def _build_failure(outcome: RuleOutcome, failure: Failure, result: Result) -> ET.Element:
    rest = outcome.id.rpartition(".")[2]
    case = _build_case(outcome, f"{rest}[{failure.case}]" if failure.case else rest)
    known = next((one for one in result.known if one.matches(failure)), None)
    if known is not None:
        ET.SubElement(case, "skipped", message=_clean(f"known: {known.reason or failure.message}"))
        return case
    element = ET.SubElement(case, "failure", message=_clean(failure.message), type=failure.rule)
    element.text = _clean("\n".join(_describe(outcome, failure)))
    return case


def _describe(outcome: RuleOutcome, failure: Failure) -> Iterator[str]:
    yield f"{outcome.sentence} [{outcome.source}]"
    yield failure.message
    yield from failure.differences
    if not failure.differences and (failure.expected is not None or failure.actual is not None):
        yield f"expected {json.dumps(failure.expected)}"
        yield f"got {json.dumps(failure.actual)}"
    for exchange in failure.exchanges:
        yield f"$ {exchange.curl}"
        yield f"{exchange.status}, request id {exchange.request_id or 'missing'}: {exchange.body}"
    yield f"seed {failure.seed}"


def _build_error(result: Result) -> ET.Element:
    case = ET.Element("testcase", classname="duologue", name="run", time="0.000")
    ET.SubElement(case, "error", message=_clean(result.stopped), type="not judged").text = _clean(result.stopped)
    return case


def _clean(text: str) -> str:
    """Return text without the characters that XML does not have."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)

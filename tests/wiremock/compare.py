"""Comparing two servers' answers, without what differs on purpose everywhere (`differences.RULES`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from tests.wiremock.cases import Admin, Case, Step
from tests.wiremock.normalize import FAILED, FRAMING, MATCHED, PLAIN, Answer

OWN_HEADERS = frozenset(
    {
        "access-control-allow-credentials",
        "access-control-allow-origin",
        "access-control-expose-headers",
        "cache-control",
        "cross-origin-resource-policy",
        "server",
        "vary",
        "x-content-type-options",
        "x-request-id",
    }
)
"""What the mock adds to a stub's response unless the stub sets it."""

OWN_KEYS = frozenset({"operation", "caller", "violations", "preference", "exceeded", "differences"})
"""What a journal entry or a near miss of the mock has besides WireMock's keys."""

UNMATCHED_KEYS = frozenset({"id", "request", "wasMatched"})
"""What is compared of a journal entry that no stub answered."""

GARBAGE = "lskdu018973t09sylgasjkfg1][]'./.sdlv"
"""The body of a malformed response, whose headers are no matter."""

_RANDOM_ID = re.compile(r"<uuid \d+>")

_HEADER_LINES = re.compile(r"^(HTTP/1\.1 200 OK\r\n)(?:.*\r\n)*?(Transfer-Encoding: chunked\r\n\r\n)")


def find_difference(case: Case, ours: list[Answer], theirs: list[Answer]) -> str | None:
    """Return what differs in the first of the mock's answers to a case that is not WireMock's, or None."""
    pairs = zip(case.steps, simplify_all(case, ours), simplify_all(case, theirs), strict=True)
    for step, our, their in pairs:
        if their == FAILED:
            differences = ["the mock fails too"] if our == FAILED else []
        else:
            differences = list(_list_differences(our, their))
        if differences:
            return "\n  ".join([str(step), *differences])
    return None


def simplify_all(case: Case, answers: list[Answer]) -> list[Any]:
    """Return the answers to a case without what differs on purpose, and its random ids numbered anew."""
    simplified = [simplify(step, answer) for step, answer in zip(case.steps, answers, strict=True)]
    numbers: dict[str, str] = {}
    return [_number_ids(answer, numbers) for answer in simplified]


def _number_ids(value: Any, numbers: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _number_ids(value[key], numbers) for key in sorted(value)}
    if isinstance(value, list):
        return [_number_ids(item, numbers) for item in value]
    if not isinstance(value, str):
        return value
    return _RANDOM_ID.sub(lambda match: numbers.setdefault(match[0], f"<id {len(numbers) + 1}>"), value)


def _list_differences(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            yield from _list_differences(ours.get(key, "(absent)"), theirs.get(key, "(absent)"), f"{path}/{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (our, their) in enumerate(zip(ours, theirs, strict=True)):
            yield from _list_differences(our, their, f"{path}/{number}")
    elif type(ours) is not type(theirs) or not _is_equal(ours, theirs, path):
        yield f"{path or '/'}: the mock has {ours!r}, WireMock {theirs!r}"


def _is_equal(ours: Any, theirs: Any, path: str) -> bool:
    if path.endswith("/source/pointer"):
        return bool(ours.startswith(theirs.rstrip("/") + "/")) or ours == theirs or (ours, theirs) == ("", "(absent)")
    return bool(ours == theirs)


def simplify(step: Step, answer: Answer) -> Any:
    """Return an answer without what differs on purpose."""
    if isinstance(answer, str):
        return answer
    if isinstance(step, Admin):
        return _simplify_call(answer)
    if "raw" in answer:
        return {**answer, "raw": _HEADER_LINES.sub(r"\1\2", answer["raw"])}
    if answer["body"] == GARBAGE:
        answer = {**answer, "headers": []}
    answer = {**answer, "headers": [header for header in answer["headers"] if header[0].lower() not in OWN_HEADERS]}
    return MATCHED if answer == PLAIN else answer


def _simplify_call(answer: dict[str, Any]) -> Any:
    if answer["status"] == 404:
        return {"status": 404}
    value = answer.get("json")
    return {"status": answer["status"], "json": _simplify(value) if value != {} else None, "text": answer.get("text")}


def _simplify(value: Any) -> Any:
    if isinstance(value, list):
        return [_simplify(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "wasMatched" in value:
        value = _simplify_entry(value)
    if "possibleStates" in value:
        value = {**value, "possibleStates": sorted(value["possibleStates"])}
    if "scenarios" in value:
        value = {**value, "scenarios": sorted(value["scenarios"], key=itemgetter("name"))}
    ignored = OWN_KEYS | {"subEvents"} | ({"detail"} if "title" in value and "code" in value else set())
    return {key: _simplify(item) for key, item in value.items() if key not in ignored and (key, item) != ("source", {})}


def _simplify_entry(entry: dict[str, Any]) -> dict[str, Any]:
    if not entry["wasMatched"]:
        return {key: value for key, value in entry.items() if key in UNMATCHED_KEYS}
    response = entry.get("response", {})
    ignored = OWN_HEADERS | FRAMING
    headers = {name: value for name, value in response.get("headers", {}).items() if name.lower() not in ignored}
    without = {key: value for key, value in response.items() if key != "headers"}
    return {**entry, "response": {**without, **({"headers": headers} if headers else {})}}

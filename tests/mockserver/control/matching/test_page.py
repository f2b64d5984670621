"""The examples in the tables of `docs/control/matching.md`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from duologue_mock.control.matching.matcher_parsing import BODY_MATCHERS
from duologue_mock.control.matching.pattern_parsing import KEYS
from duologue_mock.control.matching.request_pattern import RequestPattern
from duologue_mock.control.received import ReceivedRequest
from tests.mockserver.control.matching.received import receive

PAGE = (Path(__file__).parents[4] / "docs" / "control" / "matching.md").read_text("utf-8")
ROWS = re.findall(r"^\| `(\{.*\})` \| (?:`(.*)` )?\| (?:`(.*)` )?\|$", PAGE, re.MULTILINE)
MATCHERS = [row for row in ROWS if next(iter(json.loads(row[0]))) not in KEYS]
PATTERNS = [row for row in ROWS if row not in MATCHERS]


def parse_request(example: str) -> ReceivedRequest:
    """Return the request that is written as `GET /path Header: value`."""
    method, url, *header = example.split(" ", 2)
    name, _, value = "".join(header).partition(": ")
    return receive(method, url, **({name: value} if name else {}))


@pytest.mark.parametrize(("pattern", "yes", "no"), PATTERNS, ids=ascii)
def test_pattern(pattern: str, yes: str, no: str) -> None:
    parsed = RequestPattern.parse(json.loads(pattern))
    assert parsed.matches(parse_request(yes))
    assert not parsed.matches(parse_request(no))


@pytest.mark.parametrize(("matcher", "yes", "no"), MATCHERS, ids=ascii)
def test_matcher(matcher: str, yes: str, no: str) -> None:
    parsed = RequestPattern.parse({"bodyPatterns": [json.loads(matcher)]})
    assert not yes or parsed.matches(receive("POST", body=yes))
    assert not no or not parsed.matches(receive("POST", body=no))


def test_every_key_has_an_example() -> None:
    assert [key for key in KEYS if f'"{key}"' not in PAGE and f"`{key}`" not in PAGE] == []


def test_every_matcher_has_an_example() -> None:
    examples: list[dict[str, Any]] = [json.loads(row[0]) for row in MATCHERS]
    assert {key for example in examples for key in example} == set(BODY_MATCHERS)

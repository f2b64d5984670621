"""The catalogue of rules: complete, well-formed, and each with words that a person understands."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from types import FunctionType

import pytest

from duologue.conformance import sources
from duologue.conformance.rules import NEEDS, Rule, list_rules, list_tests
from duologue.contract import Operation, events, operations

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SPECIFICATIONS = ROOT / "docs" / "specifications.md"
RULES = list_rules()
OPERATION_ID = "|".join(re.escape(operation.id) for operation in operations())
ID = re.compile(rf"(?:{OPERATION_ID}|[a-z][a-z-]*|users|auth|chats|messages|smart_chat)\.[a-z0-9]+(?:-[a-z0-9]+)*")

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


def test_every_test_has_one_rule() -> None:
    counts = {f"{test.__module__}.{test.__name__}": len(_list_marks(test, "rule")) for test in list_tests()}
    assert {name: count for name, count in counts.items() if count != 1} == {}


def test_ids_are_unique() -> None:
    assert [id for id, count in Counter(rule.id for rule in RULES).items() if count > 1] == []


@each_rule
def test_rule_is_well_formed(rule: Rule) -> None:
    assert ID.fullmatch(rule.id)
    assert re.fullmatch(r"[A-Z][^\n]*[^.]\.", rule.sentence)
    assert "  " not in rule.sentence
    assert rule.stage in range(1, 6)
    assert rule.needs <= NEEDS.keys()


@each_rule
def test_source_exists(rule: Rule) -> None:
    """It is a section of the specifications, under its chapter, or an RFC."""
    if re.fullmatch(r"RFC \d{4}(, [\d.]+)?", rule.source):
        return
    assert rule.source in _list_sections()


def test_sources_are_used() -> None:
    names = {name: value for name, value in vars(sources).items() if name.isupper()}
    assert set(names.values()) == {rule.source for rule in RULES}


SECTIONS_ABOUT_CLIENTS = {
    "Platform API specification, Platform client behaviour",
    "Smart Chat API specification, Chat client behaviour",
    "Decisions",
}


def test_every_section_has_a_rule() -> None:
    chapters = {section.partition(", ")[0] for section in _list_sections() if ", " in section}
    judged = {rule.source for rule in RULES}
    assert set(_list_sections()) - chapters - SECTIONS_ABOUT_CLIENTS - judged == set()


def test_every_operation_has_a_rule() -> None:
    covered = {mark.args[0].id for test in list_tests() for mark in _list_marks(test, "covers")}
    named = {rule.id.rpartition(".")[0] for rule in RULES}
    assert {operation.id for operation in operations()} - covered - named == set()


def test_every_response_header_has_a_rule() -> None:
    text = "\n".join(Path(str(test.__code__.co_filename)).read_text("utf-8") for test in list_tests())
    headers = {name for operation in operations() for name in _list_response_headers(operation)}
    assert {name for name in headers if name not in text} == set()


def _list_response_headers(operation: Operation[object]) -> set[str]:
    names = {"X-Request-Id", "Cache-Control", "Vary", "X-Content-Type-Options", "Cross-Origin-Resource-Policy"}
    names |= {"ETag"} if operation.has_etag else set()
    names |= {"Idempotency-Replayed"} if operation.takes_idempotency_key else set()
    return names | {"Location", "WWW-Authenticate", "Allow", "Retry-After"}


def test_every_event_has_a_rule() -> None:
    text = "\n".join(
        Path(str(test.__code__.co_filename)).read_text("utf-8")
        for test in list_tests()
        if ".realtime." in test.__module__
    )
    assert {event.name for event in events() if event.name not in text} == set()


def test_rules_of_the_documentation_exist() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    named = {id for page in pages for id in re.findall(rf"\b(?:{OPERATION_ID})\.[a-z][a-z-]*", page.read_text("utf-8"))}

    assert {id for id in named if not id.endswith(".json")} <= {rule.id for rule in RULES}


def _list_sections() -> list[str]:
    """Return the headings of the specifications; of a subsection, with that of its chapter."""
    chapter, sections = "", []
    for marks, title in re.findall(r"^(##|###) (.+)$", SPECIFICATIONS.read_text("utf-8"), re.MULTILINE):
        chapter = title if marks == "##" else chapter
        sections.append(title if marks == "##" else f"{chapter}, {title}")
    return sections


def _list_marks(test: FunctionType, name: str) -> list[pytest.Mark]:
    marks = [*getattr(test, "pytestmark", ())]
    for mark in [mark for mark in marks if mark.name == "parametrize"]:
        for row in mark.args[1]:
            marks += [one.mark if isinstance(one, pytest.MarkDecorator) else one for one in getattr(row, "marks", ())]
    return [mark for mark in marks if mark.name == name]

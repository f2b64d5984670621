"""The words of the code: the field's vocabulary, functions named by verbs, files and folders of one subject."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import duologue
import duologue.contract
import duologue.query
import duologue.realtime
import duologue_mock
from tests.sources import parse, read

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for folder in ("client", "mockserver") for path in (ROOT / folder).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

IRREGULAR = re.compile(
    "told|met|made|found|kept|given|asked|heard|seen|said|known|sent|held|shown|begun|done|gone|written|taken|broken|chosen"
    "|drawn|driven|forgotten|frozen|hidden|risen|spoken|thrown|brought|bought|caught|led|lent|lost|meant|sold|spent|stuck"
    "|swept|thought|understood|built|laid|sought"
)
"""Participles that do not end in -ed."""

VERBS_IN_ED = frozenset({"feed", "seed", "embed", "need", "speed", "exceed", "proceed", "succeed"})

RETIRED = re.compile(
    r"cannot be meant|\b(nobody|somebody|whoever)\b|\b(platform|chat) document|\b(both|two) documents|document's"
    r"|documents'|error of our own|\bfor ever\b|\bmends?\b|no JSON object|\bfavourite|\breal time\b|\bnouns?\b",
    re.IGNORECASE,
)
"""Phrases that this project once had words of its own for; `docs/glossary.md` has the field's."""


def by_path(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(paths: list[Path]) -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in paths:
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("__"):
                yield by_path(path), node


def is_property(function: ast.FunctionDef) -> bool:
    return any("property" in ast.unparse(decorator) for decorator in function.decorator_list)


def is_participle(name: str) -> bool:
    word = name.lstrip("_").partition("_")[0]
    return bool(IRREGULAR.fullmatch(word)) or (word.endswith("ed") and len(word) > 3 and word not in VERBS_IN_ED)


def test_functions_are_named_by_verbs() -> None:
    """A function does something: `build_path`, not `path_of` or `_told`. A property may say what something is."""
    named = list(functions(SOURCES))
    wrong = [
        f"{path}: {node.name}"
        for path, node in named
        if not is_property(node) and (is_participle(node.name) or node.name.endswith("_of"))
    ]
    assert len(wrong) < len(named) / 100, wrong


def test_no_retired_phrase() -> None:
    for path in SOURCES:
        lines = enumerate(read(path).splitlines(), 1)
        found = [(number, match[0]) for number, line in lines for match in RETIRED.finditer(line)]
        assert found == [], path


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_no_retired_phrase_in_pages(page: str) -> None:
    assert RETIRED.findall(read(ROOT / page)) == []


def public_names() -> list[tuple[str, Any]]:
    packages = (duologue, duologue.contract, duologue.query, duologue.realtime, duologue_mock)
    return [(name, getattr(package, name)) for package in packages for name in package.__all__]


def exceptions() -> list[type[BaseException]]:
    values = [value for _, value in public_names() if inspect.isclass(value)]
    return [value for value in values if issubclass(value, BaseException)]


FIELD_EXCEPTIONS = {
    "ApiException": "the Platform API specification's",
    "ConnectTimeout": "requests' and httpx's",
    "DeadlineExceeded": "gRPC's",
    "QueryTimeout": "after RequestTimeout",
    "RequestTimeout": "HTTP's 408",
}
"""Exceptions that do not end in Error, and whose name they have."""


def test_exceptions_end_in_error() -> None:
    names = {error.__name__ for error in exceptions()}
    assert {name for name in names if not name.endswith("Error")} <= FIELD_EXCEPTIONS.keys()


MAX_LINES = 400
MAX_FILES = 17


def test_files_have_one_subject() -> None:
    lengths = {by_path(path): len(read(path).splitlines()) for path in SOURCES + TESTS}
    assert {path: length for path, length in lengths.items() if length > MAX_LINES} == {}


def test_folders_are_small() -> None:
    counts: dict[str, int] = {}
    for path in SOURCES + TESTS:
        if path.name != "__init__.py":
            counts[by_path(path.parent)] = counts.get(by_path(path.parent), 0) + 1
    assert {folder: count for folder, count in counts.items() if count > MAX_FILES} == {}


def test_test_names_are_short() -> None:
    lengths = sorted(len(node.name) for _, node in functions(TESTS) if node.name.startswith("test_"))
    assert lengths[len(lengths) // 2] <= 30

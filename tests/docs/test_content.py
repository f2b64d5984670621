"""What the pages say is so: names exist, tables are complete, numbers are the defaults."""

from __future__ import annotations

import contextlib
import importlib
import json
import re
from collections.abc import Iterator
from types import ModuleType

import pytest

import duologue
import duologue.contract
import duologue.query
import duologue.realtime
import duologue_mock
from duologue import Client, defaults
from duologue.config import ENVIRONMENTS, OPTIONS
from duologue.contract import events, headers, operations
from duologue.contract.error_body import ErrorBodySchema
from duologue.contract.errors import ApiErrorType
from duologue.errors import error_class
from tests.docs.pages import PAGES, select_blocks

SPECIFICATIONS = PAGES["docs/specifications.md"]

# --- the reference

PACKAGES: list[ModuleType] = [duologue, duologue.contract, duologue.query, duologue.realtime, duologue_mock]
DIRECTIVES = [
    name
    for page, text in PAGES.items()
    for name in re.findall(r"^::: ([\w.]+)$", text, re.MULTILINE)
    if page.startswith("docs/reference/")
]


def load(name: str) -> object:
    with contextlib.suppress(ModuleNotFoundError):
        return importlib.import_module(name)
    module, _, attribute = name.rpartition(".")
    loaded: object = getattr(importlib.import_module(module), attribute)
    return loaded


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_public_names_documented(package: ModuleType) -> None:
    """Every public name is in the reference."""
    shorter = {name.rpartition(".")[2] for name in DIRECTIVES if name.count(".") == 1}
    there = {name.rpartition(".")[2] for name in DIRECTIVES if name.startswith(f"{package.__name__}.")} | shorter
    there |= {name for module in DIRECTIVES for name in dir(load(module)) if isinstance(load(module), ModuleType)}
    assert {name for name in package.__all__ if not name.startswith("_")} - there == set()


@pytest.mark.parametrize("name", DIRECTIVES)
def test_reference_names_exist(name: str) -> None:
    assert load(name) is not None
    assert DIRECTIVES.count(name) == 1


# --- what the pages say


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with Client() as api:
        yield api


PATHS = sorted({path for text in PAGES.values() for path in re.findall(r"`(api(?:\.[a-z_]+)+)\b", text)})


@pytest.mark.parametrize("path", PATHS)
def test_client_members_exist(path: str, client: Client) -> None:
    """Every member of the client that a page names exists."""
    value: object = client
    for name in path.split(".")[1:]:
        assert name in dir(value), path
        value = getattr(value, name)


def test_helper_counterparts_exist() -> None:
    """Every counterpart that is named for a specification's helper exists."""
    public = {*duologue.__all__, *duologue_mock.__all__}
    helper_tables = re.findall(r"the specification's helper .*?\n\n", SPECIFICATIONS, re.DOTALL)
    last_cells = [row.split("|")[-2] for table in helper_tables for row in table.strip().splitlines()[2:]]
    assert last_cells
    for name in {name for cell in last_cells for name in re.findall(r"`(\w+)`", cell)}:
        assert name in public, name


def test_operations_and_events() -> None:
    """The specifications page has every operation, and every event with its fields."""
    for operation in operations():
        assert f"`{operation.method} {operation.route}" in SPECIFICATIONS, operation
    for event in events():
        assert f"`{event.name}`" in SPECIFICATIONS, event
        fields = [field.data_key or name for name, field in event.payload.fields.items()]
        assert f"`{{{', '.join(fields)}}}`" in SPECIFICATIONS, event


def test_error_codes_and_headers() -> None:
    """The specifications page has every error code and every exposed header."""
    for code in ApiErrorType:
        assert f"`{code}`" in SPECIFICATIONS, code
    for header in headers.EXPOSED:
        assert f"`{header}`" in SPECIFICATIONS, header


def test_specified_error_body() -> None:
    (block,) = [block for block in select_blocks("json") if block.page == "docs/specifications.md"]
    assert ErrorBodySchema().load(json.loads(block.code))


def test_exceptions_of_statuses() -> None:
    """The exception of every status is the one that the specifications page names."""
    rows = re.findall(r"^\| (\d{3})(?: and above)? \| `(\w+)` \| [^|]+ \| `(\w+)` \|$", SPECIFICATIONS, re.MULTILINE)
    assert len(rows) >= 14
    for status, code, exception in rows:
        assert error_class(int(status)).__name__ == exception, status
        assert error_class(int(status)) is getattr(duologue, exception)
        assert code in ApiErrorType.__members__


def test_specified_environments() -> None:
    for name, environment in ENVIRONMENTS.items():
        row = (
            f"| `{name}` | `{environment['base_url']}` | {environment['timeout']:g} s | {environment['max_retries']} |"
        )
        assert row in SPECIFICATIONS


@pytest.mark.parametrize(
    ("pattern", "default"),
    [
        (r"`retry_budget` \((\d+)\)", defaults.RETRY_BUDGET),
        (r"`deadline` \((\d+) s\)", OPTIONS.defaults["deadline"]),
        (r"\((\d+) MiB\)", OPTIONS.defaults["max_response_size"] / 2**20),
        (r"at most (\d+) s;", defaults.MAX_RETRY_DELAY),
        (r"above (\d+) s,", defaults.MAX_RETRY_AFTER),
    ],
)
def test_numbers_are_the_defaults(pattern: str, default: float) -> None:
    """The numbers on the client page are the defaults."""
    (number,) = re.findall(pattern, PAGES["docs/client.md"])
    assert float(number) == default


WORDS = re.compile(
    r"\b(?:(?:platform|chat|two) documents?|the (?:documents|wire|house)|somebody|nobody|whoever|everybody)\b"
    r"|cannot be meant",
    re.IGNORECASE,
)
"""Words of a private language, which a reader would not search for."""


@pytest.mark.parametrize("page", PAGES)
def test_pages_use_glossary_words(page: str) -> None:
    assert WORDS.findall(PAGES[page]) == []


def test_the_glossary_is_in_order() -> None:
    for section in PAGES["docs/glossary.md"].split("\n## ")[1:]:
        terms = re.findall(r"^- \*\*(.+?)\*\*: [A-Z]", section, re.MULTILINE)
        assert terms == sorted(terms, key=str.lower)
        assert len(terms) == section.count("\n- ")

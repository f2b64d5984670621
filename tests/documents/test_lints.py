"""What linters and parsers that others wrote say of the documents: nothing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from duologue.contract import events
from tests.documents.copies import BUILDERS, FIXTURES

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
ERROR, WARNING = 0, 1
"""Spectral's severities, which the AsyncAPI parser has too; 2 and 3 are information and hints."""

node_test = pytest.mark.node


def run(*command: str) -> str:
    """Run a tool in this folder, and return what it prints."""
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False, timeout=300)
    assert done.stdout, done.stderr
    return done.stdout


def lint_with_spectral(node: str, document: Path) -> list[str]:
    """Return what Spectral finds, with the ruleset that is named like the document."""
    cli = str(MODULES / "@stoplight" / "spectral-cli" / "dist" / "index.js")
    ruleset = f"spectral-{document.stem}.yaml"
    found = json.loads(run(node, cli, "lint", "--quiet", "--ruleset", ruleset, "--format", "json", str(document)))
    return [f"{one['code']}: {one['message']} ({'/'.join(one['path'])})" for one in found if one["severity"] <= WARNING]


def lint_with_redocly(node: str, document: Path) -> list[str]:
    """Return what Redocly finds."""
    cli = str(MODULES / "@redocly" / "cli" / "bin" / "cli.js")
    printed = run(node, cli, "lint", str(document), "--config", "redocly.yaml", "--format", "json")
    return [f"{one['ruleId']}: {one['message']} ({one['location']})" for one in json.loads(printed)["problems"]]


def write(folder: Path, name: str, document: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps(document), "utf-8")
    return path


def test_openapi_spec_validator() -> None:
    document = json.loads((FIXTURES / "openapi.json").read_text("utf-8"))
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


@node_test
@pytest.mark.parametrize("name", BUILDERS)
def test_spectral(node: str, name: str) -> None:
    assert lint_with_spectral(node, FIXTURES / name) == []


@node_test
def test_redocly(node: str) -> None:
    assert lint_with_redocly(node, FIXTURES / "openapi.json") == []


@node_test
def test_asyncapi_parser(node: str) -> None:
    parsed = json.loads(run(node, "parse_asyncapi.js", str(FIXTURES / "asyncapi.json")))
    assert [one["message"] for one in parsed["diagnostics"] if one["severity"] <= WARNING] == []
    assert sorted(parsed["messages"]) == sorted(event.name for event in events())


@node_test
@pytest.mark.slow
def test_linters_find_faults(node: str, tmp_path: Path) -> None:
    """An operation without a success response and without an id, and a message that is none."""
    openapi = json.loads((FIXTURES / "openapi.json").read_text("utf-8"))
    operation = openapi["paths"]["/api/users"]["get"]
    del operation["operationId"], operation["responses"]["200"], operation["responses"]["304"]
    faulty = write(tmp_path, "openapi.json", openapi)
    found = " ".join(lint_with_spectral(node, faulty))
    assert "operation-success-response" in found
    assert "operation-operationId" in found
    assert "operation-operationId" in " ".join(lint_with_redocly(node, faulty))
    asyncapi = json.loads((FIXTURES / "asyncapi.json").read_text("utf-8"))
    asyncapi["components"]["messages"]["users.CREATED"]["payload"] = {"type": "nothing"}
    assert lint_with_spectral(node, write(tmp_path, "asyncapi.json", asyncapi))

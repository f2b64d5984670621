"""What is read from the reports of Schemathesis."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from duologue.conformance.generated.reports import MAX_LINES, find_created, read_failures
from duologue.conformance.target.server import Server

MANY_LINES = "more\n" * 50
SERVER = Server("http://localhost:3001/api", "http://localhost:3002/chats-service/api/v1", "dev-api-key")


def build_entry(method: str, path: str, status: int, body: Any) -> dict[str, Any]:
    headers = [{"name": "X-User-Id", "value": "ada"}]
    return {
        "request": {"method": method, "url": f"http://localhost:3001{path}", "headers": headers},
        "response": {"status": status, "content": {"text": json.dumps(body)}},
    }


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        (build_entry("POST", "/api/users", 201, {"id": "7"}), "/users/7"),
        (build_entry("POST", "/api/users/?x=1", 201, {"id": "7"}), "/users/7"),
        (build_entry("POST", "/chats-service/api/v1/chats", 201, {"data": {"_id": "c"}}), "/chats/c"),
        (build_entry("POST", "/api/users", 400, {}), None),
        (build_entry("GET", "/api/users", 200, {}), None),
        (build_entry("POST", "/chats-service/api/v1/chats/c/messages", 201, {"data": {"_id": "m"}}), None),
    ],
)
def test_what_was_created(tmp_path: Path, entry: dict[str, Any], path: str | None) -> None:
    har = tmp_path / "har.json"
    har.write_text(json.dumps({"log": {"entries": [entry]}}), "utf-8")

    created = list(find_created(har, SERVER))

    assert [found for _, found in created] == ([] if path is None else [path])
    if path == "/chats/c":
        assert created[0][0].headers["x-user-id"] == "ada"


def test_failures(tmp_path: Path) -> None:
    junit = tmp_path / "junit.xml"
    failed = f'<failure message="ST103">\n1. Test Case ID: x\n\n{MANY_LINES}</failure>'
    cases = f'<testcase name="GET /api/users">{failed}</testcase><testcase name="GET /api/users/{{id}}"/>'
    junit.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>", "utf-8")

    (failure,) = read_failures(junit)

    assert failure.operation == "GET /api/users"
    assert failure.lines[:3] == ("ST103", "1. Test Case ID: x", "more")
    assert len(failure.lines) == MAX_LINES

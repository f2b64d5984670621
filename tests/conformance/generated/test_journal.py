"""What is written down of the requests of Schemathesis, and read again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from duologue.conformance.generated.journal import VARIABLE, JournalEntry, note_response, read_journal


def build_response(method: str, path: str, status: int, body: Any) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response._content = json.dumps(body).encode()
    url = f"http://localhost:3001{path}"
    response.request = requests.Request(method, url, headers={"X-User-Id": "ada"}).prepare()
    return response


@pytest.mark.parametrize(
    ("method", "path", "status", "body", "created"),
    [
        ("POST", "/api/users", 201, {"id": "7"}, "/users/7"),
        ("POST", "/api/users/?x=1", 201, {"id": "7"}, "/users/7"),
        ("POST", "/chats-service/api/v1/chats", 201, {"data": {"_id": "c"}}, "/chats/c"),
        ("POST", "/api/users", 400, {}, None),
        ("POST", "/api/users", 201, {}, None),
        ("POST", "/api/users", 201, [], None),
        ("GET", "/api/users", 200, {}, None),
        ("POST", "/chats-service/api/v1/chats/c/messages", 201, {"data": {"_id": "m"}}, None),
    ],
)
def test_requests_are_written_down(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    status: int,
    body: Any,
    created: str | None,
) -> None:
    journal = tmp_path / "journal.jsonl"
    monkeypatch.setenv(VARIABLE, str(journal))

    id = note_response(build_response(method, path, status, body))

    assert id == (created and created.rpartition("/")[2])
    assert [*read_journal(journal)] == [JournalEntry(method, path.partition("?")[0], status, created, "ada")]


def test_line_that_is_cut_off(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    journal.write_text('{"method": "GET", "path": "/api/users", "status": 200}\n{"method": "GE', "utf-8")

    assert [*read_journal(journal)] == [JournalEntry("GET", "/api/users", 200)]


def test_no_journal(tmp_path: Path) -> None:
    assert [*read_journal(tmp_path / "journal.jsonl")] == []

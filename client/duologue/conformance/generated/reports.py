"""What Schemathesis reports: which requests created something, and what failed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from duologue.conformance.target.caller import Api
from duologue.conformance.target.server import Server

MAX_LINES = 12
"""Lines of a failure: the check, what it found, and a command line that repeats it."""


@dataclass(frozen=True)
class GeneratedFailure:
    """A check that failed.

    Args:
        operation: method and path.
        lines: what Schemathesis says.
    """

    operation: str
    lines: tuple[str, ...]


def find_created(har: Path, server: Server) -> Iterator[tuple[Api, str]]:
    """Yield what the requests of a HAR file have created: who can delete it, and its path."""
    for entry in json.loads(har.read_text("utf-8"))["log"]["entries"]:
        request, response = entry["request"], entry["response"]
        folder = urlsplit(request["url"]).path.rstrip("/").rpartition("/")[2]
        if request["method"] == "POST" and response["status"] == 201 and folder in ("users", "chats"):
            yield _find_path(folder, request, json.loads(response["content"]["text"]), server)


def _find_path(folder: str, request: dict[str, Any], body: dict[str, Any], server: Server) -> tuple[Api, str]:
    if folder == "users":
        return server.platform, f"/users/{body['id']}"
    headers = {header["name"].lower(): header["value"] for header in request["headers"]}
    return server.chat.as_user(headers["x-user-id"]), f"/chats/{body['data']['_id']}"


def read_failures(junit: Path) -> list[GeneratedFailure]:
    """Return what a JUnit file says failed."""
    cases = ET.parse(junit).getroot().iter("testcase")  # noqa: S314 - Schemathesis has written it
    return [
        GeneratedFailure(case.get("name", ""), _read_lines(failure))
        for case in cases
        for failure in [*case.iter("failure"), *case.iter("error")]
    ]


def _read_lines(failure: ET.Element) -> tuple[str, ...]:
    text = f"{failure.get('message') or ''}\n{failure.text or ''}"
    return tuple(line.strip() for line in text.splitlines() if line.strip())[:MAX_LINES]

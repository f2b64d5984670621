"""Which requests Schemathesis has sent, a line of JSON each: its hooks write them down, and the run reads them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

VARIABLE = "DUOLOGUE_JOURNAL"
"""The environment variable that has the file's path; without it, nothing is written."""


class Response(Protocol):
    """A response of requests or of Schemathesis."""

    status_code: int

    @property
    def request(self) -> Any:
        """What it responds to."""

    def json(self) -> Any:
        """Return the body."""


@dataclass(frozen=True)
class JournalEntry:
    """A request and the status of its response.

    Args:
        method: of the request.
        path: of its URL.
        status: of the response.
        created: the path, from the base URL, of what it created; None if it created nothing that can be deleted.
        user_id: of the chat service's user.
    """

    method: str
    path: str
    status: int
    created: str | None = None
    user_id: str | None = None


def note_response(response: Response) -> str | None:
    """Write down a request; return the id of the user or the session that it created, if any."""
    request = response.request
    path = urlsplit(request.url).path
    folder = path.rstrip("/").rpartition("/")[2]
    creates = request.method == "POST" and response.status_code == 201 and folder in ("users", "chats")
    id = _read_id(response) if creates else None
    created = f"/{folder}/{id}" if id else None
    _write(JournalEntry(request.method, path, response.status_code, created, _get_user_id(request.headers)))
    return id


def _read_id(response: Response) -> str | None:
    try:
        body = response.json()
        return str(body["id"] if "id" in body else body["data"]["_id"])
    except (ValueError, TypeError, KeyError):  # the server does not keep the contract
        return None


def read_journal(path: Path) -> Iterator[JournalEntry]:
    """Yield what was written down; nothing where nothing was."""
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        try:
            yield JournalEntry(**json.loads(line))
        except ValueError:  # the process was ended as it wrote
            return


def _get_user_id(headers: Mapping[str, Any]) -> str | None:
    value = next((value for name, value in headers.items() if name.lower() == "x-user-id"), None)
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _write(entry: JournalEntry) -> None:
    path = os.environ.get(VARIABLE)
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(entry)) + "\n")

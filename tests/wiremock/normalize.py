"""What two servers' answers are compared by: what depends on the moment, the port or chance is replaced."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Any

from tests.wiremock.cases import Admin, Case, Send, Step
from tests.wiremock.wire import Received

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

FRAMING = frozenset({"transfer-encoding", "content-length", "connection", "date"})
"""Headers that belong to the connection, or to the moment."""

MATCHED = "matched"
UNMATCHED = "unmatched"
FAILED = "failed"

PLAIN = {"status": 200, "reason": "OK", "headers": [["Matched-Stub-Id", "<uuid 1>"]], "body": MATCHED}
"""The answer of the stub of a case that is only about what it matches."""

Answer = dict[str, Any] | str
"""What is recorded of a response: `matched`, `unmatched`, `failed` (an exception in the server), or a JSON object."""


class Normalizer:
    """Normalizes the answers of one case by one server.

    Random ids are numbered in the order in which they appear; those that the case itself names are kept.

    Args:
        case: the case.
        port: the server's port.
    """

    def __init__(self, case: Case, port: int) -> None:
        self._port = port
        self._names: dict[str, str] = {id: id for step in case.steps for id in UUID.findall(_read_text(step))}

    def normalize(self, step: Step, received: Received) -> Answer:
        """Return what is compared of the answer to a step."""
        if received.status is None:
            # How it ends after some bytes is a matter of the moment: what follows a close may be answered with a reset.
            return {"ending": "cut off" if received.raw else received.ending, "raw": received.raw.decode("latin-1")}
        if isinstance(step, Send) and _is_by_server(received):
            return FAILED if received.status >= HTTPStatus.INTERNAL_SERVER_ERROR else UNMATCHED
        if isinstance(step, Admin) and received.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return FAILED
        answer: dict[str, Any] = {"status": received.status}
        if isinstance(step, Admin):
            return answer | self._describe_json(received)
        answer["reason"] = received.reason
        answer["headers"] = [
            [name, self._replace(value)] for name, value in received.headers if name.lower() not in FRAMING
        ]
        answer["body"] = received.body.decode("latin-1")
        return MATCHED if answer == PLAIN else answer

    def _describe_json(self, received: Received) -> dict[str, Any]:
        if not received.body.strip():
            return {}
        try:
            value = json.loads(received.body)
        except ValueError:
            return {"text": self._replace(received.body.decode("latin-1"))}
        return {"json": self._walk(value)}

    def _walk(self, value: Any, key: str = "") -> Any:
        if key in _MOMENTARY and isinstance(value, (int, float, str)):
            return f"<{_MOMENTARY[key]}>"
        if key == "timing":
            return {"addedDelay": value["addedDelay"]}
        if isinstance(value, dict):
            return {self._replace(name): self._walk(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self._walk(item) for item in value]
        if key == "port" and value == self._port:
            return "<port>"
        return self._replace(value) if isinstance(value, str) else value

    def _replace(self, text: str) -> str:
        def name(match: re.Match[str]) -> str:
            return self._names.setdefault(match[0], f"<uuid {len(self._names) + 1}>")

        return UUID.sub(name, text.replace(f"localhost:{self._port}", "localhost:<port>"))


_MOMENTARY = {
    "loggedDate": "date",
    "loggedDateString": "date",
    "timeOffsetNanos": "time",
}
"""Keys whose values depend on the moment."""


def _read_text(step: Step) -> str:
    return f"{step.path} {step.encode().decode('latin-1')}" if isinstance(step, Admin) else step.url


def _is_by_server(received: Received) -> bool:
    """Whether no stub answered: what answered then is the server itself, and no two servers do that alike.

    A fault that looks like a response has no header of its own.
    """
    names = {name.lower() for name, _ in received.headers} - FRAMING
    return bool(names) and "matched-stub-id" not in names

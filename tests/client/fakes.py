"""A transport and a clock in memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from duologue import APIError, Clock, Request, Response

Outcome = Response | APIError | Callable[[Request], Response]

USER = {"id": "1", "name": "John Doe", "email": "john@example.com", "role": "admin"}
SESSION = {
    "_id": "test-session-1",
    "title": "Test Session",
    "isFavorite": False,
    "lastMessageAt": "2024-01-01T00:00:00.000Z",
    "createdAt": "2024-01-01T00:00:00.000Z",
    "updatedAt": "2024-01-01T00:00:00.000Z",
}
MESSAGE = {
    "_id": "test-message-1",
    "sessionId": "test-session-1",
    "sender": "user",
    "content": "Hello, world!",
    "createdAt": "2024-01-01T00:00:00.000Z",
}
TOKENS = {"token": "token-2", "refreshToken": "refresh-2", "expiresIn": 900}


def reply(status: int = 200, body: object = None, headers: Mapping[str, str] | None = None) -> Response:
    """A response with a JSON body."""
    return Response(status, headers, b"" if body is None else json.dumps(body).encode())


def enveloped(data: object, status: int = 200) -> Response:
    """A response of the chat service."""
    metadata = {"timestamp": "2024-01-01T00:00:00.000Z", "requestId": "r", "version": "1"}
    return reply(status, {"data": data, "message": "done", "metadata": metadata})


class FakeTransport:
    """Returns or raises the next outcome for each request; the last one is repeated."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.requests: list[Request] = []
        self._lock = threading.Lock()

    def send(self, request: Request, /) -> Response:
        with self._lock:
            outcome = self.outcomes[min(len(self.requests), len(self.outcomes) - 1)]
            self.requests.append(request)
        if isinstance(outcome, APIError):
            raise outcome
        if isinstance(outcome, Response):
            return outcome
        return outcome(request)

    @property
    def last(self) -> Request:
        return self.requests[-1]


class FakeClock(Clock):
    """A clock that moves only when a thread sleeps."""

    def __init__(self) -> None:
        self.time = datetime(2024, 1, 1, tzinfo=UTC)
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def sleep(self, seconds: float, until: threading.Event) -> None:
        self.slept.append(seconds)
        self.time += timedelta(seconds=seconds)

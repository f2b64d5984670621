"""A platform that issues tokens and knows whose they are."""

from __future__ import annotations

import threading
from collections.abc import Callable

from duologue import (
    Client,
    Request,
    Response,
)
from tests.client.fakes import USER, reply

JANE = {**USER, "id": "2", "name": "Jane Smith", "role": "user"}


class Platform:
    """A platform that issues numbered tokens, and accepts only the last one."""

    def __init__(self, user: dict[str, str] = USER, lifetime: int = 900) -> None:
        self.user = user
        self.lifetime = lifetime
        self.number = 0
        self.paths: list[str] = []
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Response:
        path = request.url.partition("/api")[2]
        with self._lock:
            self.paths.append(path)
            if path in ("/auth/login", "/auth/refresh"):
                return self._tokens(path)
        if path == "/auth/logout":
            return reply(204)
        return reply(200, self.user) if self.accepts(request) else reply(401, {"message": "Token expired"})

    def accepts(self, request: Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer token-{self.number}"

    def _tokens(self, path: str) -> Response:
        self.number += 1
        tokens = {
            "token": f"token-{self.number}",
            "refreshToken": f"refresh-{self.number}",
            "expiresIn": self.lifetime,
        }
        return reply(200, {**tokens, "user": self.user} if path == "/auth/login" else tokens)


def log_in(api: Client) -> None:
    api.auth.login(email="john@example.com", password="password")


def run_together(work: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=one) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)

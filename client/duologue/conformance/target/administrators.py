"""Who changes users where an anonymous caller may not, or has no requests left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import requests

from duologue.conformance.target.caller import Api
from duologue.conformance.target.facts import Facts
from duologue.conformance.target.unique_names import build_user, unique

_LEEWAY = 0.25
"""Part of a token's lifetime at whose end another is fetched."""
_RESERVE = 100
"""Requests that a test may send: with fewer left, the next test has another administrator."""
_ANONYMOUS_RESERVE = 30
"""Requests without a token that a test may send: with fewer left, the next test waits until there are more."""


class Administrators:
    """The callers of the platform for whom tests create and change users.

    A server that lets anonymous callers in needs none. Where requests are limited, each has a budget of its own; so
    another is created when one has nearly used it up.

    Args:
        anonymous: calls the platform without a token.
        facts: what the server promises.
        clock: returns seconds.
        sleep: waits for seconds.
    """

    def __init__(
        self,
        anonymous: Api,
        facts: Facts,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._anonymous = anonymous
        self._facts = facts
        self._clock = clock
        self._sleep = sleep
        self._anonymous_budget: tuple[int, float] | None = None
        self._lock = threading.Lock()
        self._login = facts.admin or facts.user
        self._credentials = None if self._login is None else (self._login.email, self._login.password)
        self._created: list[tuple[str, tuple[str, str]]] = []
        self._token = ""
        self._renew_at = 0.0
        self._remaining: int | None = None

    def get_token(self) -> str | None:
        """Return the token of the present administrator; None where none is needed, or no login is known."""
        if self._credentials is None or not (self._facts.requires_auth or self._created):
            return None
        with self._lock:
            if not self._token or self._clock() >= self._renew_at:
                self._log_in()
            return self._token

    def note(self, response: requests.Response) -> None:
        """Remember how many requests the administrator has left."""
        self._remaining = _read_number(response, "RateLimit-Remaining")

    def note_anonymous(self, response: requests.Response) -> None:
        """Remember how many requests an anonymous caller has left, and until when."""
        remaining, reset = (_read_number(response, f"RateLimit-{name}") for name in ("Remaining", "Reset"))
        if response.status_code != 401 and remaining is not None and reset is not None:
            self._anonymous_budget = remaining, self._clock() + reset

    def prepare_test(self) -> None:
        """Create another administrator, or wait, if there may not be enough requests left for a test."""
        self._wait_for_budget()
        if self._is_running_out() and (not self._facts.requires_auth or self._facts.admin):
            self._create()

    def make_room(self) -> None:
        """Wait if an anonymous caller may have few requests left; those on bare connections count too, unnoted."""
        if self._facts.rate_limit is not None:
            self.note_anonymous(self._anonymous.get("/health"))
            self._wait_for_budget()

    def remove_created(self) -> list[str]:
        """Delete the administrators that were created; return the URLs of those that could not be, and why."""
        left_over = []
        for user_id, credentials in reversed(self._created):
            self._credentials, self._token = credentials, ""
            try:
                status: object = self._call().delete(f"/users/{user_id}").status_code
            except (requests.RequestException, AssertionError) as error:
                status = type(error).__name__
            if status not in (204, 404):
                left_over.append(f"{self._anonymous.url}/users/{user_id} ({status})")
        self._created.clear()
        return left_over

    def _is_running_out(self) -> bool:
        limit = self._facts.rate_limit
        if limit is None:
            return False
        if self._credentials is None:  # all anonymous callers share one budget
            return True
        return self._remaining is not None and self._remaining < min(_RESERVE, limit // 2)

    def _wait_for_budget(self) -> None:
        if self._anonymous_budget is None or self._facts.rate_limit is None:
            return
        remaining, renewed_at = self._anonymous_budget
        if remaining < min(_ANONYMOUS_RESERVE, self._facts.rate_limit // 2):
            self._sleep(max(0.0, renewed_at - self._clock()))
            self._anonymous_budget = None

    def _create(self) -> None:
        password = unique("secret")
        body = build_user(role="admin", password=password)
        response = self._call().post("/users", body)
        if response.status_code == 201:
            self._created.append((response.json()["id"], (body["email"], password)))
            self._credentials, self._token, self._remaining = (body["email"], password), "", None

    def _call(self) -> Api:
        token = self.get_token()
        return self._anonymous if token is None else self._anonymous.with_token(token)

    def _log_in(self) -> None:
        assert self._credentials is not None
        email, password = self._credentials
        response = self._anonymous.post("/auth/login", {"email": email, "password": password})
        assert response.status_code == 200, f"the login of {email} is refused: {response.status_code}"
        body: dict[str, Any] = response.json()
        self._token = body["token"]
        self._renew_at = self._clock() + body["expiresIn"] * (1 - _LEEWAY)


def _read_number(response: requests.Response, header: str) -> int | None:
    value = response.headers.get(header, "")
    return int(value) if value.isdigit() else None

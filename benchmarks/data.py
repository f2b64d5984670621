"""The users that every server serves and the requests that are measured; the same for all, so that responses match."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

USERS = 32  # our two fixture users, and thirty more, so that a page of twenty is full and has a next one
PAGE_SIZE = 20
FIXTURE_USERS = 2  # how many of them our server starts with


@dataclass(frozen=True)
class Case:
    """One kind of request; `body` is set for POST, with %NUMBER% where each request differs."""

    name: str
    path: str
    status: int
    body: str = ""


GET_ONE = Case("GET one", "/api/users/1", 200)
GET_PAGE = Case("GET page", f"/api/users?page=1&limit={PAGE_SIZE}", 200)
POST_ONE = Case(
    "POST one",
    "/api/users",
    201,
    # %RUN% differs in each run of wrk: our server responds with 409 if an email is already in use.
    json.dumps({"name": "Bench User", "email": "bench-%RUN%-%NUMBER%@example.com", "role": "user"}),
)
CASES = (GET_ONE, GET_PAGE, POST_ONE)


def build_page_case(number: int) -> Case:
    """Return the case for any page of users, to check whether a late page of a long list costs more than the first."""
    return Case(f"page {number:,}", f"/api/users?page={number}&limit={PAGE_SIZE}", 200)


def build_user(number: int) -> dict[str, str]:
    """Return the user with this number. The first two are the fixture users that our server starts with."""
    if number == 1:
        return {"id": "1", "name": "John Doe", "email": "john@example.com", "role": "admin"}
    if number == 2:
        return {"id": "2", "name": "Jane Smith", "email": "jane@example.com", "role": "user"}
    return {"id": str(number), "name": "Bench User", "email": f"bench-{number}@example.com", "role": "user"}


def build_users(count: int = USERS) -> list[dict[str, str]]:
    """Return the first `count` users."""
    return [build_user(number) for number in range(1, count + 1)]


def build_first_page() -> dict[str, Any]:
    """Return the response to `GET page`, for the peers that are configured with fixed responses."""
    return {
        "users": build_users(PAGE_SIZE),
        "total": USERS,
        "page": 1,
        "limit": PAGE_SIZE,
        "hasMore": True,
        "nextPage": 2,
    }


def describe_mismatch(case: Case, status: int, body: bytes) -> str:
    """Return how a response differs from what the case expects, or an empty string if it does not.

    A server that responds quickly with something else must not win, so each case is checked once before it is measured.
    """
    if status != case.status:
        return f"status {status} instead of {case.status}"
    try:
        content = json.loads(body)
    except ValueError:
        return "the response is not JSON"
    if case.path.startswith("/api/users?"):
        return _describe_page_mismatch(content)
    if not isinstance(content, dict) or not {"id", "name", "email", "role"} <= set(content):
        return "the response is not a user"
    return ""


def _describe_page_mismatch(content: object) -> str:
    users = content.get("users") if isinstance(content, dict) else content  # json-server sends the list alone
    if not isinstance(users, list):
        return "the response is not a page of users"
    return "" if len(users) == PAGE_SIZE else f"a page of {len(users)} users instead of {PAGE_SIZE}"

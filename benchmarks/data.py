"""What every server serves and every request asks: one set of users, so that all answer with the same bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

USERS = 32  # our two fixture users, and thirty more so that a page of twenty is full and has a next one
PAGE = 20
OWN_FIXTURES = 2  # how many of them our server has by itself


@dataclass(frozen=True)
class Case:
    """One kind of request; `body` is given for POST, with %NUMBER% where each request differs."""

    name: str
    path: str
    status: int
    body: str = ""


GET_ONE = Case("GET one", "/api/users/1", 200)
GET_PAGE = Case("GET page", f"/api/users?page=1&limit={PAGE}", 200)
POST_ONE = Case(
    "POST one",
    "/api/users",
    201,
    # %RUN% keeps the addresses of two runs apart: ours answers 409 to an address it has seen.
    json.dumps({"name": "Bench User", "email": "bench-%RUN%-%NUMBER%@example.com", "role": "user"}),
)
CASES = (GET_ONE, GET_PAGE, POST_ONE)


def page_case(number: int) -> Case:
    """Any page of users, for asking whether a page far into a long list costs more than the first."""
    return Case(f"page {number:,}", f"/api/users?page={number}&limit={PAGE}", 200)


def user(number: int) -> dict[str, str]:
    """The numbered user. The first two are the fixture users our server starts with."""
    if number == 1:
        return {"id": "1", "name": "John Doe", "email": "john@example.com", "role": "admin"}
    if number == 2:
        return {"id": "2", "name": "Jane Smith", "email": "jane@example.com", "role": "user"}
    return {"id": str(number), "name": "Bench User", "email": f"bench-{number}@example.com", "role": "user"}


def users(count: int = USERS) -> list[dict[str, str]]:
    """The first `count` users."""
    return [user(number) for number in range(1, count + 1)]


def first_page() -> dict[str, Any]:
    """The answer to `GET page`, for the peers that are given their answers ready-made."""
    return {"users": users(PAGE), "total": USERS, "page": 1, "limit": PAGE, "hasMore": True, "nextPage": 2}


def why_wrong(case: Case, status: int, body: bytes) -> str:
    """Why this is not the answer the case asks for; empty if it is.

    Speed means nothing if a server answers something else quickly, so each case is asked once and read before it is
    measured.
    """
    if status != case.status:
        return f"answered {status} where {case.status} was expected"
    try:
        answer = json.loads(body)
    except ValueError:
        return "answered something that is not JSON"
    if case.path.startswith("/api/users?"):
        return _why_wrong_page(answer)
    if not isinstance(answer, dict) or not {"id", "name", "email", "role"} <= set(answer):
        return "answered something that is not a user"
    return ""


def _why_wrong_page(answer: object) -> str:
    found = answer.get("users") if isinstance(answer, dict) else answer  # json-server answers with the bare list
    if not isinstance(found, list):
        return "answered something that is not a page of users"
    return "" if len(found) == PAGE else f"answered a page of {len(found)} users where {PAGE} were expected"

"""From a method and a path to an operation."""

from __future__ import annotations

import pytest

from duologue.contract import Operation, operations
from duologue_mock.http.routing import Routes, format_allow

ROUTES = Routes(operations())


def concrete(one: Operation[None]) -> str:
    return one.route.format_map(dict.fromkeys(one.parameters, "some-id"))


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("one", operations(), ids=lambda one: one.id)
def test_find(one: Operation[None], slash: str) -> None:
    match = ROUTES.find(concrete(one) + slash)
    assert match is not None
    methods, args = match
    assert methods[one.method] is one
    assert args == dict.fromkeys(one.parameters, "some-id")


def test_routes_are_unique() -> None:
    assert len({(one.method, one.route) for one in operations()}) == len(operations())
    assert len({one.id for one in operations()}) == len(operations())


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "//",
        "/api",
        "/api/",
        "/users",
        "/api/user",
        "/API/users",
        "/api//users",
        "//api/users",
        "/api/users//",
        "/api/users/1/2",
        "/api/users/../users/1/x",
        "/api/auth",
        "/chats-service/api/v1",
        "/chats-service/api/v1/users",
        "/api/chats",
        "/chats-service/api/v1/chats//messages",
        "/chats-service/api/v1/chats/1/favorites",
        "/chats-service/api/v1/chats/1/messages/2",
        "api/users",
        "*",
        "/*",
    ],
)
def test_unknown_path(path: str) -> None:
    assert ROUTES.find(path) is None


@pytest.mark.parametrize("id", ["1", "..", ".", "a b", "%2f", "ü", "\r\n", "\x00", "x" * 9000, "{id}", "messages"])
def test_path_parameter(id: str) -> None:
    match = ROUTES.find(f"/chats-service/api/v1/chats/{id}/messages")
    assert match is not None
    assert match[1] == {"id": id}


@pytest.mark.parametrize(
    ("method", "path", "nearest"),
    [
        ("GET", "/api/user", "GET /api/users"),
        ("GET", "/users", "GET /api/users"),
        ("POST", "/api/login", "POST /api/auth/login"),
        ("POST", "/chats-service/api/v1/chat", "POST /chats-service/api/v1/chats"),
        ("PATCH", "/chats-service/api/v1/chats/5/favourite", "PATCH /chats-service/api/v1/chats/{id}/favorite"),
    ],
)
def test_suggestions(method: str, path: str, nearest: str) -> None:
    suggestions = ROUTES.suggest(method, path)
    assert nearest in suggestions
    assert len(suggestions) <= 3


@pytest.mark.parametrize("path", ["", "/", "x" * 100_000, "\x00" * 5000])
def test_no_suggestions(path: str) -> None:
    assert len(ROUTES.suggest("GET", path)) <= 3


@pytest.mark.parametrize(
    ("methods", "allow"),
    [
        (["GET", "POST"], "GET, HEAD, OPTIONS, POST"),
        (["POST"], "OPTIONS, POST"),
        (["GET", "PUT", "DELETE"], "DELETE, GET, HEAD, OPTIONS, PUT"),
        ([], "OPTIONS"),
    ],
)
def test_allow(methods: list[str], allow: str) -> None:
    assert format_allow(methods) == allow


def test_suggestions_are_bounded() -> None:
    """However long the path, no more of it is compared."""
    for beginning in ("/api/users", "x" * 200):
        path = beginning.ljust(200, "/")
        assert ROUTES.suggest("GET", path + "x" * 100_000) == ROUTES.suggest("GET", path)

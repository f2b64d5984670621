"""Users: `/api/users`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from duologue.conformance.rules import covers
from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import create_user, log_in
from duologue.conformance.target.responses import check_error
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import build_user, unique
from duologue.contract import users

BAD_NAMES = [
    "",
    " ",
    "\t\n",
    "a" * 101,
    "😀" * 101,
    "two\nlines",
    "nul\x00",
    "bell\x07",
    "del\x7f",
    "c1\x85",
    7,
    None,
    [],
]
BAD_EMAILS = ["", "john", "john@", "@example.com", "a@b", "a b@example.com", "john@exa mple.com", "j@x..com", 7, None]


@covers(users.CREATE, 201)
def test_create(platform: Api) -> None:
    body = build_user()

    response = platform.post("/users", body)

    assert response.status_code == 201
    user = response.json()
    assert isinstance(user["id"], str)
    assert user == {"id": user["id"], "name": body["name"], "email": body["email"], "role": "user"}


@covers(users.GET, 200)
def test_location(server: Server) -> None:
    response = server.platform.post("/users", build_user(role="admin"))

    user, location = response.json(), response.headers["Location"]
    assert location == f"{urlsplit(server.base_url).path}/users/{user['id']}"
    response = server.at_origin("platform").get(location)
    assert response.status_code == 200
    assert response.json() == user


def test_password_is_never_sent(platform: Api) -> None:
    response = platform.post("/users", build_user(password="open sesame"))

    assert "sesame" not in response.text + platform.get(f"/users/{response.json()['id']}").text


@pytest.mark.parametrize("name", ["a", "a" * 100, "😀" * 100, "שלום עולם", "O'Brien <script>", "Zoë 🤖", "％"])
def test_name_length(platform: Api, name: str) -> None:
    assert create_user(platform, name=name)["name"] == name


def test_name_is_trimmed(platform: Api) -> None:
    assert create_user(platform, name="  Ada  Lovelace ")["name"] == "Ada  Lovelace"


@covers(users.CREATE, 400)
@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_invalid_name(platform: Api, name: Any) -> None:
    body = build_user(name=name)

    assert "name" in check_error(platform.post("/users", body), 400)["details"]["fields"]
    assert platform.get("/users", query={"search": body["email"]}).json()["total"] == 0


@pytest.mark.parametrize("email", BAD_EMAILS, ids=ascii)
def test_invalid_email(platform: Api, email: Any) -> None:
    assert "email" in check_error(platform.post("/users", build_user(email=email)), 400)["details"]["fields"]


@pytest.mark.parametrize("role", ["root", "", "Admin", None, 1, ["admin"]], ids=ascii)
def test_invalid_role(platform: Api, role: Any) -> None:
    assert "role" in check_error(platform.post("/users", build_user(role=role)), 400)["details"]["fields"]


@pytest.mark.parametrize("missing", ["name", "email"])
def test_required_fields(platform: Api, missing: str) -> None:
    body = build_user()
    del body[missing]

    assert set(check_error(platform.post("/users", body), 400, missing)["details"]["fields"]) == {missing}


def test_all_errors_at_once(platform: Api) -> None:
    body = check_error(platform.post("/users", {"name": "", "email": "unknown", "role": "root"}), 400)

    assert set(body["details"]["fields"]) == {"name", "email", "role"}


@covers(users.CREATE, 409)
@covers(users.UPDATE, 409)
def test_email_is_unique(platform: Api) -> None:
    first, second = create_user(platform), create_user(platform)
    taken = first["email"].upper()

    check_error(platform.post("/users", build_user(email=taken)), 409)
    check_error(platform.put(f"/users/{second['id']}", {"email": taken}), 409)

    assert platform.get(f"/users/{second['id']}").json() == second
    assert platform.get("/users", query={"search": first["email"]}).json()["total"] == 1


def test_email_is_free_again(platform: Api) -> None:
    moved, gone = create_user(platform), create_user(platform)
    platform.put(f"/users/{moved['id']}", {"email": f"{unique('new')}@example.com"})
    platform.delete(f"/users/{gone['id']}")

    for email in (moved["email"], gone["email"]):
        create_user(platform, email=email)


@covers(users.GET, 404)
@covers(users.UPDATE, 404)
@covers(users.DELETE, 404)
def test_not_found(platform: Api) -> None:
    path = f"/users/{unique('unknown')}"

    check_error(platform.get(path), 404)
    check_error(platform.put(path, {"name": "Unknown"}), 404)
    check_error(platform.delete(path), 404)


@covers(users.UPDATE, 200)
@pytest.mark.parametrize("change", [{"name": "Grace Hopper"}, {"role": "admin"}, {}], ids=ascii)
def test_partial_update(platform: Api, change: dict[str, Any]) -> None:
    user = create_user(platform)

    changed = platform.put(f"/users/{user['id']}", change)

    assert changed.status_code == 200
    assert changed.json() == {**user, **change} == platform.get(f"/users/{user['id']}").json()


def test_update_of_everything(platform: Api) -> None:
    user = create_user(platform)
    wanted = {**user, "email": f"{unique('new')}@example.com", "name": "Grace"}

    assert platform.put(f"/users/{user['id']}", wanted).json() == wanted


def test_update_of_own_email_case(platform: Api) -> None:
    user = create_user(platform)
    shouted = user["email"].upper()

    assert platform.put(f"/users/{user['id']}", {"email": shouted}).json() == {**user, "email": shouted}

    check_error(platform.post("/users", build_user(email=user["email"])), 409)
    assert platform.delete(f"/users/{user['id']}").status_code == 204
    create_user(platform, email=user["email"])


def test_update_of_id(platform: Api) -> None:
    user = create_user(platform)

    check_error(platform.put(f"/users/{user['id']}", {"id": "1" + user["id"], "name": "Thief"}), 400, "id")

    assert platform.get(f"/users/{user['id']}").json() == user


@covers(users.UPDATE, 400)
@pytest.mark.parametrize(
    "change",
    [*({"name": name} for name in BAD_NAMES), *({"email": email} for email in BAD_EMAILS), {"role": "root"}],
    ids=ascii,
)
def test_invalid_update(platform: Api, change: dict[str, Any]) -> None:
    user = create_user(platform)

    body = check_error(platform.put(f"/users/{user['id']}", {"name": "Fine", **change}), 400)

    assert set(body["details"]["fields"]) == set(change)
    assert platform.get(f"/users/{user['id']}").json() == user


@covers(users.DELETE, 204)
def test_delete(platform: Api) -> None:
    user = create_user(platform)
    path = f"/users/{user['id']}"

    gone = platform.delete(path)

    assert gone.status_code == 204
    assert gone.content == b""
    check_error(platform.get(path), 404)
    check_error(platform.put(path, {"name": "Ghost"}), 404)
    check_error(platform.delete(path), 404)
    assert platform.get("/users", query={"search": user["email"]}).json()["users"] == []


@covers(users.LIST, 200)
def test_pages(platform: Api) -> None:
    mark = unique("page")
    created_users = [create_user(platform, name=f"{mark} {number}") for number in range(5)]
    pages = [platform.get("/users", query={"search": mark, "limit": 2, "page": page}).json() for page in (1, 2, 3, 4)]

    assert [user for page in pages for user in page["users"]] == created_users
    assert [page["total"] for page in pages] == [5, 5, 5, 5]
    assert [page["page"] for page in pages] == [1, 2, 3, 4]
    assert [page["limit"] for page in pages] == [2, 2, 2, 2]
    assert [page["hasMore"] for page in pages] == [True, True, False, False]
    assert [page.get("nextPage", "left out") for page in pages] == [2, 3, "left out", "left out"]


def test_default_page(platform: Api) -> None:
    mark = unique("ten")
    created_users = [create_user(platform, name=f"{mark} {number}") for number in range(11)]

    page = platform.get("/users", query={"search": mark}).json()

    assert set(page) == {"users", "total", "page", "limit", "hasMore", "nextPage"}
    assert page == {"users": created_users[:10], "total": 11, "page": 1, "limit": 10, "hasMore": True, "nextPage": 2}


def test_full_last_page(platform: Api) -> None:
    mark = unique("full")
    create_user(platform, name=f"{mark} 1")
    create_user(platform, name=f"{mark} 2")

    page = platform.get("/users", query={"search": mark, "limit": 2}).json()

    assert len(page["users"]) == 2
    assert page["hasMore"] is False
    assert "nextPage" not in page


def test_order_after_update(platform: Api) -> None:
    mark = unique("order")
    created_users = [create_user(platform, name=f"{mark} {number}") for number in range(3)]
    platform.put(f"/users/{created_users[0]['id']}", {"name": f"{mark} again"})

    listed = platform.get("/users", query={"search": mark}).json()["users"]

    assert [user["id"] for user in listed] == [user["id"] for user in created_users]


@pytest.mark.parametrize("how", [str, str.upper, str.lower, lambda text: text[2:-2]], ids=["is", "up", "low", "part"])
@pytest.mark.parametrize("where", ["name", "email"])
def test_search(platform: Api, where: str, how: Callable[[str], str]) -> None:
    mark = unique("Search")
    user = create_user(platform, **{where: mark if where == "name" else f"{mark}@example.com"})

    assert platform.get("/users", query={"search": how(mark)}).json()["users"] == [user]


def test_search_ignores_case(platform: Api) -> None:
    mark = unique("É")
    user = create_user(platform, name=f"{mark} Ñandú")

    assert platform.get("/users", query={"search": f"{mark} ñANDÚ".lower()}).json()["users"] == [user]


def test_empty_search(platform: Api) -> None:
    create_user(platform)

    assert platform.get("/users", query={"search": "", "limit": 1}).json()["total"] >= 1


@pytest.mark.parametrize("text", ["%", "_", ".*", "[a-z]+", "\\", "*", "(a+)+$", "' OR 1=1 --"])
def test_search_is_literal(platform: Api, text: str) -> None:
    mark = unique("literal")
    create_user(platform, name=f"{mark} plain")
    user = create_user(platform, name=f"{mark} {text} special")

    page = platform.get("/users", query={"search": f"{mark} {text}"}).json()

    assert page["users"] == [user]


def test_unknown_parameters(platform: Api) -> None:
    assert platform.get("/users", query={"limit": 1, "colour": "red"}).status_code == 200


@pytest.mark.parametrize("role", ["user", "admin"])
def test_everyone_may_read(server: Server, role: str) -> None:
    caller = server.platform.with_token(log_in(server, role=role)["token"])
    other = create_user(server.platform)

    assert caller.get(f"/users/{other['id']}").json() == other
    assert caller.get("/users", query={"search": other["email"]}).json()["users"] == [other]


@covers(users.CREATE, 403)
@covers(users.UPDATE, 403)
@covers(users.DELETE, 403)
def test_user_may_not_change_others(server: Server) -> None:
    caller = server.platform.with_token(log_in(server)["token"])
    other, unborn = create_user(server.platform), build_user()

    check_error(caller.post("/users", unborn), 403)
    check_error(caller.put(f"/users/{other['id']}", {"name": "Owned"}), 403)
    check_error(caller.delete(f"/users/{other['id']}"), 403)

    assert server.platform.get(f"/users/{other['id']}").json() == other
    assert server.platform.get("/users", query={"search": unborn["email"]}).json()["total"] == 0


def test_user_may_change_itself(server: Server) -> None:
    login = log_in(server)
    me, path = server.platform.with_token(login["token"]), f"/users/{login['user']['id']}"

    assert me.put(path, {"name": "New Me"}).json() == {**login["user"], "name": "New Me"}
    check_error(me.put(path, {"name": "Boss", "role": "admin"}), 403)

    assert me.get(path).json() == {**login["user"], "name": "New Me"}


def test_admin_may_do_everything(server: Server) -> None:
    admin = server.platform.with_token(log_in(server, role="admin")["token"])

    user = create_user(admin)
    path = f"/users/{user['id']}"

    assert admin.put(path, {"role": "admin"}).json() == {**user, "role": "admin"}
    assert admin.delete(path).status_code == 204

"""Users: `/api/users`."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from duologue.conformance import sources
from duologue.conformance.rules import covers, rule
from duologue.conformance.shared_requests import Share
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


@rule(
    "users.CREATE.created",
    "Creating a user returns 201 and the user with an id of the server's, the name and e-mail address "
    "that were sent, and the role user unless another is asked for.",
    source=sources.USERS,
    needs=["admin"],
    quick=True,
)
@covers(users.CREATE, 201)
def test_create(platform: Api) -> None:
    body = build_user()

    response = platform.post("/users", body)

    assert response.status_code == 201
    user = response.json()
    assert isinstance(user["id"], str)
    assert user == {"id": user["id"], "name": body["name"], "email": body["email"], "role": "user"}


@rule(
    "users.CREATE.location",
    "Location of a created user is the path at which it can be read.",
    source=sources.USERS,
    needs=["admin"],
    quick=True,
)
@covers(users.GET, 200)
def test_location(server: Server) -> None:
    response = server.platform.post("/users", build_user(role="admin"))

    user, location = response.json(), response.headers["Location"]
    assert location == f"{urlsplit(server.base_url).path}/users/{user['id']}"
    response = server.at_origin("platform").get(location, headers=server.platform.headers)
    assert response.status_code == 200
    assert response.json() == user


@rule(
    "users.CREATE.password-secret",
    "A password is in no response.",
    source=sources.USERS,
    needs=["admin"],
)
def test_password_is_never_sent(platform: Api) -> None:
    response = platform.post("/users", build_user(password="open sesame"))

    assert "sesame" not in response.text + platform.get(f"/users/{response.json()['id']}").text


@rule(
    "users.CREATE.name-bounds",
    "A name has 1 to 100 characters, counted in code points, of any script.",
    source=sources.USERS,
    needs=["admin"],
)
@pytest.mark.parametrize("name", ["a", "a" * 100, "😀" * 100, "שלום עולם", "O'Brien <script>", "Zoë 🤖", "％"])
def test_name_length(platform: Api, name: str) -> None:
    assert create_user(platform, name=name)["name"] == name


@rule(
    "users.CREATE.name-trimmed",
    "White space around a name is removed, and within it stays.",
    source=sources.USERS,
    needs=["admin"],
)
def test_name_is_trimmed(platform: Api) -> None:
    assert create_user(platform, name="  Ada  Lovelace ")["name"] == "Ada  Lovelace"


@rule(
    "users.CREATE.name-invalid",
    "A name that is blank, too long, not a text, or has control characters is 400, is named, and creates no user.",
    source=sources.USERS,
    needs=["admin"],
)
@covers(users.CREATE, 400)
@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_invalid_name(platform: Api, name: Any) -> None:
    body = build_user(name=name)

    assert "name" in check_error(platform.post("/users", body), 400)["details"]["fields"]
    assert platform.get("/users", query={"search": body["email"]}).json()["total"] == 0


@rule(
    "users.CREATE.email-invalid",
    "An e-mail address that is not valid is 400 and named.",
    source=sources.USERS,
    needs=["admin"],
)
@pytest.mark.parametrize("email", BAD_EMAILS, ids=ascii)
def test_invalid_email(platform: Api, email: Any) -> None:
    assert "email" in check_error(platform.post("/users", build_user(email=email)), 400)["details"]["fields"]


@rule(
    "users.CREATE.role-invalid",
    "A role other than admin and user is 400 and named.",
    source=sources.USERS,
    needs=["admin"],
)
@pytest.mark.parametrize("role", ["root", "", "Admin", None, 1, ["admin"]], ids=ascii)
def test_invalid_role(platform: Api, role: Any) -> None:
    assert "role" in check_error(platform.post("/users", build_user(role=role)), 400)["details"]["fields"]


@rule(
    "users.CREATE.fields-required",
    "Name and e-mail address are required; a missing one is 400 and is the only field named.",
    source=sources.USERS,
    needs=["admin"],
)
@pytest.mark.parametrize("missing", ["name", "email"])
def test_required_fields(platform: Api, missing: str) -> None:
    body = build_user()
    del body[missing]

    assert set(check_error(platform.post("/users", body), 400, missing)["details"]["fields"]) == {missing}


@rule(
    "users.CREATE.all-errors",
    "All invalid fields are named in one response.",
    source=sources.USERS,
    needs=["admin"],
)
def test_all_errors_at_once(platform: Api) -> None:
    body = check_error(platform.post("/users", {"name": "", "email": "unknown", "role": "root"}), 400)

    assert set(body["details"]["fields"]) == {"name", "email", "role"}


@rule(
    "users.CREATE.email-unique",
    "An e-mail address that another user has, in whatever case, is 409 when a user is created or changed, "
    "and nothing is changed.",
    source=sources.USERS,
    needs=["admin"],
    quick=True,
)
@covers(users.CREATE, 409)
@covers(users.UPDATE, 409)
def test_email_is_unique(platform: Api) -> None:
    first, second = create_user(platform), create_user(platform)
    taken = first["email"].upper()

    check_error(platform.post("/users", build_user(email=taken)), 409)
    check_error(platform.put(f"/users/{second['id']}", {"email": taken}), 409)

    assert platform.get(f"/users/{second['id']}").json() == second
    assert platform.get("/users", query={"search": first["email"]}).json()["total"] == 1


@rule(
    "users.CREATE.email-free-again",
    "The e-mail address of a user who was deleted, or has another now, can be used again.",
    source=sources.USERS,
    needs=["admin"],
)
def test_email_is_free_again(platform: Api) -> None:
    moved, gone = create_user(platform), create_user(platform)
    platform.put(f"/users/{moved['id']}", {"email": f"{unique('new')}@example.com"})
    platform.delete(f"/users/{gone['id']}")

    for email in (moved["email"], gone["email"]):
        create_user(platform, email=email)


@rule(
    "users.GET.not-found",
    "An unknown user is 404 for reading, changing and deleting.",
    source=sources.USERS,
    needs=["admin"],
    quick=True,
)
@covers(users.GET, 404)
@covers(users.UPDATE, 404)
@covers(users.DELETE, 404)
def test_not_found(platform: Api) -> None:
    path = f"/users/{unique('unknown')}"

    check_error(platform.get(path), 404)
    check_error(platform.put(path, {"name": "Unknown"}), 404)
    check_error(platform.delete(path), 404)


@rule(
    "users.UPDATE.partial",
    "Changing a user changes the fields that are sent and no others, and reading it returns the result.",
    source=sources.USERS,
    needs=["admin"],
    quick=True,
)
@covers(users.UPDATE, 200)
@pytest.mark.parametrize("change", [{"name": "Grace Hopper"}, {"role": "admin"}, {}], ids=ascii)
def test_partial_update(platform: Api, change: dict[str, Any]) -> None:
    user = create_user(platform)

    changed = platform.put(f"/users/{user['id']}", change)

    assert changed.status_code == 200
    assert changed.json() == {**user, **change} == platform.get(f"/users/{user['id']}").json()


@rule(
    "users.UPDATE.whole",
    "The whole user may be sent, its own id included.",
    source=sources.USERS,
    needs=["admin"],
)
def test_update_of_everything(platform: Api) -> None:
    user = create_user(platform)
    wanted = {**user, "email": f"{unique('new')}@example.com", "name": "Grace"}

    assert platform.put(f"/users/{user['id']}", wanted).json() == wanted


@rule(
    "users.UPDATE.own-email-case",
    "A user may change the case of its own e-mail address, which stays taken until the user is deleted.",
    source=sources.USERS,
    needs=["admin"],
)
def test_update_of_own_email_case(platform: Api) -> None:
    user = create_user(platform)
    shouted = user["email"].upper()

    assert platform.put(f"/users/{user['id']}", {"email": shouted}).json() == {**user, "email": shouted}

    check_error(platform.post("/users", build_user(email=user["email"])), 409)
    assert platform.delete(f"/users/{user['id']}").status_code == 204
    create_user(platform, email=user["email"])


@rule(
    "users.UPDATE.id-fixed",
    "Another id than that of the path is 400, and the user stays as it was.",
    source=sources.USERS,
    needs=["admin"],
)
def test_update_of_id(platform: Api) -> None:
    user = create_user(platform)

    check_error(platform.put(f"/users/{user['id']}", {"id": "1" + user["id"], "name": "Thief"}), 400, "id")

    assert platform.get(f"/users/{user['id']}").json() == user


@rule(
    "users.UPDATE.invalid",
    "An invalid field is 400 and named, and none of the fields sent with it is changed.",
    source=sources.USERS,
    needs=["admin"],
)
@covers(users.UPDATE, 400)
@pytest.mark.parametrize(
    "change",
    [*({"name": name} for name in BAD_NAMES), *({"email": email} for email in BAD_EMAILS), {"role": "root"}],
    ids=ascii,
)
def test_invalid_update(share: Share, change: dict[str, Any]) -> None:
    request = share(users.UPDATE)
    before = request.api.get(request.path).json()

    body = check_error(request.with_body({"name": "Fine", **change}).send(), 400)

    assert set(body["details"]["fields"]) == set(change)
    assert request.api.get(request.path).json() == before


@rule(
    "users.DELETE.deleted",
    "Deleting a user returns 204 without a body; after that the user is 404 and in no list.",
    source=sources.USERS,
    needs=["admin"],
    quick=True,
)
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


@rule(
    "users.GET.everyone-reads",
    "Every user may read users and lists of them, whatever its role.",
    source=sources.USERS,
    needs=["admin"],
)
@pytest.mark.parametrize("role", ["user", "admin"])
def test_everyone_may_read(server: Server, role: str) -> None:
    caller = server.platform.with_token(log_in(server, role=role)["token"])
    other = create_user(server.platform)

    assert caller.get(f"/users/{other['id']}").json() == other
    assert caller.get("/users", query={"search": other["email"]}).json()["users"] == [other]


@rule(
    "users.UPDATE.others-forbidden",
    "A user who is not an administrator may neither create users nor change or delete others: that is "
    "403, and nothing is changed.",
    source=sources.USERS,
    needs=["admin"],
    quick=True,
)
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


@rule(
    "users.UPDATE.self-allowed",
    "A user may change itself, but not its role.",
    source=sources.USERS,
    needs=["admin"],
)
def test_user_may_change_itself(server: Server) -> None:
    login = log_in(server)
    me, path = server.platform.with_token(login["token"]), f"/users/{login['user']['id']}"

    assert me.put(path, {"name": "New Me"}).json() == {**login["user"], "name": "New Me"}
    check_error(me.put(path, {"name": "Boss", "role": "admin"}), 403)

    assert me.get(path).json() == {**login["user"], "name": "New Me"}


@rule(
    "users.UPDATE.admin-allowed",
    "An administrator may create, change and delete users.",
    source=sources.USERS,
    needs=["admin"],
    quick=True,
)
def test_admin_may_do_everything(server: Server) -> None:
    admin = server.platform.with_token(log_in(server, role="admin")["token"])

    user = create_user(admin)
    path = f"/users/{user['id']}"

    assert admin.put(path, {"role": "admin"}).json() == {**user, "role": "admin"}
    assert admin.delete(path).status_code == 204

"""Logging in, staying logged in and logging out: `/api/auth`, and what a token is good for."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from duologue.contract import Operation, auth, health, users
from tests.contract.examples import PASSWORD, ask, each, log_in
from tests.contract.wire import Api, Wire, covers, new_user, refused, unique

CHECKED: list[Operation[Any]] = [
    *(users.LIST, users.CREATE, users.GET, users.UPDATE, users.DELETE),
    *(auth.LOGOUT, auth.ME),
]
"""The platform's operations that look at a token."""

Forger = Callable[[str], str]


@covers(auth.LOGIN, 200)
def test_login(wire: Wire) -> None:
    user = wire.platform.post("/users", new_user(password=PASSWORD)).json()

    login = wire.platform.post("/auth/login", {"email": user["email"], "password": PASSWORD})

    assert login.status_code == 200
    body = login.json()
    assert set(body) == {"user", "token", "refreshToken", "expiresIn"}
    assert body["user"] == user
    assert isinstance(body["expiresIn"], int)
    assert body["expiresIn"] > 0
    assert wire.platform.bearing(body["token"]).get("/auth/me").json() == user


def test_token_is_signed_jwt(wire: Wire) -> None:
    login = log_in(wire)

    header, claims, signature = login["token"].split(".")

    assert _decoded(header)["alg"] != "none"
    assert signature
    assert _decoded(claims)["sub"] == login["user"]["id"]
    assert abs(_decoded(claims)["exp"] - (time.time() + login["expiresIn"])) < 60


@covers(auth.LOGIN, 401)
def test_login_failures_are_alike(wire: Wire) -> None:
    user = log_in(wire)["user"]

    wrong = refused(wire.platform.post("/auth/login", {"email": user["email"], "password": "wrong"}), 401)
    unknown = f"{unique('nobody')}@example.com"
    nobody = refused(wire.platform.post("/auth/login", {"email": unknown, "password": PASSWORD}), 401)

    assert {**wrong, "metadata": {}} == {**nobody, "metadata": {}}


def test_login_without_password(platform: Api) -> None:
    user = platform.post("/users", new_user()).json()

    for password in ("password", "None", " "):
        refused(platform.post("/auth/login", {"email": user["email"], "password": password}), 401)


@covers(auth.LOGIN, 400)
@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["email", "password"]),
        ({"email": "john@example.com"}, ["password"]),
        ({"password": "password"}, ["email"]),
        ({"email": "john", "password": "password"}, ["email"]),
        ({"email": "john@example.com", "password": ""}, ["password"]),
        ({"email": "john@example.com", "password": 7}, ["password"]),
        ({"email": ["john@example.com"], "password": "password"}, ["email"]),
    ],
    ids=ascii,
)
def test_malformed_login(platform: Api, body: dict[str, Any], wrong: list[str]) -> None:
    assert sorted(refused(platform.post("/auth/login", body), 400)["details"]["fields"]) == wrong


@covers(auth.REFRESH, 200)
def test_refresh(wire: Wire) -> None:
    login = log_in(wire)

    refreshed = wire.platform.post("/auth/refresh", {"refreshToken": login["refreshToken"]})

    assert refreshed.status_code == 200
    tokens = refreshed.json()
    assert set(tokens) == {"token", "refreshToken", "expiresIn"}
    assert tokens["refreshToken"] != login["refreshToken"]
    assert wire.platform.bearing(tokens["token"]).get("/auth/me").json() == login["user"]
    assert wire.platform.post("/auth/refresh", {"refreshToken": tokens["refreshToken"]}).status_code == 200


@covers(auth.REFRESH, 401)
def test_refresh_token_reuse(wire: Wire) -> None:
    login = log_in(wire)
    other = wire.platform.post("/auth/login", {"email": login["user"]["email"], "password": PASSWORD}).json()
    tokens = wire.platform.post("/auth/refresh", {"refreshToken": login["refreshToken"]}).json()

    refused(wire.platform.post("/auth/refresh", {"refreshToken": login["refreshToken"]}), 401)

    refused(wire.platform.post("/auth/refresh", {"refreshToken": tokens["refreshToken"]}), 401)
    refused(wire.platform.bearing(tokens["token"]).get("/auth/me"), 401)
    refused(wire.platform.bearing(login["token"]).get("/auth/me"), 401)
    assert wire.platform.bearing(other["token"]).get("/auth/me").status_code == 200
    assert wire.platform.post("/auth/refresh", {"refreshToken": other["refreshToken"]}).status_code == 200


@pytest.mark.parametrize("token", ["garbage", "a.b.c", "0" * 4096], ids=["garbage", "dots", "long"])
def test_unknown_refresh_token(platform: Api, token: str) -> None:
    refused(platform.post("/auth/refresh", {"refreshToken": token}), 401)


@covers(auth.REFRESH, 400)
@pytest.mark.parametrize("body", [{}, {"refreshToken": ""}, {"refreshToken": None}, {"refreshToken": 7}], ids=ascii)
def test_malformed_refresh(platform: Api, body: dict[str, Any]) -> None:
    refused(platform.post("/auth/refresh", body), 400, "refreshToken")


def test_tokens_are_not_swapped(wire: Wire) -> None:
    login = log_in(wire)

    refused(wire.platform.post("/auth/refresh", {"refreshToken": login["token"]}), 401)
    refused(wire.platform.bearing(login["refreshToken"]).get("/auth/me"), 401)


@covers(auth.LOGOUT, 204)
def test_logout(wire: Wire) -> None:
    login = log_in(wire)
    other = wire.platform.post("/auth/login", {"email": login["user"]["email"], "password": PASSWORD}).json()
    me = wire.platform.bearing(login["token"])

    out = me.post("/auth/logout")

    assert out.status_code == 204
    assert out.content == b""
    refused(me.get("/auth/me"), 401)
    refused(me.post("/auth/logout"), 401)
    refused(wire.platform.post("/auth/refresh", {"refreshToken": login["refreshToken"]}), 401)
    assert wire.platform.bearing(other["token"]).get("/auth/me").status_code == 200


def test_logout_after_refresh(wire: Wire) -> None:
    login = log_in(wire)
    tokens = wire.platform.post("/auth/refresh", {"refreshToken": login["refreshToken"]}).json()

    assert wire.platform.bearing(tokens["token"]).post("/auth/logout").status_code == 204

    refused(wire.platform.bearing(login["token"]).get("/auth/me"), 401)
    refused(wire.platform.post("/auth/refresh", {"refreshToken": tokens["refreshToken"]}), 401)


@covers(auth.ME, 401)
@covers(auth.LOGOUT, 401)
def test_not_logged_in(platform: Api) -> None:
    refused(platform.get("/auth/me"), 401)
    refused(platform.post("/auth/logout"), 401)


@covers(auth.ME, 200)
def test_me_after_update(wire: Wire) -> None:
    login = log_in(wire)
    changed = wire.platform.put(f"/users/{login['user']['id']}", {"name": "New Name", "role": "admin"}).json()

    assert wire.platform.bearing(login["token"]).get("/auth/me").json() == changed


def test_role_is_current(wire: Wire) -> None:
    login = log_in(wire, role="admin")
    wire.platform.put(f"/users/{login['user']['id']}", {"role": "user"})

    refused(wire.platform.bearing(login["token"]).post("/users", new_user()), 403)


def test_deleted_user_is_logged_out(wire: Wire) -> None:
    login = log_in(wire)
    wire.platform.delete(f"/users/{login['user']['id']}")

    refused(wire.platform.bearing(login["token"]).get("/auth/me"), 401)
    refused(wire.platform.post("/auth/refresh", {"refreshToken": login["refreshToken"]}), 401)
    refused(wire.platform.post("/auth/login", {"email": login["user"]["email"], "password": PASSWORD}), 401)


@each(*CHECKED, answering=[401])
def test_bad_token(wire: Wire, operation: Operation[Any]) -> None:
    asked = ask(wire, operation)

    refused(asked.sending(Authorization="Bearer garbage").send(), 401)


def _decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _encoded(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def _unsigned(token: str) -> str:
    return f"{_encoded({'alg': 'none', 'typ': 'JWT'})}.{token.split('.')[1]}."


def _none_with_signature(token: str) -> str:
    _, claims, signature = token.split(".")
    return f"{_encoded({'alg': 'nOnE', 'typ': 'JWT'})}.{claims}.{signature}"


def _claiming(**claims: Any) -> Forger:
    def forge(token: str) -> str:
        header, said, signature = token.split(".")
        return f"{header}.{_encoded({**_decoded(said), **claims})}.{signature}"

    return forge


def _resigned(token: str) -> str:
    head, _, signature = token.rpartition(".")
    return f"{head}.{signature[:4][::-1]}{'A' if signature[4] != 'A' else 'B'}{signature[5:]}"


def _cut(token: str) -> str:
    return token.rpartition(".")[0] + "."


FORGERIES = {
    "alg none": _unsigned,
    "alg none, signature kept": _none_with_signature,
    "another user": _claiming(sub="1"),
    "administrator": _claiming(role="admin"),
    "forever": _claiming(exp=4_102_444_800),
    "signature changed": _resigned,
    "signature missing": _cut,
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_forged_token(wire: Wire, forge: Forger) -> None:
    token = log_in(wire)["token"]

    refused(wire.platform.bearing(forge(token)).get("/auth/me"), 401)
    refused(wire.platform.bearing(forge(token)).get("/users"), 401)
    assert wire.platform.bearing(token).get("/auth/me").status_code == 200


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Basic am9objpwYXNzd29yZA==", "{token}", "Token {token}", ""])
def test_other_authorization(wire: Wire, value: str) -> None:
    sent = value.replace("{token}", log_in(wire)["token"])

    refused(wire.platform.get("/auth/me", headers={"Authorization": sent}), 401)


def test_scheme_ignores_case(wire: Wire) -> None:
    token = log_in(wire)["token"]

    assert wire.platform.get("/auth/me", headers={"Authorization": f"bearer {token}"}).status_code == 200


@each(auth.LOGIN, auth.REFRESH, health.PLATFORM)
def test_login_with_bad_token(wire: Wire, operation: Operation[Any]) -> None:
    assert ask(wire, operation).sending(Authorization="Bearer garbage").send().status_code == operation.status


def test_expired_token(serve: Callable[..., Wire]) -> None:
    wire = serve(access_token_lifetime=1)
    login = log_in(wire)
    me = wire.platform.bearing(login["token"])

    assert login["expiresIn"] == 1
    _wait_until(lambda: me.get("/auth/me").status_code == 401)

    refused(me.get("/users"), 401)
    tokens = wire.platform.post("/auth/refresh", {"refreshToken": login["refreshToken"]})
    assert tokens.status_code == 200
    assert wire.platform.bearing(tokens.json()["token"]).get("/auth/me").status_code == 200


def _wait_until(true: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"


def test_required_auth(serve: Callable[..., Wire]) -> None:
    wire = serve(require_auth=True)
    nobody = wire.platform

    for method, path in [("GET", "/users"), ("GET", "/users/1"), ("DELETE", "/users/2"), ("GET", "/auth/me")]:
        refused(nobody.request(method, path), 401)
    refused(nobody.post("/users", new_user()), 401)
    refused(nobody.put("/users/2", {"name": "Nobody"}), 401)
    assert nobody.get("/health").status_code == 200

    login = nobody.post("/auth/login", {"email": "jane@example.com", "password": "password"}).json()
    assert nobody.bearing(login["token"]).get("/users/2").json()["name"] == "Jane Smith"

"""Logging in, staying logged in and logging out: `/api/auth`, and what a token is good for."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from duologue.conformance.rules import covers
from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import PASSWORD, each, log_in, prepare_request
from duologue.conformance.target.responses import check_error
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import build_user, unique
from duologue.contract import Operation, auth, health, users

CHECKED: list[Operation[Any]] = [
    *(users.LIST, users.CREATE, users.GET, users.UPDATE, users.DELETE),
    *(auth.LOGOUT, auth.ME),
]
"""The platform's operations that look at a token."""

Forger = Callable[[str], str]


@covers(auth.LOGIN, 200)
def test_login(server: Server) -> None:
    user = server.platform.post("/users", build_user(password=PASSWORD)).json()

    login = server.platform.post("/auth/login", {"email": user["email"], "password": PASSWORD})

    assert login.status_code == 200
    body = login.json()
    assert set(body) == {"user", "token", "refreshToken", "expiresIn"}
    assert body["user"] == user
    assert isinstance(body["expiresIn"], int)
    assert body["expiresIn"] > 0
    assert server.platform.with_token(body["token"]).get("/auth/me").json() == user


def test_token_is_signed_jwt(server: Server) -> None:
    login = log_in(server)

    header, claims, signature = login["token"].split(".")

    assert _decode(header)["alg"] != "none"
    assert signature
    assert _decode(claims)["sub"] == login["user"]["id"]
    assert abs(_decode(claims)["exp"] - (time.time() + login["expiresIn"])) < 60


@covers(auth.LOGIN, 401)
def test_login_failures_are_alike(server: Server) -> None:
    user = log_in(server)["user"]

    wrong = check_error(server.platform.post("/auth/login", {"email": user["email"], "password": "wrong"}), 401)
    unknown = f"{unique('unknown')}@example.com"
    of_unknown = check_error(server.platform.post("/auth/login", {"email": unknown, "password": PASSWORD}), 401)

    assert {**wrong, "metadata": {}} == {**of_unknown, "metadata": {}}


def test_login_without_password(platform: Api) -> None:
    user = platform.post("/users", build_user()).json()

    for password in ("password", "None", " "):
        check_error(platform.post("/auth/login", {"email": user["email"], "password": password}), 401)


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
    assert sorted(check_error(platform.post("/auth/login", body), 400)["details"]["fields"]) == wrong


@covers(auth.REFRESH, 200)
def test_refresh(server: Server) -> None:
    login = log_in(server)

    refreshed = server.platform.post("/auth/refresh", {"refreshToken": login["refreshToken"]})

    assert refreshed.status_code == 200
    tokens = refreshed.json()
    assert set(tokens) == {"token", "refreshToken", "expiresIn"}
    assert tokens["refreshToken"] != login["refreshToken"]
    assert server.platform.with_token(tokens["token"]).get("/auth/me").json() == login["user"]
    assert server.platform.post("/auth/refresh", {"refreshToken": tokens["refreshToken"]}).status_code == 200


@covers(auth.REFRESH, 401)
def test_refresh_token_reuse(server: Server) -> None:
    login = log_in(server)
    other = server.platform.post("/auth/login", {"email": login["user"]["email"], "password": PASSWORD}).json()
    tokens = server.platform.post("/auth/refresh", {"refreshToken": login["refreshToken"]}).json()

    check_error(server.platform.post("/auth/refresh", {"refreshToken": login["refreshToken"]}), 401)

    check_error(server.platform.post("/auth/refresh", {"refreshToken": tokens["refreshToken"]}), 401)
    check_error(server.platform.with_token(tokens["token"]).get("/auth/me"), 401)
    check_error(server.platform.with_token(login["token"]).get("/auth/me"), 401)
    assert server.platform.with_token(other["token"]).get("/auth/me").status_code == 200
    assert server.platform.post("/auth/refresh", {"refreshToken": other["refreshToken"]}).status_code == 200


@pytest.mark.parametrize("token", ["garbage", "a.b.c", "0" * 4096], ids=["garbage", "dots", "long"])
def test_unknown_refresh_token(platform: Api, token: str) -> None:
    check_error(platform.post("/auth/refresh", {"refreshToken": token}), 401)


@covers(auth.REFRESH, 400)
@pytest.mark.parametrize("body", [{}, {"refreshToken": ""}, {"refreshToken": None}, {"refreshToken": 7}], ids=ascii)
def test_malformed_refresh(platform: Api, body: dict[str, Any]) -> None:
    check_error(platform.post("/auth/refresh", body), 400, "refreshToken")


def test_tokens_are_not_swapped(server: Server) -> None:
    login = log_in(server)

    check_error(server.platform.post("/auth/refresh", {"refreshToken": login["token"]}), 401)
    check_error(server.platform.with_token(login["refreshToken"]).get("/auth/me"), 401)


@covers(auth.LOGOUT, 204)
def test_logout(server: Server) -> None:
    login = log_in(server)
    other = server.platform.post("/auth/login", {"email": login["user"]["email"], "password": PASSWORD}).json()
    me = server.platform.with_token(login["token"])

    out = me.post("/auth/logout")

    assert out.status_code == 204
    assert out.content == b""
    check_error(me.get("/auth/me"), 401)
    check_error(me.post("/auth/logout"), 401)
    check_error(server.platform.post("/auth/refresh", {"refreshToken": login["refreshToken"]}), 401)
    assert server.platform.with_token(other["token"]).get("/auth/me").status_code == 200


def test_logout_after_refresh(server: Server) -> None:
    login = log_in(server)
    tokens = server.platform.post("/auth/refresh", {"refreshToken": login["refreshToken"]}).json()

    assert server.platform.with_token(tokens["token"]).post("/auth/logout").status_code == 204

    check_error(server.platform.with_token(login["token"]).get("/auth/me"), 401)
    check_error(server.platform.post("/auth/refresh", {"refreshToken": tokens["refreshToken"]}), 401)


@covers(auth.ME, 401)
@covers(auth.LOGOUT, 401)
def test_not_logged_in(platform: Api) -> None:
    check_error(platform.get("/auth/me"), 401)
    check_error(platform.post("/auth/logout"), 401)


@covers(auth.ME, 200)
def test_me_after_update(server: Server) -> None:
    login = log_in(server)
    changed = server.platform.put(f"/users/{login['user']['id']}", {"name": "New Name", "role": "admin"}).json()

    assert server.platform.with_token(login["token"]).get("/auth/me").json() == changed


def test_role_is_current(server: Server) -> None:
    login = log_in(server, role="admin")
    server.platform.put(f"/users/{login['user']['id']}", {"role": "user"})

    check_error(server.platform.with_token(login["token"]).post("/users", build_user()), 403)


def test_deleted_user_is_logged_out(server: Server) -> None:
    login = log_in(server)
    server.platform.delete(f"/users/{login['user']['id']}")

    check_error(server.platform.with_token(login["token"]).get("/auth/me"), 401)
    check_error(server.platform.post("/auth/refresh", {"refreshToken": login["refreshToken"]}), 401)
    check_error(server.platform.post("/auth/login", {"email": login["user"]["email"], "password": PASSWORD}), 401)


@each(*CHECKED, statuses=[401])
def test_bad_token(server: Server, operation: Operation[Any]) -> None:
    request = prepare_request(server, operation)

    check_error(request.with_headers(Authorization="Bearer garbage").send(), 401)


def _decode(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _encode(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def _remove_signature(token: str) -> str:
    return f"{_encode({'alg': 'none', 'typ': 'JWT'})}.{token.split('.')[1]}."


def _use_no_algorithm(token: str) -> str:
    _, claims, signature = token.split(".")
    return f"{_encode({'alg': 'nOnE', 'typ': 'JWT'})}.{claims}.{signature}"


def _forge_claims(**claims: Any) -> Forger:
    def forge(token: str) -> str:
        header, payload, signature = token.split(".")
        return f"{header}.{_encode({**_decode(payload), **claims})}.{signature}"

    return forge


def _sign_again(token: str) -> str:
    head, _, signature = token.rpartition(".")
    return f"{head}.{signature[:4][::-1]}{'A' if signature[4] != 'A' else 'B'}{signature[5:]}"


def _truncate(token: str) -> str:
    return token.rpartition(".")[0] + "."


FORGERIES = {
    "alg none": _remove_signature,
    "alg none, signature kept": _use_no_algorithm,
    "another user": _forge_claims(sub="1"),
    "administrator": _forge_claims(role="admin"),
    "forever": _forge_claims(exp=4_102_444_800),
    "signature changed": _sign_again,
    "signature missing": _truncate,
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_forged_token(server: Server, forge: Forger) -> None:
    token = log_in(server)["token"]

    check_error(server.platform.with_token(forge(token)).get("/auth/me"), 401)
    check_error(server.platform.with_token(forge(token)).get("/users"), 401)
    assert server.platform.with_token(token).get("/auth/me").status_code == 200


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Basic am9objpwYXNzd29yZA==", "{token}", "Token {token}", ""])
def test_other_authorization(server: Server, value: str) -> None:
    sent = value.replace("{token}", log_in(server)["token"])

    check_error(server.platform.get("/auth/me", headers={"Authorization": sent}), 401)


def test_scheme_ignores_case(server: Server) -> None:
    token = log_in(server)["token"]

    assert server.platform.get("/auth/me", headers={"Authorization": f"bearer {token}"}).status_code == 200


@each(auth.LOGIN, auth.REFRESH, health.PLATFORM)
def test_login_with_bad_token(server: Server, operation: Operation[Any]) -> None:
    assert (
        prepare_request(server, operation).with_headers(Authorization="Bearer garbage").send().status_code
        == operation.status
    )

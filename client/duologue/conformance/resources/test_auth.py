"""Logging in, staying logged in and logging out: `/api/auth`, and what a token is good for."""

from __future__ import annotations

from typing import Any

import pytest

from duologue.conformance import sources
from duologue.conformance.rules import covers, rule
from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import PASSWORD, log_in
from duologue.conformance.target.responses import check_error
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import build_user, unique
from duologue.contract import auth


@rule(
    "auth.LOGIN.tokens",
    "Logging in returns the user, an access token that is accepted as that user's, a refresh token, and "
    "how many seconds the access token is valid.",
    source=sources.AUTHENTICATION,
    needs=["admin"],
    quick=True,
)
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


@rule(
    "auth.LOGIN.failures-alike",
    "A wrong password and an unknown e-mail address get the same 401, so that no one learns which addresses exist.",
    source=sources.AUTHENTICATION,
    needs=["admin"],
    quick=True,
)
@covers(auth.LOGIN, 401)
def test_login_failures_are_alike(server: Server) -> None:
    user = log_in(server)["user"]

    wrong = check_error(server.platform.post("/auth/login", {"email": user["email"], "password": "wrong"}), 401)
    unknown = f"{unique('unknown')}@example.com"
    of_unknown = check_error(server.platform.post("/auth/login", {"email": unknown, "password": PASSWORD}), 401)

    assert {**wrong, "metadata": {}} == {**of_unknown, "metadata": {}}


@rule(
    "auth.LOGIN.no-password",
    "A user without a password cannot log in.",
    source=sources.AUTHENTICATION,
    needs=["admin"],
)
def test_login_without_password(platform: Api) -> None:
    user = platform.post("/users", build_user()).json()

    for password in ("password", "None", " "):
        check_error(platform.post("/auth/login", {"email": user["email"], "password": password}), 401)


@rule(
    "auth.LOGIN.invalid",
    "A login without a valid e-mail address or password is 400, and each wrong field is named.",
    source=sources.AUTHENTICATION,
    needs=["admin"],
)
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


@rule(
    "auth.REFRESH.tokens",
    "A refresh token is exchanged for a new access token and another refresh token, and both are accepted.",
    source=sources.AUTHENTICATION,
    needs=["admin"],
    quick=True,
)
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


@rule(
    "auth.REFRESH.reuse-revokes",
    "A refresh token that is spent a second time is 401 and revokes every token of its login, and of no other login.",
    source=sources.AUTHENTICATION,
    needs=["admin"],
    quick=True,
)
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


@rule(
    "auth.REFRESH.unknown",
    "An unknown refresh token is 401.",
    source=sources.AUTHENTICATION,
    needs=["admin"],
)
@pytest.mark.parametrize("token", ["garbage", "a.b.c", "0" * 4096], ids=["garbage", "dots", "long"])
def test_unknown_refresh_token(platform: Api, token: str) -> None:
    check_error(platform.post("/auth/refresh", {"refreshToken": token}), 401)


@rule(
    "auth.REFRESH.invalid",
    "A refresh without a refresh token that is a text is 400 and names the field.",
    source=sources.AUTHENTICATION,
    needs=["admin"],
)
@covers(auth.REFRESH, 400)
@pytest.mark.parametrize("body", [{}, {"refreshToken": ""}, {"refreshToken": None}, {"refreshToken": 7}], ids=ascii)
def test_malformed_refresh(platform: Api, body: dict[str, Any]) -> None:
    check_error(platform.post("/auth/refresh", body), 400, "refreshToken")


@rule(
    "auth.REFRESH.tokens-not-swapped",
    "An access token is no refresh token, and a refresh token no access token.",
    source=sources.AUTHENTICATION,
    needs=["admin"],
)
def test_tokens_are_not_swapped(server: Server) -> None:
    login = log_in(server)

    check_error(server.platform.post("/auth/refresh", {"refreshToken": login["token"]}), 401)
    check_error(server.platform.with_token(login["refreshToken"]).get("/auth/me"), 401)


@rule(
    "auth.LOGOUT.revokes",
    "Logging out returns 204 and revokes the tokens of that login, and of no other.",
    source=sources.AUTHENTICATION,
    needs=["admin"],
    quick=True,
)
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


@rule(
    "auth.LOGOUT.after-refresh",
    "Logging out with a refreshed token revokes the earlier tokens of the login, too.",
    source=sources.AUTHENTICATION,
    needs=["admin"],
)
def test_logout_after_refresh(server: Server) -> None:
    login = log_in(server)
    tokens = server.platform.post("/auth/refresh", {"refreshToken": login["refreshToken"]}).json()

    assert server.platform.with_token(tokens["token"]).post("/auth/logout").status_code == 204

    check_error(server.platform.with_token(login["token"]).get("/auth/me"), 401)
    check_error(server.platform.post("/auth/refresh", {"refreshToken": tokens["refreshToken"]}), 401)


@rule(
    "auth.ME.token-required",
    "Who am I, and logging out, need a token: without one they are 401.",
    source=sources.AUTHENTICATION,
    quick=True,
)
@covers(auth.ME, 401)
@covers(auth.LOGOUT, 401)
def test_not_logged_in(server: Server) -> None:
    check_error(server.anonymous.get("/auth/me"), 401)
    check_error(server.anonymous.post("/auth/logout"), 401)


@rule(
    "auth.ME.current",
    "The user of a token is returned as it is now, not as it was at login.",
    source=sources.AUTHENTICATION,
    needs=["admin"],
)
@covers(auth.ME, 200)
def test_me_after_update(server: Server) -> None:
    login = log_in(server)
    changed = server.platform.put(f"/users/{login['user']['id']}", {"name": "New Name", "role": "admin"}).json()

    assert server.platform.with_token(login["token"]).get("/auth/me").json() == changed


@rule(
    "auth.ME.role-current",
    "What a token permits follows the user's present role, not the one at login.",
    source=sources.AUTHENTICATION,
    needs=["admin"],
)
def test_role_is_current(server: Server) -> None:
    login = log_in(server, role="admin")
    server.platform.put(f"/users/{login['user']['id']}", {"role": "user"})

    check_error(server.platform.with_token(login["token"]).post("/users", build_user()), 403)


@rule(
    "auth.ME.deleted-user",
    "A deleted user's tokens are revoked, and it cannot log in again.",
    source=sources.AUTHENTICATION,
    needs=["admin"],
)
def test_deleted_user_is_logged_out(server: Server) -> None:
    login = log_in(server)
    server.platform.delete(f"/users/{login['user']['id']}")

    check_error(server.platform.with_token(login["token"]).get("/auth/me"), 401)
    check_error(server.platform.post("/auth/refresh", {"refreshToken": login["refreshToken"]}), 401)
    check_error(server.platform.post("/auth/login", {"email": login["user"]["email"], "password": PASSWORD}), 401)

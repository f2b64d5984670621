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
def test_a_login_answers_the_user_and_tokens_that_work(wire: Wire) -> None:
    user = wire.platform.post("/users", new_user(password=PASSWORD)).json()

    login = wire.platform.post("/auth/login", {"email": user["email"], "password": PASSWORD})

    assert login.status_code == 200
    body = login.json()
    assert set(body) == {"user", "token", "refreshToken", "expiresIn"}
    assert body["user"] == user
    assert isinstance(body["expiresIn"], int)
    assert body["expiresIn"] > 0
    assert wire.platform.bearing(body["token"]).get("/auth/me").json() == user


def test_a_token_is_a_signed_jwt_that_says_when_it_ends(wire: Wire) -> None:
    login = log_in(wire)

    header, claims, signature = login["token"].split(".")

    assert _decoded(header)["alg"] != "none"
    assert signature
    assert _decoded(claims)["sub"] == login["user"]["id"]
    assert abs(_decoded(claims)["exp"] - (time.time() + login["expiresIn"])) < 60


@covers(auth.LOGIN, 401)
def test_a_wrong_password_and_an_unknown_address_are_told_alike(wire: Wire) -> None:
    user = log_in(wire)["user"]

    wrong = refused(wire.platform.post("/auth/login", {"email": user["email"], "password": "wrong"}), 401)
    unknown = f"{unique('nobody')}@example.com"
    nobody = refused(wire.platform.post("/auth/login", {"email": unknown, "password": PASSWORD}), 401)

    assert {**wrong, "metadata": {}} == {**nobody, "metadata": {}}


def test_a_user_made_without_a_password_cannot_log_in(platform: Api) -> None:
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
def test_a_malformed_login_is_refused(platform: Api, body: dict[str, Any], wrong: list[str]) -> None:
    assert sorted(refused(platform.post("/auth/login", body), 400)["details"]["fields"]) == wrong


@covers(auth.REFRESH, 200)
def test_a_refresh_answers_new_tokens_that_work(wire: Wire) -> None:
    login = log_in(wire)

    refreshed = wire.platform.post("/auth/refresh", {"refreshToken": login["refreshToken"]})

    assert refreshed.status_code == 200
    tokens = refreshed.json()
    assert set(tokens) == {"token", "refreshToken", "expiresIn"}
    assert tokens["refreshToken"] != login["refreshToken"]
    assert wire.platform.bearing(tokens["token"]).get("/auth/me").json() == login["user"]
    assert wire.platform.post("/auth/refresh", {"refreshToken": tokens["refreshToken"]}).status_code == 200


@covers(auth.REFRESH, 401)
def test_a_spent_refresh_token_used_again_ends_the_whole_family_and_no_other(wire: Wire) -> None:
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
def test_a_refresh_token_that_never_was_is_refused(platform: Api, token: str) -> None:
    refused(platform.post("/auth/refresh", {"refreshToken": token}), 401)


@covers(auth.REFRESH, 400)
@pytest.mark.parametrize("body", [{}, {"refreshToken": ""}, {"refreshToken": None}, {"refreshToken": 7}], ids=ascii)
def test_a_malformed_refresh_is_refused(platform: Api, body: dict[str, Any]) -> None:
    refused(platform.post("/auth/refresh", body), 400, "refreshToken")


def test_neither_token_does_the_others_work(wire: Wire) -> None:
    login = log_in(wire)

    refused(wire.platform.post("/auth/refresh", {"refreshToken": login["token"]}), 401)
    refused(wire.platform.bearing(login["refreshToken"]).get("/auth/me"), 401)


@covers(auth.LOGOUT, 204)
def test_a_logout_revokes_both_tokens_and_leaves_other_logins_alone(wire: Wire) -> None:
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


def test_a_logout_ends_the_tokens_that_were_refreshed_before(wire: Wire) -> None:
    login = log_in(wire)
    tokens = wire.platform.post("/auth/refresh", {"refreshToken": login["refreshToken"]}).json()

    assert wire.platform.bearing(tokens["token"]).post("/auth/logout").status_code == 204

    refused(wire.platform.bearing(login["token"]).get("/auth/me"), 401)
    refused(wire.platform.post("/auth/refresh", {"refreshToken": tokens["refreshToken"]}), 401)


@covers(auth.ME, 401)
@covers(auth.LOGOUT, 401)
def test_who_is_not_logged_in_has_no_me_and_no_logout(platform: Api) -> None:
    refused(platform.get("/auth/me"), 401)
    refused(platform.post("/auth/logout"), 401)


@covers(auth.ME, 200)
def test_me_is_what_the_user_is_now(wire: Wire) -> None:
    login = log_in(wire)
    changed = wire.platform.put(f"/users/{login['user']['id']}", {"name": "New Name", "role": "admin"}).json()

    assert wire.platform.bearing(login["token"]).get("/auth/me").json() == changed


def test_a_role_counts_as_it_is_now_not_as_it_was_at_login(wire: Wire) -> None:
    login = log_in(wire, role="admin")
    wire.platform.put(f"/users/{login['user']['id']}", {"role": "user"})

    refused(wire.platform.bearing(login["token"]).post("/users", new_user()), 403)


def test_a_deleted_user_is_logged_out_everywhere(wire: Wire) -> None:
    login = log_in(wire)
    wire.platform.delete(f"/users/{login['user']['id']}")

    refused(wire.platform.bearing(login["token"]).get("/auth/me"), 401)
    refused(wire.platform.post("/auth/refresh", {"refreshToken": login["refreshToken"]}), 401)
    refused(wire.platform.post("/auth/login", {"email": login["user"]["email"], "password": PASSWORD}), 401)


@each(*CHECKED, answering=[401])
def test_every_call_that_looks_at_a_token_refuses_a_bad_one(wire: Wire, operation: Operation[Any]) -> None:
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
def test_a_forged_token_is_refused(wire: Wire, forge: Forger) -> None:
    token = log_in(wire)["token"]

    refused(wire.platform.bearing(forge(token)).get("/auth/me"), 401)
    refused(wire.platform.bearing(forge(token)).get("/users"), 401)
    assert wire.platform.bearing(token).get("/auth/me").status_code == 200


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Basic am9objpwYXNzd29yZA==", "{token}", "Token {token}", ""])
def test_an_authorization_that_is_no_bearer_token_is_refused(wire: Wire, value: str) -> None:
    sent = value.replace("{token}", log_in(wire)["token"])

    refused(wire.platform.get("/auth/me", headers={"Authorization": sent}), 401)


def test_the_scheme_of_an_authorization_ignores_case(wire: Wire) -> None:
    token = log_in(wire)["token"]

    assert wire.platform.get("/auth/me", headers={"Authorization": f"bearer {token}"}).status_code == 200


@each(auth.LOGIN, auth.REFRESH, health.PLATFORM)
def test_a_bad_token_does_not_keep_anyone_from_logging_in_again(wire: Wire, operation: Operation[Any]) -> None:
    assert ask(wire, operation).sending(Authorization="Bearer garbage").send().status_code == operation.status


def test_an_expired_token_is_refused_and_can_be_refreshed(serve: Callable[..., Wire]) -> None:
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


def test_where_auth_is_required_a_missing_token_is_refused(serve: Callable[..., Wire]) -> None:
    wire = serve(require_auth=True)
    nobody = wire.platform

    for method, path in [("GET", "/users"), ("GET", "/users/1"), ("DELETE", "/users/2"), ("GET", "/auth/me")]:
        refused(nobody.request(method, path), 401)
    refused(nobody.post("/users", new_user()), 401)
    refused(nobody.put("/users/2", {"name": "Nobody"}), 401)
    assert nobody.get("/health").status_code == 200

    login = nobody.post("/auth/login", {"email": "jane@example.com", "password": "password"}).json()
    assert nobody.bearing(login["token"]).get("/users/2").json()["name"] == "Jane Smith"

"""The settings `require_auth` and `access_token_lifetime`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from duologue.conformance.target.examples import log_in
from duologue.conformance.target.listener import Listen, RefusedError, chat_auth
from duologue.conformance.target.responses import check_error, check_error_body
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import build_user
from tests.waiting import eventually

pytestmark = pytest.mark.slow


def test_expired_token(serve: Callable[..., Server]) -> None:
    server = serve(access_token_lifetime=1)
    login = log_in(server)
    me = server.platform.with_token(login["token"])

    assert login["expiresIn"] == 1
    assert eventually(lambda: me.get("/auth/me").status_code == 401)

    check_error(me.get("/users"), 401)
    tokens = server.platform.post("/auth/refresh", {"refreshToken": login["refreshToken"]})
    assert tokens.status_code == 200
    assert server.platform.with_token(tokens.json()["token"]).get("/auth/me").status_code == 200


def test_required_auth(serve: Callable[..., Server]) -> None:
    server = serve(require_auth=True)
    anonymous = server.platform

    for method, path in [("GET", "/users"), ("GET", "/users/1"), ("DELETE", "/users/2"), ("GET", "/auth/me")]:
        check_error(anonymous.request(method, path), 401)
    check_error(anonymous.post("/users", build_user()), 401)
    check_error(anonymous.put("/users/2", {"name": "Unknown"}), 401)
    assert anonymous.get("/health").status_code == 200

    login = anonymous.post("/auth/login", {"email": "jane@example.com", "password": "password"}).json()
    assert anonymous.with_token(login["token"]).get("/users/2").json()["name"] == "Jane Smith"


def test_required_auth_of_sockets(serve: Callable[..., Server], listen: Listen) -> None:
    server = serve(require_auth=True)
    login = server.platform.post("/auth/login", {"email": "jane@example.com", "password": "password"}).json()

    refused: list[Any] = [None, {}, {"token": "\ud800"}, {"apiKey": "\ud800", "userId": "me"}]
    for auth in refused:
        with pytest.raises(RefusedError) as caught:
            listen(server.platform_origin, auth=auth)
        check_error_body(caught.value.payload["data"], 400 if r"\ud800" in ascii(auth) else 401)
    listen(server.platform_origin, auth={"token": login["token"]})
    listen(server.platform_origin, auth=chat_auth(server.chat))


def test_expired_token_of_sockets(serve: Callable[..., Server], listen: Listen) -> None:
    server = serve(access_token_lifetime=1)
    token = log_in(server)["token"]
    me = server.platform.with_token(token)
    assert eventually(lambda: me.get("/auth/me").status_code != 200)

    with pytest.raises(RefusedError):
        listen(server.platform_origin, auth={"token": token})

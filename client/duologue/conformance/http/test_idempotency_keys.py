"""Which keys are the same: by caller, path, method and spelling."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from duologue.conformance import sources
from duologue.conformance.http.idempotency import KEYED, check_replay, with_key
from duologue.conformance.rules import rule
from duologue.conformance.shared_requests import Share
from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import (
    create_session,
    each,
    log_in,
)
from duologue.conformance.target.raw import send_raw
from duologue.conformance.target.responses import check_error, read_data
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import build_user, unique
from duologue.contract import Operation


@rule(
    "idempotency.key-invalid",
    "A key that is empty or longer than 255 characters is 400 and named, on every POST and PATCH.",
    source=sources.IDEMPOTENCY,
    stage=3,
    needs=["admin"],
)
@each(*KEYED, statuses=[400])
@pytest.mark.parametrize("key", ["", "k" * 256], ids=["empty", "256 characters"])
def test_invalid_key(share: Share, operation: Operation[Any], key: str) -> None:
    check_error(share(operation).send(headers=with_key(key)), 400, "Idempotency-Key")


@rule(
    "idempotency.key-length",
    "A key may have 255 characters.",
    source=sources.IDEMPOTENCY,
    stage=3,
)
def test_key_length(chat: Api) -> None:
    key = (unique("k") + "k" * 255)[:255]

    for replayed in (None, "true"):
        response = chat.post("/chats", {"title": "Long key"}, headers=with_key(key))
        assert response.headers.get("Idempotency-Replayed") == replayed


@rule(
    "idempotency.key-exact",
    "Keys that differ in one character, or in case, are different keys.",
    source=sources.IDEMPOTENCY,
    stage=3,
)
def test_similar_keys(chat: Api) -> None:
    key = ("K" + unique("k") + "k" * 255)[:254]

    for other in (key + "a", key + "b", key + "A"):
        assert chat.post("/chats", {"title": "x"}, headers=with_key(other)).status_code == 201

    assert len(read_data(chat.get("/chats"))) == 3


@rule(
    "idempotency.chat-users",
    "The same key of another chat user is another key.",
    source=sources.IDEMPOTENCY,
    stage=3,
)
def test_key_of_another_chat_user(chat: Api) -> None:
    headers = with_key()

    for api in (chat, chat.as_user()):
        response = api.post("/chats", {"title": "Mine"}, headers=headers)
        assert "Idempotency-Replayed" not in response.headers
        assert len(read_data(api.get("/chats"))) == 1


@rule(
    "idempotency.platform-users",
    "The same key of another platform user is another key.",
    source=sources.IDEMPOTENCY,
    stage=3,
    needs=["admin"],
)
def test_key_of_another_platform_user(server: Server) -> None:
    headers = with_key()
    callers = [server.platform, *(server.platform.with_token(log_in(server, role="admin")["token"]) for _ in range(2))]

    for caller in callers:
        response = caller.post("/users", build_user(), headers=headers)
        assert response.status_code == 201
        assert "Idempotency-Replayed" not in response.headers


@rule(
    "idempotency.paths",
    "The same key on another path or with another method is another key.",
    source=sources.IDEMPOTENCY,
    stage=3,
)
def test_key_on_another_path(chat: Api) -> None:
    one, other = create_session(chat), create_session(chat)
    headers = with_key()
    chat.patch(f"/chats/{one}", {"title": "Renamed"}, headers=headers)

    for response in (
        chat.patch(f"/chats/{other}", {"title": "Renamed"}, headers=headers),
        chat.post("/chats", {"title": "Renamed"}, headers=headers),
    ):
        assert "Idempotency-Replayed" not in response.headers


@rule(
    "idempotency.same-path",
    "A path is the same however it is written: with a slash at its end, percent-encoded, or as an absolute target.",
    source=sources.IDEMPOTENCY,
    needs=["admin"],
    stage=3,
)
def test_key_on_same_path(server: Server) -> None:
    """However it is spelled: with a slash at its end, with encoded letters, as an absolute target."""
    host, body, key = urlsplit(server.platform_origin).netloc, json.dumps(build_user()), unique("key")
    users_path = urlsplit(server.base_url).path + "/users"
    paths = [users_path, f"{users_path}/", users_path.replace("users", "%75sers"), f"http://{host}{users_path}"]

    responses = [
        send_raw(
            server.platform_origin,
            f"POST {path} HTTP/1.1\nHost: {host}\nIdempotency-Key: {key}\nContent-Type: application/json\n"
            f"Content-Length: {len(body)}\nConnection: close\n{server.authorization}\n{body}",
        )
        for path in paths
    ]

    assert [response.status_code for response in responses] == [201] * len(paths)
    for response in responses[1:]:
        check_replay(responses[0], response)
    server.platform.delete(f"/users/{responses[0].json()['id']}")


@rule(
    "idempotency.loopback",
    "A key is the same over IPv4 and IPv6.",
    source=sources.IDEMPOTENCY,
    needs=["admin", "local", "ipv6"],
    stage=3,
)
def test_key_over_ipv4_and_ipv6(server: Server) -> None:
    """A program that calls `localhost` may use either, and the other for its next attempt."""
    port, path, body, headers = urlsplit(server.base_url).port, urlsplit(server.base_url).path, build_user(), with_key()

    first, again = (
        replace(server.platform, url=f"http://{address}:{port}{path}").post("/users", body, headers=headers)
        for address in ("[::1]", "127.0.0.1")
    )

    check_replay(first, again)


@rule(
    "idempotency.reads",
    "A key on a read is ignored.",
    source=sources.IDEMPOTENCY,
    stage=3,
)
def test_key_on_get(chat: Api) -> None:
    headers = with_key()
    assert read_data(chat.get("/chats", headers=headers)) == []
    create_session(chat)

    assert len(read_data(chat.get("/chats", headers=headers))) == 1

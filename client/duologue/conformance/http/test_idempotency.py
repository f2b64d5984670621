"""`Idempotency-Key`: a request sent again is not done again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from duologue.conformance.http.idempotency import check_replay, with_key
from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import (
    PreparedRequest,
    create_session,
    create_user,
    each,
    log_in,
    prepare_request,
)
from duologue.conformance.target.raw import has_ipv6, send_raw
from duologue.conformance.target.responses import check_error, read_data
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import build_user, unique
from duologue.contract import Operation, auth, chats, messages, operations, smart_chat, users

KEYED = [operation for operation in operations() if operation.method in ("POST", "PATCH")]


@each(*KEYED)
def test_replay(server: Server, operation: Operation[Any]) -> None:
    prepared, headers = prepare_request(server, operation), with_key()

    first, again = prepared.send(headers=headers), prepared.send(headers=headers)

    assert first.status_code == operation.status
    check_replay(first, again)


def test_create_user_once(platform: Api) -> None:
    body, headers = build_user(), with_key()

    for _ in range(3):
        assert platform.post("/users", body, headers=headers).status_code == 201

    assert platform.get("/users", query={"search": body["email"]}).json()["total"] == 1


def test_create_session_once(chat: Api) -> None:
    headers = with_key()

    for _ in range(3):
        chat.post("/chats", {"title": "Once"}, headers=headers)

    assert len(read_data(chat.get("/chats"))) == 1


def test_send_message_once(chat: Api) -> None:
    session = create_session(chat)
    send, say = with_key(), with_key()

    for _ in range(2):
        chat.post(f"/chats/{session}/messages", {"content": "Hello", "sender": "user"}, headers=send)
        chat.post(f"/chats/{session}/smart-chat", {"message": "How are you?"}, headers=say)

    stored = read_data(chat.get(f"/chats/{session}/messages"))
    assert [message["sender"] for message in stored] == ["user", "user", "assistant"]


def test_toggle_once(chat: Api) -> None:
    session, headers = create_session(chat), with_key()

    for _ in range(4):
        assert chat.patch(f"/chats/{session}/favorite", headers=headers).json()["data"]["isFavorite"] is True


def test_refresh_once(server: Server) -> None:
    body, headers = {"refreshToken": log_in(server)["refreshToken"]}, with_key()

    first = server.platform.post("/auth/refresh", body, headers=headers)
    again = server.platform.post("/auth/refresh", body, headers=headers)

    check_replay(first, again)
    assert server.platform.with_token(first.json()["token"]).get("/auth/me").status_code == 200


def test_replay_of_first_response(platform: Api) -> None:
    body, headers = build_user(), with_key()
    first = platform.post("/users", body, headers=headers)
    platform.delete(f"/users/{first.json()['id']}")

    check_replay(first, platform.post("/users", body, headers=headers))

    check_error(platform.get(f"/users/{first.json()['id']}"), 404)


def test_replay_of_error(platform: Api) -> None:
    taken, headers = create_user(platform), with_key()
    body = build_user(email=taken["email"])
    first = platform.post("/users", body, headers=headers)
    check_error(first, 409)
    platform.delete(f"/users/{taken['id']}")

    check_replay(first, platform.post("/users", body, headers=headers))

    assert platform.post("/users", body, headers=with_key()).status_code == 201


def _change_body(prepared: PreparedRequest) -> PreparedRequest:
    other = {
        users.CREATE: {**build_user()},
        auth.LOGIN: {"email": "other@example.com", "password": "other"},
        auth.REFRESH: {"refreshToken": "other"},
        chats.CREATE: {"title": "Other"},
        chats.RENAME: {"title": "Other"},
        chats.FAVORITE: {"isFavorite": False},
        messages.SEND: {"content": "Other", "sender": "user"},
        smart_chat.ASK: {"message": "Other"},
    }
    return prepared.with_body(other[prepared.operation])


@each(*(operation for operation in KEYED if operation.body), statuses=[422])
def test_other_body(server: Server, operation: Operation[Any]) -> None:
    prepared, headers = prepare_request(server, operation), with_key()
    first = prepared.send(headers=headers)

    body = check_error(_change_body(prepared).send(headers=headers), 422)

    assert body["code"] == "IDEMPOTENCY_KEY_REUSED"
    check_replay(first, prepared.send(headers=headers))


def test_other_body_changes_nothing(chat: Api) -> None:
    headers = with_key()
    chat.post("/chats", {"title": "First"}, headers=headers)

    check_error(chat.post("/chats", {"title": "Second"}, headers=headers), 422)

    assert [session["title"] for session in read_data(chat.get("/chats"))] == ["First"]


@each(*KEYED, statuses=[400])
@pytest.mark.parametrize("key", ["", "k" * 256], ids=["empty", "256 characters"])
def test_invalid_key(server: Server, operation: Operation[Any], key: str) -> None:
    check_error(prepare_request(server, operation).send(headers=with_key(key)), 400, "Idempotency-Key")


def test_key_length(chat: Api) -> None:
    key = (unique("k") + "k" * 255)[:255]

    for replayed in (None, "true"):
        response = chat.post("/chats", {"title": "Long key"}, headers=with_key(key))
        assert response.headers.get("Idempotency-Replayed") == replayed


def test_similar_keys(chat: Api) -> None:
    key = ("K" + unique("k") + "k" * 255)[:254]

    for other in (key + "a", key + "b", key + "A"):
        assert chat.post("/chats", {"title": "x"}, headers=with_key(other)).status_code == 201

    assert len(read_data(chat.get("/chats"))) == 3


def test_key_of_another_chat_user(chat: Api) -> None:
    headers = with_key()

    for api in (chat, chat.as_user()):
        response = api.post("/chats", {"title": "Mine"}, headers=headers)
        assert "Idempotency-Replayed" not in response.headers
        assert len(read_data(api.get("/chats"))) == 1


def test_key_of_another_platform_user(server: Server) -> None:
    headers = with_key()
    callers = [server.platform, *(server.platform.with_token(log_in(server, role="admin")["token"]) for _ in range(2))]

    for caller in callers:
        response = caller.post("/users", build_user(), headers=headers)
        assert response.status_code == 201
        assert "Idempotency-Replayed" not in response.headers


def test_key_on_another_path(chat: Api) -> None:
    one, other = create_session(chat), create_session(chat)
    headers = with_key()
    chat.patch(f"/chats/{one}", {"title": "Renamed"}, headers=headers)

    for response in (
        chat.patch(f"/chats/{other}", {"title": "Renamed"}, headers=headers),
        chat.post("/chats", {"title": "Renamed"}, headers=headers),
    ):
        assert "Idempotency-Replayed" not in response.headers


def test_key_on_same_path(server: Server) -> None:
    """However it is spelled: with a slash at its end, with encoded letters, as an absolute target."""
    host, body, key = urlsplit(server.platform_origin).netloc, json.dumps(build_user()), unique("key")
    users_path = urlsplit(server.base_url).path + "/users"
    paths = [users_path, f"{users_path}/", users_path.replace("users", "%75sers"), f"http://{host}{users_path}"]

    responses = [
        send_raw(
            server.platform_origin,
            f"POST {path} HTTP/1.1\nHost: {host}\nIdempotency-Key: {key}\nContent-Type: application/json\n"
            f"Content-Length: {len(body)}\nConnection: close\n\n{body}",
        )
        for path in paths
    ]

    assert [response.status_code for response in responses] == [201] * len(paths)
    for response in responses[1:]:
        check_replay(responses[0], response)
    server.platform.delete(f"/users/{responses[0].json()['id']}")


def test_key_over_ipv4_and_ipv6(server: Server) -> None:
    """A program that calls `localhost` may use either, and the other for its next attempt."""
    if not has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")
    if urlsplit(server.base_url).hostname not in ("127.0.0.1", "localhost", "::1"):
        pytest.skip("the server under test runs on another machine")
    port, path, body, headers = urlsplit(server.base_url).port, urlsplit(server.base_url).path, build_user(), with_key()

    first, again = (
        replace(server.platform, url=f"http://{address}:{port}{path}").post("/users", body, headers=headers)
        for address in ("[::1]", "127.0.0.1")
    )

    check_replay(first, again)


def test_request_id_of_replay(chat: Api) -> None:
    """The body has the first one's, the header the new one's."""
    headers = with_key()
    first, again = (chat.post("/chats", {"title": "Once"}, headers=headers) for _ in range(2))

    assert first.headers["X-Request-Id"] != again.headers["X-Request-Id"]
    assert again.json()["metadata"] == first.json()["metadata"]
    assert again.json()["metadata"]["requestId"] == first.headers["X-Request-Id"]


@pytest.mark.parametrize("change", ["rename", "favorite"])
def test_412_is_not_stored(chat: Api, change: str) -> None:
    path, headers = f"/chats/{create_session(chat)}", with_key()
    target, body = (f"{path}/favorite", {"isFavorite": True}) if change == "favorite" else (path, {"title": "New"})

    check_error(chat.patch(target, body, headers={**headers, "If-Match": '"old"'}), 412)
    again = chat.patch(target, body, headers={**headers, "If-Match": chat.get(path).headers["ETag"]})

    assert again.status_code == 200
    assert "Idempotency-Replayed" not in again.headers


def test_key_on_get(chat: Api) -> None:
    headers = with_key()
    assert read_data(chat.get("/chats", headers=headers)) == []
    create_session(chat)

    assert len(read_data(chat.get("/chats", headers=headers))) == 1


@pytest.mark.parametrize("streamed_first", [True, False])
def test_streamed_reply_once(chat: Api, streamed_first: bool) -> None:
    session, headers = create_session(chat), with_key()
    stream = {**headers, "Accept": "text/event-stream"}
    path, body = f"/chats/{session}/smart-chat", {"message": "Hello"}

    for sent in (stream, headers) if streamed_first else (headers, stream):
        response = chat.post(path, body, headers=sent)
        assert response.status_code in (200, 201)

    assert response.headers["Idempotency-Replayed"] == "true"
    assert len(read_data(chat.get(f"/chats/{session}/messages"))) == 2

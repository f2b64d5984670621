"""`Idempotency-Key`: a request sent again is not done again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from duologue.contract import Operation, auth, chats, messages, operations, smart_chat, users
from tests.contract.examples import PreparedRequest, create_session, create_user, each, log_in, prepare_request
from tests.contract.server import Api, Server, build_user, check_error, covers, read_data, unique

KEYED = [operation for operation in operations() if operation.method in ("POST", "PATCH")]


def with_key(key: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": unique("key") if key is None else key}


def check_replay(first: requests.Response, again: requests.Response) -> None:
    """Check that a response is marked as a replay of another, and equals it."""
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.status_code == first.status_code
    assert _read_body(again) == _read_body(first)
    for name in ("Location", "ETag", "Content-Type"):
        assert again.headers.get(name) == first.headers.get(name)


def _read_body(response: requests.Response) -> Any:
    """Return the body without its metadata: that is about the response, of which there are two."""
    body = response.json() if response.content else {}
    return {key: value for key, value in body.items() if key != "metadata"}


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


def test_key_on_get(chat: Api) -> None:
    headers = with_key()
    assert read_data(chat.get("/chats", headers=headers)) == []
    create_session(chat)

    assert len(read_data(chat.get("/chats", headers=headers))) == 1


def test_server_error_is_not_stored(serve: Callable[..., Server]) -> None:
    failures = [RuntimeError("boom")]

    def reply(_: Any) -> str:
        if failures:
            raise failures.pop()
        return "Better now"

    chat = serve(reply_function=reply).chat
    session, headers = create_session(chat), with_key()
    path, body = f"/chats/{session}/smart-chat", {"message": "Hello"}

    check_error(chat.post(path, body, headers=headers), 502)
    again = chat.post(path, body, headers=headers)

    assert read_data(again, 201)["content"] == "Better now"
    assert "Idempotency-Replayed" not in again.headers


@covers(smart_chat.ASK, 409)
def test_key_in_progress(serve: Callable[..., Server]) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def reply(_: Any) -> str:
        begun.set()
        assert go_on.wait(10)
        return "At last"

    chat = serve(reply_function=reply).chat
    session, headers = create_session(chat), with_key()
    path, body = f"/chats/{session}/smart-chat", {"message": "Hello"}

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(chat.post, path, body, headers=headers)
        assert begun.wait(10)
        check_error(chat.post(path, body, headers=headers), 409)
        check_error(chat.post(path, {"message": "Other"}, headers=headers), 422)
        go_on.set()

        check_replay(first.result(), chat.post(path, body, headers=headers))


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

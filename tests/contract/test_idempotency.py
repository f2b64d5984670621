"""`Idempotency-Key`: a request sent again is not done again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from duologue.contract import Operation, auth, chats, messages, operations, smart_chat, users
from tests.contract.examples import Ask, ask, each, log_in, make_session, make_user
from tests.contract.wire import Api, Wire, covers, data, new_user, refused, unique

KEYED = [operation for operation in operations() if operation.method in ("POST", "PATCH")]


def keyed(key: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": unique("key") if key is None else key}


def is_replay_of(first: requests.Response, again: requests.Response) -> None:
    """Check that `again` is what `first` was, and says so."""
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.status_code == first.status_code
    assert _told(again) == _told(first)
    for name in ("Location", "ETag", "Content-Type"):
        assert again.headers.get(name) == first.headers.get(name)


def _told(answer: requests.Response) -> Any:
    """Return the body without its metadata: that is about the answer, which came twice."""
    body = answer.json() if answer.content else {}
    return {key: value for key, value in body.items() if key != "metadata"}


@each(*KEYED)
def test_replay(wire: Wire, operation: Operation[Any]) -> None:
    asked, headers = ask(wire, operation), keyed()

    first, again = asked.send(headers=headers), asked.send(headers=headers)

    assert first.status_code == operation.status
    is_replay_of(first, again)


def test_create_user_once(platform: Api) -> None:
    body, headers = new_user(), keyed()

    for _ in range(3):
        assert platform.post("/users", body, headers=headers).status_code == 201

    assert platform.get("/users", query={"search": body["email"]}).json()["total"] == 1


def test_create_session_once(chat: Api) -> None:
    headers = keyed()

    for _ in range(3):
        chat.post("/chats", {"title": "Once"}, headers=headers)

    assert len(data(chat.get("/chats"))) == 1


def test_send_message_once(chat: Api) -> None:
    session = make_session(chat)
    send, say = keyed(), keyed()

    for _ in range(2):
        chat.post(f"/chats/{session}/messages", {"content": "Hello", "sender": "user"}, headers=send)
        chat.post(f"/chats/{session}/smart-chat", {"message": "How are you?"}, headers=say)

    stored = data(chat.get(f"/chats/{session}/messages"))
    assert [message["sender"] for message in stored] == ["user", "user", "assistant"]


def test_toggle_once(chat: Api) -> None:
    session, headers = make_session(chat), keyed()

    for _ in range(4):
        assert chat.patch(f"/chats/{session}/favorite", headers=headers).json()["data"]["isFavorite"] is True


def test_refresh_once(wire: Wire) -> None:
    body, headers = {"refreshToken": log_in(wire)["refreshToken"]}, keyed()

    first = wire.platform.post("/auth/refresh", body, headers=headers)
    again = wire.platform.post("/auth/refresh", body, headers=headers)

    is_replay_of(first, again)
    assert wire.platform.bearing(first.json()["token"]).get("/auth/me").status_code == 200


def test_replay_of_first_response(platform: Api) -> None:
    body, headers = new_user(), keyed()
    first = platform.post("/users", body, headers=headers)
    platform.delete(f"/users/{first.json()['id']}")

    is_replay_of(first, platform.post("/users", body, headers=headers))

    refused(platform.get(f"/users/{first.json()['id']}"), 404)


def test_replay_of_error(platform: Api) -> None:
    taken, headers = make_user(platform), keyed()
    body = new_user(email=taken["email"])
    first = platform.post("/users", body, headers=headers)
    refused(first, 409)
    platform.delete(f"/users/{taken['id']}")

    is_replay_of(first, platform.post("/users", body, headers=headers))

    assert platform.post("/users", body, headers=keyed()).status_code == 201


def _other_body(asked: Ask) -> Ask:
    other = {
        users.CREATE: {**new_user()},
        auth.LOGIN: {"email": "other@example.com", "password": "other"},
        auth.REFRESH: {"refreshToken": "other"},
        chats.CREATE: {"title": "Other"},
        chats.RENAME: {"title": "Other"},
        chats.FAVORITE: {"isFavorite": False},
        messages.SEND: {"content": "Other", "sender": "user"},
        smart_chat.ASK: {"message": "Other"},
    }
    return asked.with_body(other[asked.operation])


@each(*(operation for operation in KEYED if operation.body), answering=[422])
def test_other_body(wire: Wire, operation: Operation[Any]) -> None:
    asked, headers = ask(wire, operation), keyed()
    first = asked.send(headers=headers)

    body = refused(_other_body(asked).send(headers=headers), 422)

    assert body["code"] == "IDEMPOTENCY_KEY_REUSED"
    is_replay_of(first, asked.send(headers=headers))


def test_other_body_changes_nothing(chat: Api) -> None:
    headers = keyed()
    chat.post("/chats", {"title": "First"}, headers=headers)

    refused(chat.post("/chats", {"title": "Second"}, headers=headers), 422)

    assert [session["title"] for session in data(chat.get("/chats"))] == ["First"]


@each(*KEYED, answering=[400])
@pytest.mark.parametrize("key", ["", "k" * 256], ids=["empty", "256 characters"])
def test_invalid_key(wire: Wire, operation: Operation[Any], key: str) -> None:
    refused(ask(wire, operation).send(headers=keyed(key)), 400, "Idempotency-Key")


def test_key_length(chat: Api) -> None:
    key = (unique("k") + "k" * 255)[:255]

    for replayed in (None, "true"):
        answer = chat.post("/chats", {"title": "Long key"}, headers=keyed(key))
        assert answer.headers.get("Idempotency-Replayed") == replayed


def test_similar_keys(chat: Api) -> None:
    key = ("K" + unique("k") + "k" * 255)[:254]

    for other in (key + "a", key + "b", key + "A"):
        assert chat.post("/chats", {"title": "x"}, headers=keyed(other)).status_code == 201

    assert len(data(chat.get("/chats"))) == 3


def test_key_of_another_chat_user(chat: Api) -> None:
    headers = keyed()

    for api in (chat, chat.as_user()):
        answer = api.post("/chats", {"title": "Mine"}, headers=headers)
        assert "Idempotency-Replayed" not in answer.headers
        assert len(data(api.get("/chats"))) == 1


def test_key_of_another_platform_user(wire: Wire) -> None:
    headers = keyed()
    callers = [wire.platform, *(wire.platform.bearing(log_in(wire, role="admin")["token"]) for _ in range(2))]

    for caller in callers:
        answer = caller.post("/users", new_user(), headers=headers)
        assert answer.status_code == 201
        assert "Idempotency-Replayed" not in answer.headers


def test_key_on_another_path(chat: Api) -> None:
    one, other = make_session(chat), make_session(chat)
    headers = keyed()
    chat.patch(f"/chats/{one}", {"title": "Renamed"}, headers=headers)

    for answer in (
        chat.patch(f"/chats/{other}", {"title": "Renamed"}, headers=headers),
        chat.post("/chats", {"title": "Renamed"}, headers=headers),
    ):
        assert "Idempotency-Replayed" not in answer.headers


def test_key_on_get(chat: Api) -> None:
    headers = keyed()
    assert data(chat.get("/chats", headers=headers)) == []
    make_session(chat)

    assert len(data(chat.get("/chats", headers=headers))) == 1


def test_server_error_is_not_stored(serve: Callable[..., Wire]) -> None:
    failures = [RuntimeError("boom")]

    def reply(_: Any) -> str:
        if failures:
            raise failures.pop()
        return "Better now"

    chat = serve(reply_function=reply).chat
    session, headers = make_session(chat), keyed()
    path, body = f"/chats/{session}/smart-chat", {"message": "Hello"}

    refused(chat.post(path, body, headers=headers), 502)
    again = chat.post(path, body, headers=headers)

    assert data(again, 201)["content"] == "Better now"
    assert "Idempotency-Replayed" not in again.headers


@covers(smart_chat.ASK, 409)
def test_key_in_progress(serve: Callable[..., Wire]) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def reply(_: Any) -> str:
        begun.set()
        assert go_on.wait(10)
        return "At last"

    chat = serve(reply_function=reply).chat
    session, headers = make_session(chat), keyed()
    path, body = f"/chats/{session}/smart-chat", {"message": "Hello"}

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(chat.post, path, body, headers=headers)
        assert begun.wait(10)
        refused(chat.post(path, body, headers=headers), 409)
        refused(chat.post(path, {"message": "Other"}, headers=headers), 422)
        go_on.set()

        is_replay_of(first.result(), chat.post(path, body, headers=headers))


@pytest.mark.parametrize("streamed_first", [True, False])
def test_streamed_reply_once(chat: Api, streamed_first: bool) -> None:
    session, headers = make_session(chat), keyed()
    stream = {**headers, "Accept": "text/event-stream"}
    path, body = f"/chats/{session}/smart-chat", {"message": "Hello"}

    for sent in (stream, headers) if streamed_first else (headers, stream):
        answer = chat.post(path, body, headers=sent)
        assert answer.status_code in (200, 201)

    assert answer.headers["Idempotency-Replayed"] == "true"
    assert len(data(chat.get(f"/chats/{session}/messages"))) == 2

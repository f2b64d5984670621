"""`Idempotency-Key`: a request sent again is not done again."""

from __future__ import annotations

from typing import Any

import pytest

from duologue.conformance import sources
from duologue.conformance.http.idempotency import KEYED, check_replay, with_key
from duologue.conformance.rules import rule
from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import (
    PreparedRequest,
    create_session,
    create_user,
    each,
    log_in,
    prepare_request,
)
from duologue.conformance.target.responses import check_error, read_data
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import build_user
from duologue.contract import Operation, auth, chats, messages, smart_chat, users


@rule(
    "idempotency.replay",
    "The same key and body replay the first response, marked Idempotency-Replayed, on every POST and PATCH.",
    source=sources.IDEMPOTENCY,
    stage=3,
    needs=["admin"],
    quick=True,
)
@each(*KEYED)
def test_replay(server: Server, operation: Operation[Any]) -> None:
    prepared, headers = prepare_request(server, operation), with_key()

    first, again = prepared.send(headers=headers), prepared.send(headers=headers)

    assert first.status_code == operation.status
    check_replay(first, again)


@rule(
    "idempotency.user-once",
    "A user that is created three times under one key is created once.",
    source=sources.IDEMPOTENCY,
    stage=3,
    needs=["admin"],
    quick=True,
)
def test_create_user_once(platform: Api) -> None:
    body, headers = build_user(), with_key()

    for _ in range(3):
        assert platform.post("/users", body, headers=headers).status_code == 201

    assert platform.get("/users", query={"search": body["email"]}).json()["total"] == 1


@rule(
    "idempotency.session-once",
    "A session that is created three times under one key is created once.",
    source=sources.IDEMPOTENCY,
    stage=3,
)
def test_create_session_once(chat: Api) -> None:
    headers = with_key()

    for _ in range(3):
        chat.post("/chats", {"title": "Once"}, headers=headers)

    assert len(read_data(chat.get("/chats"))) == 1


@rule(
    "idempotency.message-once",
    "A message or question that is sent twice under one key is stored once.",
    source=sources.IDEMPOTENCY,
    stage=3,
)
def test_send_message_once(chat: Api) -> None:
    session = create_session(chat)
    send, say = with_key(), with_key()

    for _ in range(2):
        chat.post(f"/chats/{session}/messages", {"content": "Hello", "sender": "user"}, headers=send)
        chat.post(f"/chats/{session}/smart-chat", {"message": "How are you?"}, headers=say)

    stored = read_data(chat.get(f"/chats/{session}/messages"))
    assert [message["sender"] for message in stored] == ["user", "user", "assistant"]


@rule(
    "idempotency.toggle-once",
    "A toggle that is sent four times under one key toggles once.",
    source=sources.IDEMPOTENCY,
    stage=3,
)
def test_toggle_once(chat: Api) -> None:
    session, headers = create_session(chat), with_key()

    for _ in range(4):
        assert chat.patch(f"/chats/{session}/favorite", headers=headers).json()["data"]["isFavorite"] is True


@rule(
    "idempotency.refresh-once",
    "A refresh that is repeated under its key returns the same tokens, and does not count as reuse.",
    source=sources.IDEMPOTENCY,
    stage=3,
    needs=["admin"],
)
def test_refresh_once(server: Server) -> None:
    body, headers = {"refreshToken": log_in(server)["refreshToken"]}, with_key()

    first = server.platform.post("/auth/refresh", body, headers=headers)
    again = server.platform.post("/auth/refresh", body, headers=headers)

    check_replay(first, again)
    assert server.platform.with_token(first.json()["token"]).get("/auth/me").status_code == 200


@rule(
    "idempotency.first-response",
    "A replay is the first response, whatever has happened since.",
    source=sources.IDEMPOTENCY,
    stage=3,
    needs=["admin"],
)
def test_replay_of_first_response(platform: Api) -> None:
    body, headers = build_user(), with_key()
    first = platform.post("/users", body, headers=headers)
    platform.delete(f"/users/{first.json()['id']}")

    check_replay(first, platform.post("/users", body, headers=headers))

    check_error(platform.get(f"/users/{first.json()['id']}"), 404)


@rule(
    "idempotency.errors",
    "An error is replayed like a success, also after its cause is gone.",
    source=sources.IDEMPOTENCY,
    stage=3,
    needs=["admin"],
)
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


@rule(
    "idempotency.other-body",
    "The same key with another body is 422, and the first response can still be replayed.",
    source=sources.IDEMPOTENCY,
    stage=3,
    needs=["admin"],
    quick=True,
)
@each(*(operation for operation in KEYED if operation.body), statuses=[422])
def test_other_body(server: Server, operation: Operation[Any]) -> None:
    prepared, headers = prepare_request(server, operation), with_key()
    first = prepared.send(headers=headers)

    body = check_error(_change_body(prepared).send(headers=headers), 422)

    assert body["code"] == "IDEMPOTENCY_KEY_REUSED"
    check_replay(first, prepared.send(headers=headers))


@rule(
    "idempotency.other-body-no-effect",
    "A request that reuses a key for another body has no effect.",
    source=sources.IDEMPOTENCY,
    stage=3,
)
def test_other_body_changes_nothing(chat: Api) -> None:
    headers = with_key()
    chat.post("/chats", {"title": "First"}, headers=headers)

    check_error(chat.post("/chats", {"title": "Second"}, headers=headers), 422)

    assert [session["title"] for session in read_data(chat.get("/chats"))] == ["First"]


@rule(
    "idempotency.request-id",
    "A replay has the first response's metadata and its own X-Request-Id.",
    source=sources.IDEMPOTENCY,
    stage=3,
)
def test_request_id_of_replay(chat: Api) -> None:
    """The body has the first one's, the header the new one's."""
    headers = with_key()
    first, again = (chat.post("/chats", {"title": "Once"}, headers=headers) for _ in range(2))

    assert first.headers["X-Request-Id"] != again.headers["X-Request-Id"]
    assert again.json()["metadata"] == first.json()["metadata"]
    assert again.json()["metadata"]["requestId"] == first.headers["X-Request-Id"]


@rule(
    "idempotency.412-not-stored",
    "A 412 is not stored: the same key with a condition that holds does the work.",
    source=sources.IDEMPOTENCY,
    stage=3,
)
@pytest.mark.parametrize("change", ["rename", "favorite"])
def test_412_is_not_stored(chat: Api, change: str) -> None:
    path, headers = f"/chats/{create_session(chat)}", with_key()
    target, body = (f"{path}/favorite", {"isFavorite": True}) if change == "favorite" else (path, {"title": "New"})

    check_error(chat.patch(target, body, headers={**headers, "If-Match": '"old"'}), 412)
    again = chat.patch(target, body, headers={**headers, "If-Match": chat.get(path).headers["ETag"]})

    assert again.status_code == 200
    assert "Idempotency-Replayed" not in again.headers


@rule(
    "idempotency.stream-once",
    "A reply that is requested again under its key is stored once, streamed or not.",
    source=sources.IDEMPOTENCY,
    stage=3,
)
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

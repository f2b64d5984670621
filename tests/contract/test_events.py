"""Socket.IO: who may connect, who hears what and when, and what a client may not send."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
import websocket

from tests.contract import golden
from tests.contract.examples import log_in, make_session, make_user
from tests.contract.listener import DEADLINE, Listener, Refused
from tests.contract.wire import CODES, TIMESTAMP, Api, Wire, data, is_error_body, new_user, refused, unique

WAYS = {"websocket": ["websocket"], "polling": ["polling"], "polling that upgrades": ["polling", "websocket"]}

Listen = Callable[..., Listener]


@pytest.fixture
def listen(wire: Wire) -> Iterator[Listen]:
    """Connect to the shared server's platform origin, or to another; disconnected when the test is over."""
    with ExitStack() as stack:

        def connect(origin: str | None = None, **options: Any) -> Listener:
            return stack.enter_context(closing(Listener(origin or wire.platform_origin, **options)))

        yield connect


def chat_auth(chat: Api) -> dict[str, str]:
    """Return the handshake of a user of the chat service."""
    return {"apiKey": chat.headers["x-api-key"], "userId": chat.headers["x-user-id"]}


def silent(wire: Wire, *listeners: Listener, about: tuple[str, ...]) -> None:
    """Check that these listeners heard nothing of the events named: what happens next reaches them first."""
    marker = make_user(wire.platform)
    for listener in listeners:
        listener.wait_for("user:created", userId=marker["id"])
        for prefix in about:
            assert listener.about(prefix) == []


def like_the_example(name: str, payload: Any) -> None:
    """Check that `payload` has exactly the keys and types of the golden example."""
    assert golden.shape(payload) == golden.shape(golden.load(name)["payload"])


# What is told of users


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("service", ["platform", "chat"])
def test_everyone_hears_of_users_on_either_port_by_any_transport(
    wire: Wire, listen: Listen, service: str, way: list[str]
) -> None:
    listener = listen(wire.at_origin(service).url, transports=way)

    user = make_user(wire.platform)
    created = listener.wait_for("user:created", userId=user["id"])
    changed = wire.platform.put(f"/users/{user['id']}", {"name": "Renamed"}).json()
    updated = listener.wait_for("user:updated", userId=user["id"])
    wire.platform.delete(f"/users/{user['id']}")
    deleted = listener.wait_for("user:deleted", userId=user["id"])

    assert created == {"userId": user["id"], "user": user}
    assert updated == {"userId": user["id"], "user": changed}
    assert deleted == {"userId": user["id"]}
    assert listener.client.transport() == way[-1]
    like_the_example("users.CREATED", created)
    like_the_example("users.UPDATED", updated)
    like_the_example("users.DELETED", deleted)


def test_users_of_either_service_hear_of_users_too(wire: Wire, listen: Listen) -> None:
    listeners = [listen(auth={"token": log_in(wire)["token"]}), listen(auth=chat_auth(wire.chat))]

    user = make_user(wire.platform)

    for listener in listeners:
        assert listener.wait_for("user:created", userId=user["id"])["user"] == user


def test_an_event_is_told_after_the_change_is_stored(wire: Wire, listen: Listen) -> None:
    listener = listen()
    found: dict[str, int] = {}

    def look(event: str, payload: Any) -> None:
        if event == "user:created":
            found[payload["userId"]] = wire.platform.get(f"/users/{payload['userId']}").status_code

    listener.on_event = look
    user = wire.platform.post("/users", new_user()).json()
    listener.wait_for("user:created", userId=user["id"])

    assert found[user["id"]] == 200


def test_a_refused_or_replayed_change_is_not_told(wire: Wire, listen: Listen) -> None:
    listener = listen()
    key = {"Idempotency-Key": unique("key")}
    body = new_user()
    user = wire.platform.post("/users", body, headers=key).json()

    wire.platform.post("/users", body, headers=key)
    wire.platform.post("/users", body)
    wire.platform.put(f"/users/{user['id']}", {"name": ""})
    wire.platform.put(f"/users/{user['id']}", {"name": "Late"}, headers={"If-Match": '"old"'})

    marker = make_user(wire.platform)
    listener.wait_for("user:created", userId=marker["id"])
    about_user = [name for name, told in listener.about("user:") if told["userId"] == user["id"]]
    assert about_user == ["user:created"]


# What is told of chats


def test_a_user_hears_of_its_sessions(wire: Wire, listen: Listen) -> None:
    chat = wire.chat
    tabs = [listen(auth=chat_auth(chat)), listen(wire.chat_origin, auth=chat_auth(chat), transports=["polling"])]

    session = make_session(chat)
    created = [tab.wait_for("chat:created") for tab in tabs]
    renamed = data(chat.patch(f"/chats/{session}", {"title": "Renamed"}))
    updated = [tab.wait_for("chat:updated", session=renamed) for tab in tabs]
    marked = data(chat.patch(f"/chats/{session}/favorite"))
    assert all(tab.wait_for("chat:updated", session=marked) for tab in tabs)
    chat.delete(f"/chats/{session}")
    deleted = [tab.wait_for("chat:deleted") for tab in tabs]

    assert [told["session"]["_id"] for told in created] == [session, session]
    assert deleted == [{"sessionId": session}] * 2
    like_the_example("chats.CREATED", created[0])
    like_the_example("chats.UPDATED", updated[0])
    like_the_example("chats.DELETED", deleted[0])


def test_a_user_hears_of_its_messages(wire: Wire, listen: Listen) -> None:
    chat = wire.chat
    session = make_session(chat)
    listener = listen(auth=chat_auth(chat))

    message = data(chat.post(f"/chats/{session}/messages", {"content": "Hello, world!", "sender": "user"}), 201)
    created = listener.wait_for("message:created")

    assert created == {"sessionId": session, "message": message}
    like_the_example("messages.CREATED", created)


def test_a_smart_chat_is_told_from_the_question_to_the_reply(wire: Wire, listen: Listen) -> None:
    chat = wire.chat
    session = make_session(chat)
    listener = listen(auth=chat_auth(chat))

    reply = data(chat.post(f"/chats/{session}/smart-chat", {"message": "Hello"}), 201)
    notification = listener.wait_for("notification:new")

    assert listener.wait_for("message:created", message=reply)
    told = [(name, about) for name, about in listener.heard if name in ("message:created", "chat:typing")]
    assert [name for name, _ in told] in (
        ["message:created", "chat:typing", "chat:typing", "message:created"],
        ["message:created", "chat:typing", "message:created", "chat:typing"],
        ["chat:typing", "message:created", "message:created", "chat:typing"],
    )
    typing = [about for name, about in told if name == "chat:typing"]
    assert typing == [{"sessionId": session, "sender": "assistant", "typing": state} for state in (True, False)]
    like_the_example("smart_chat.TYPING", typing[0])
    _is_notification(notification)


def test_the_pieces_of_a_streamed_reply_are_told(wire: Wire, listen: Listen) -> None:
    chat = wire.chat
    session = make_session(chat)
    listener = listen(auth=chat_auth(chat))

    chat.post(
        f"/chats/{session}/smart-chat",
        {"message": "Tell me about lighthouses"},
        headers={"Accept": "text/event-stream"},
    )
    listener.wait_for("notification:new")

    reply = data(chat.get(f"/chats/{session}/messages"))[1]
    deltas = [told for _, told in listener.about("message:delta")]
    assert "".join(told["delta"] for told in deltas).strip() == reply["content"]
    assert {(told["sessionId"], told["messageId"]) for told in deltas} == {(session, reply["_id"])}
    like_the_example("smart_chat.DELTA", deltas[0])
    names = [name for name, _ in listener.heard]
    assert names.index("message:delta") < len(names) - 1 - names[::-1].index("message:created")


def test_typing_ends_when_a_reply_fails(serve: Callable[..., Wire], listen: Listen) -> None:
    def reply(_: Any) -> str:
        raise RuntimeError("boom")

    wire = serve(reply=reply)
    chat = wire.chat
    session = make_session(chat)
    listener = listen(wire.platform_origin, auth=chat_auth(chat))

    chat.post(f"/chats/{session}/smart-chat", {"message": "Hello"})

    listener.wait_for("chat:typing", typing=False)
    silent(wire, listener, about=("notification:", "message:delta"))


def test_nobody_else_hears_of_a_users_chats(wire: Wire, listen: Listen) -> None:
    chat, login = wire.chat, log_in(wire, role="admin")
    others = [listen(), listen(auth=chat_auth(wire.chat)), listen(auth={"token": login["token"]})]
    owner = listen(auth=chat_auth(chat))

    session = make_session(chat)
    chat.patch(f"/chats/{session}", {"title": "Private"})
    chat.post(f"/chats/{session}/messages", {"content": "Secret", "sender": "user"})
    chat.post(f"/chats/{session}/smart-chat", {"message": "Secret"}, headers={"Accept": "text/event-stream"})
    chat.delete(f"/chats/{session}")
    owner.wait_for("chat:deleted")

    silent(wire, *others, about=("chat:", "message:"))


def test_a_user_id_that_names_another_room_hears_nothing(wire: Wire, listen: Listen) -> None:
    chat, login = wire.chat, log_in(wire)
    names = [f"chat:{chat.headers['x-user-id']}", "admins", f"platform:{login['user']['id']}", login["user"]["id"]]
    spies = [listen(auth={"apiKey": wire.api_key, "userId": name}) for name in names]

    make_session(chat)
    wire.platform.put(f"/users/{login['user']['id']}", {"role": "admin"})

    silent(wire, *spies, about=("chat:", "message:", "notification:"))


# Notifications


def _is_notification(told: dict[str, Any]) -> None:
    like_the_example("notifications.NEW", told)
    assert told["id"]
    assert told["title"]
    assert told["message"]
    assert TIMESTAMP.fullmatch(told["createdAt"])
    assert told["read"] is False


def test_administrators_are_notified_of_a_new_user(wire: Wire, listen: Listen) -> None:
    admin = listen(auth={"token": log_in(wire, role="admin")["token"]})
    name = unique("Newcomer")

    wire.platform.post("/users", new_user(name=name))

    assert _heard_of(admin, name)
    _is_notification(admin.wait_for("notification:new"))


@pytest.mark.parametrize(("before", "after"), [("user", "admin"), ("admin", "user")])
def test_a_user_and_the_administrators_are_notified_of_its_new_role(
    wire: Wire, listen: Listen, before: str, after: str
) -> None:
    admin = listen(auth={"token": log_in(wire, role="admin")["token"]})
    login = log_in(wire, role=before, name=unique("Moved"))
    user = listen(auth={"token": login["token"]})

    wire.platform.put(f"/users/{login['user']['id']}", {"role": after})

    assert _heard_of(user, login["user"]["name"])
    assert _heard_of(admin, login["user"]["name"])
    _is_notification(user.wait_for("notification:new"))


def test_nobody_else_is_notified_and_nobody_of_a_change_that_is_not_the_roles(wire: Wire, listen: Listen) -> None:
    login = log_in(wire, name=unique("Quiet"))
    user = listen(auth={"token": login["token"]})
    others = [listen(), listen(auth={"token": log_in(wire)["token"]}), listen(auth=chat_auth(wire.chat))]

    wire.platform.put(f"/users/{login['user']['id']}", {"name": "Still quiet", "role": "user"})
    silent(wire, user, about=("notification:",))
    wire.platform.put(f"/users/{login['user']['id']}", {"role": "admin"})
    user.wait_for("notification:new")

    silent(wire, *others, about=("notification:",))


def test_who_becomes_an_administrator_is_told_what_administrators_are(wire: Wire, listen: Listen) -> None:
    login = log_in(wire)
    listener = listen(auth={"token": login["token"]})
    wire.platform.put(f"/users/{login['user']['id']}", {"role": "admin"})
    listener.wait_for("notification:new")

    first = unique("First")
    make_user(wire.platform, name=first)
    assert _heard_of(listener, first)

    wire.platform.put(f"/users/{login['user']['id']}", {"role": "user"})
    second = unique("Second")
    make_user(wire.platform, name=second)
    marker = make_user(wire.platform)
    listener.wait_for("user:created", userId=marker["id"])
    assert second not in json.dumps(listener.about("notification:"))


def _heard_of(listener: Listener, name: str) -> bool:
    deadline = time.monotonic() + DEADLINE
    while name not in json.dumps(listener.about("notification:")):
        assert time.monotonic() < deadline, f"no notification of {name}"
    return True


# Who may connect


def _credentials(wire: Wire) -> dict[str, Any]:
    login = log_in(wire)
    out = log_in(wire)
    wire.platform.bearing(out["token"]).post("/auth/logout")
    return {
        "garbage": {"token": "garbage"},
        "blank token": {"token": ""},
        "token of another type": {"token": 7},
        "token list": {"token": [login["token"]]},
        "refresh token": {"token": login["refreshToken"]},
        "revoked token": {"token": out["token"]},
        "forged token": {"token": login["token"][:-4] + "AAAA"},
        "wrong key": {"apiKey": "wrong", "userId": "me"},
        "blank key": {"apiKey": "", "userId": "me"},
        "key of another type": {"apiKey": {"$ne": ""}, "userId": "me"},
        "blank user": {"apiKey": wire.api_key, "userId": " "},
        "no user": {"apiKey": wire.api_key},
        "no key": {"userId": "me"},
        "user of another type": {"apiKey": wire.api_key, "userId": 7},
        "good token, wrong key": {"token": login["token"], "apiKey": "wrong", "userId": "me"},
    }


BAD = [
    *(
        "garbage",
        "blank token",
        "token of another type",
        "token list",
        "refresh token",
        "revoked token",
        "forged token",
    ),
    *("wrong key", "blank key", "key of another type", "blank user", "no user", "no key", "user of another type"),
    *("good token, wrong key",),
]


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("name", BAD)
def test_a_handshake_with_bad_credentials_is_refused(wire: Wire, listen: Listen, name: str, way: list[str]) -> None:
    with pytest.raises(Refused) as refusal:
        listen(auth=_credentials(wire)[name], transports=way)

    assert refusal.value.told["message"] == "Unauthorized"
    is_error_body(refusal.value.told["data"], 401)


@pytest.mark.parametrize("auth", ["text", ["list"], True], ids=ascii)
def test_a_handshake_that_is_no_object_is_refused(wire: Wire, auth: Any) -> None:
    with closing(_Raw(wire.platform_origin, auth=auth)) as raw:
        kind, told = raw.first[:2], json.loads(raw.first[2:])

    assert kind == "44"
    assert told["message"] == "Unauthorized"
    assert told["data"]["code"] in CODES.values()


def test_where_auth_is_required_nobody_connects_without_it(serve: Callable[..., Wire], listen: Listen) -> None:
    wire = serve(require_auth=True)
    login = wire.platform.post("/auth/login", {"email": "jane@example.com", "password": "password"}).json()

    nothing: list[Any] = [None, {}]
    for auth in nothing:
        with pytest.raises(Refused) as refusal:
            listen(wire.platform_origin, auth=auth)
        is_error_body(refusal.value.told["data"], 401)
    listen(wire.platform_origin, auth={"token": login["token"]})
    listen(wire.platform_origin, auth=chat_auth(wire.chat))


def test_an_expired_token_does_not_connect(serve: Callable[..., Wire], listen: Listen) -> None:
    wire = serve(token_lifetime=1)
    token = log_in(wire)["token"]
    me = wire.platform.bearing(token)
    deadline = time.monotonic() + 10
    while me.get("/auth/me").status_code == 200:
        assert time.monotonic() < deadline

    with pytest.raises(Refused):
        listen(wire.platform_origin, auth={"token": token})


# Connections that end


def _log_out(wire: Wire, login: dict[str, Any]) -> None:
    wire.platform.bearing(login["token"]).post("/auth/logout")


def _refresh_twice(wire: Wire, login: dict[str, Any]) -> None:
    for _ in range(2):
        wire.platform.post("/auth/refresh", {"refreshToken": login["refreshToken"]})


def _delete(wire: Wire, login: dict[str, Any]) -> None:
    wire.platform.delete(f"/users/{login['user']['id']}")


@pytest.mark.parametrize("revoke", [_log_out, _refresh_twice, _delete], ids=lambda revoke: revoke.__name__[1:])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_the_sockets_of_a_revoked_token_are_disconnected_within_a_second(
    wire: Wire, listen: Listen, way: list[str], revoke: Callable[[Wire, dict[str, Any]], None]
) -> None:
    login, other = log_in(wire), log_in(wire)
    revoked = [listen(auth={"token": login["token"]}, transports=way) for _ in range(2)]
    kept = listen(auth={"token": other["token"]}, transports=way)

    revoke(wire, login)

    assert all(listener.is_dropped(within=1) for listener in revoked)
    user = make_user(wire.platform)
    kept.wait_for("user:created", userId=user["id"])


def test_a_refresh_done_right_keeps_the_socket(wire: Wire, listen: Listen) -> None:
    login = log_in(wire)
    listener = listen(auth={"token": login["token"]})

    wire.platform.post("/auth/refresh", {"refreshToken": login["refreshToken"]})

    user = make_user(wire.platform)
    listener.wait_for("user:created", userId=user["id"])


# What a client may not send

ODD_ARGUMENTS: list[Any] = [
    None,
    "text",
    7,
    [],
    {},
    {"a": {"b": [1, None]}},
    b"bytes",
    ("two", "arguments"),
    "\ud7ff" * 50,
]


@pytest.mark.parametrize("argument", ODD_ARGUMENTS, ids=lambda argument: ascii(argument)[:20])
@pytest.mark.parametrize(
    "event", ["nope", "user:created", "message", "connect_user", "join", "", "__proto__", "*", "error", "😀", "x" * 300]
)
def test_an_event_the_server_does_not_take_is_answered_with_an_error(
    wire: Wire, listen: Listen, event: str, argument: Any
) -> None:
    listener = listen()

    answer = listener.client.call(event, argument, timeout=DEADLINE)

    is_error_body(answer, _status_of(answer))
    user = make_user(wire.platform)
    listener.wait_for("user:created", userId=user["id"])


def _status_of(body: dict[str, Any]) -> int:
    return next(status for status, code in CODES.items() if code == body["code"])


def test_an_event_of_one_client_never_reaches_another(wire: Wire, listen: Listen) -> None:
    other, sender = listen(), listen()
    forged = {"userId": unique("forged")}

    sender.client.call("user:deleted", forged, timeout=DEADLINE)

    marker = make_user(wire.platform)
    other.wait_for("user:created", userId=marker["id"])
    assert ("user:deleted", forged) not in other.heard


def test_a_flood_is_disconnected_and_nobody_else(wire: Wire, listen: Listen) -> None:
    flooding, other = listen(), listen()

    for _ in range(2_000):
        if flooding.is_dropped(within=0):
            break
        try:
            flooding.client.emit("nope", {"text": "x" * 100})
        except Exception:  # whichever way the client notices that it is disconnected
            break

    assert flooding.is_dropped()
    user = make_user(wire.platform)
    other.wait_for("user:created", userId=user["id"])
    assert not other.is_dropped(within=0)


class _Raw:
    """A bare websocket that has done Engine.IO's and Socket.IO's handshakes; `first` is the answer to the latter."""

    def __init__(self, origin: str, auth: Any = None) -> None:
        url = origin.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
        self.socket: Any = websocket.create_connection(url, timeout=2, http_no_proxy=["*"])
        assert str(self.socket.recv()).startswith("0{")
        self.socket.send("40" + ("" if auth is None else json.dumps(auth)))
        self.first = str(self.socket.recv())

    def is_answered(self) -> bool:
        """Whether the server answers an event with an ack, or has closed: anything but silence."""
        try:
            self.socket.send('421["nope"]')
            while True:
                heard = str(self.socket.recv())
                if heard.startswith("431") or not heard:
                    return True
        except (websocket.WebSocketConnectionClosedException, ConnectionError):
            return True
        except (websocket.WebSocketTimeoutException, TimeoutError):
            return False

    def close(self) -> None:
        self.socket.shutdown()


BAD_PACKETS = {
    "unknown engine packet": "9",
    "no engine packet": "hello",
    "empty message": "4",
    "unknown packet": "49",
    "no event": "42",
    "event cut off": '42["nope',
    "event that is an object": '42{"a":1}',
    "event without name": "42[]",
    "event with a number for a name": "42[7]",
    "event with null for a name": "42[null]",
    "event with a list for a name": '42[["nope"]]',
    "ack nobody asked for": '4399["x"]',
    "ack id of many digits": "42" + "9" * 400 + '["nope"]',
    "binary event without its bytes": '451-["nope",{"_placeholder":true,"num":0}]',
    "binary event with a billion attachments": '45999999999-["nope"]',
    "another namespace": '42/admin,["nope"]',
    "connect again": "40",
    "connect to another namespace": "40/admin,",
    "deep nesting": "42" + "[" * 50_000 + "]" * 50_000,
    "upgrade in the middle": "5",
    "ping that is the server's": "2probe",
    "lone surrogate": '42["\\ud800"]',
    "many digits": '42["nope",' + "9" * 5_000 + "]",
}


@pytest.mark.parametrize("packet", BAD_PACKETS.values(), ids=BAD_PACKETS)
def test_a_bad_packet_is_never_met_with_silence_and_harms_nobody_else(wire: Wire, listen: Listen, packet: str) -> None:
    other = listen()
    with closing(_Raw(wire.platform_origin)) as raw:
        raw.socket.send(packet)
        assert raw.is_answered()

    user = make_user(wire.platform)
    other.wait_for("user:created", userId=user["id"])


def test_a_packet_of_bytes_nobody_announced_is_never_met_with_silence(wire: Wire) -> None:
    with closing(_Raw(wire.platform_origin)) as raw:
        raw.socket.send_binary(b"\x00\xff" * 100)
        assert raw.is_answered()


def test_a_packet_too_large_is_never_met_with_silence(serve: Callable[..., Wire], listen: Listen) -> None:
    wire = serve(max_body=10_000)
    other = listen(wire.platform_origin)

    with closing(_Raw(wire.platform_origin)) as raw:
        raw.socket.send('420["nope","' + "x" * 100_000 + '"]')
        assert raw.is_answered()

    user = make_user(wire.platform)
    other.wait_for("user:created", userId=user["id"])


@pytest.mark.parametrize(
    "query", ["EIO=3&transport=polling", "transport=polling", "EIO=4&transport=carrier-pigeon", "",
              "EIO=4&transport=polling&sid=nobody", "EIO=4&transport=websocket"],
)  # fmt: skip
def test_a_broken_polling_request_is_refused(wire: Wire, query: str) -> None:
    answer = wire.at_origin("platform").get("/socket.io/", query=query)

    assert 400 <= answer.status_code < 500
    refused(answer, answer.status_code)

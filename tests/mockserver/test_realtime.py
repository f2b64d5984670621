"""Socket.IO by hand: who is let in, who hears what, who is thrown out, and what may be sent."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import websocket

from duologue.contract import Event, events
from duologue.contract import users as contract_users
from duologue.contract.chats import ChatTitle, Favorite
from duologue.contract.errors import ErrorBodySchema
from duologue.contract.messages import MessageCreate
from duologue.contract.users import User, UserCreate, UserDeleted, UserUpdate
from duologue_mock import MockServer, Settings, auth, chats, messages, notifications, users
from duologue_mock.handler_registry import Principal
from duologue_mock.realtime.server import MAX_PACKETS_A_SECOND
from duologue_mock.seed import Fixtures
from duologue_mock.store import State
from duologue_mock.store.clock import IdGenerator
from duologue_mock.tokens import TokenService
from tests.mockserver.clocks import ManualClock
from tests.mockserver.listeners import Listener, Refused, open_websocket
from tests.mockserver.raw import ask, eventually, head, peer

SECRET = "known to the test, so that it can make tokens"
TOKEN_SERVICE = TokenService(Settings(secret=SECRET))
NOBODY = Principal(key="test")
VISITOR = Principal(key="test", user_id="anonymous-user")
FIXTURE = "test-session-1"
CHAT = {"apiKey": "dev-api-key", "userId": "anonymous-user"}


@pytest.fixture
def mock(clock: ManualClock) -> Iterator[MockServer]:
    state = State(clock=clock, ids=IdGenerator(11))
    Fixtures().seed(state)
    with MockServer(state=state, secret=SECRET, rate_limit=None, max_request_size=10_000) as mock:
        yield mock


Connect = Callable[..., Listener]


@pytest.fixture
def connect(mock: MockServer) -> Iterator[Connect]:
    """Connect a listener to the mock; all are closed at the end."""
    with ExitStack() as open_:

        def connect(auth: Any = None, *, port: int | None = None) -> Listener:
            made = Listener(port or mock.port, auth)
            open_.callback(made.close)
            return made

        yield connect


def token(mock: MockServer, user_id: str) -> str:
    with mock.state as state:
        user = state.users.get(user_id)
        assert user is not None
        return TOKEN_SERVICE.issue(state, user).token


def connected(mock: MockServer) -> int:
    """How many sockets the mock knows of."""
    assert mock._parts is not None
    return len(mock._parts.realtime)


def heard(one: Listener, mock: MockServer) -> list[str]:
    """The names of what a listener has heard up to now; notifications with their type.

    Everything is told in order: behind whatever was announced before comes the farewell announced here, which
    everybody hears. So what is not there by then was not told.
    """
    farewell = say_farewell(mock)
    names: list[str] = []
    while (told := one.event()) != farewell:
        name, payload = told
        if not str(payload.get("userId")).startswith(DRAIN_TIMEOUT):
            names.append(f"notification:new/{payload['type']}" if name == "notification:new" else name)
    return names


DRAIN_TIMEOUT = "farewell "
NUMBERS = itertools.count()


def say_farewell(mock: MockServer) -> tuple[str, Any]:
    """Announce a farewell unlike any before to everybody, and return it as it is heard."""
    id = f"{DRAIN_TIMEOUT}{next(NUMBERS)}"
    with mock.state as state:
        state.publish(contract_users.DELETED, UserDeleted(id))
    return "user:deleted", {"userId": id}


# --- who is let in


@pytest.mark.parametrize("auth", [None, {}, {"unknown": 1}, {"token": None}, {"apiKey": None, "userId": None}], ids=str)
def test_who_says_nothing_is_let_in(connect: Connect, mock: MockServer, auth: Any) -> None:
    assert heard(connect(auth), mock) == []


@pytest.mark.parametrize("port", ["port", "chat_port"])
def test_both_ports_have_the_same_sockets(connect: Connect, mock: MockServer, port: str) -> None:
    one = connect(CHAT, port=getattr(mock, port))
    with mock.state as state:
        chats.create(state, VISITOR, ChatTitle("Plans"))
    assert heard(one, mock) == ["chat:created"]


BAD_AUTH: list[Any] = [
    {"token": "nonsense"},
    {"token": ""},
    {"token": 5},
    {"token": ["x"]},
    {"token": {"x": 1}},
    {"token": True},
    {"apiKey": "wrong", "userId": "x"},
    {"apiKey": "", "userId": "x"},
    {"apiKey": 5, "userId": "x"},
    {"apiKey": "dev-api-key"},
    {"apiKey": "dev-api-key", "userId": ""},
    {"apiKey": "dev-api-key", "userId": "  "},
    {"apiKey": "dev-api-key", "userId": 5},
    {"apiKey": "dev-api-key", "userId": "x" * 256},
    {"userId": "x"},
    {"token": "nonsense", "apiKey": "dev-api-key", "userId": "x"},
    ["token"],
    "token",
    True,
]


@pytest.mark.parametrize("auth", BAD_AUTH, ids=lambda auth: json.dumps(auth)[:40])
def test_bad_credentials_are_refused_with_the_common_error_body(connect: Connect, mock: MockServer, auth: Any) -> None:
    with pytest.raises(Refused) as caught:
        connect(auth)
    assert caught.value.answer["message"] == "Unauthorized"
    ErrorBodySchema().load(caught.value.answer["data"])
    assert connected(mock) == 0


def test_a_good_token_beside_a_wrong_key_is_refused(connect: Connect, mock: MockServer) -> None:
    with pytest.raises(Refused):
        connect({"token": token(mock, "1"), "apiKey": "wrong", "userId": "x"})


def test_where_auth_is_required_nobody_comes_in_without(clock: ManualClock) -> None:
    with MockServer(require_auth=True, secret=SECRET) as mock:
        for nothing in (None, {}, {"token": None}):
            with pytest.raises(Refused) as caught:
                Listener(mock.port, nothing)
            assert caught.value.answer["message"] == "Unauthorized"
        for something in ({"token": token(mock, "1")}, CHAT):
            Listener(mock.port, something).close()


def test_an_expired_token_is_refused(connect: Connect, mock: MockServer, clock: ManualClock) -> None:
    stale = token(mock, "1")
    clock.advance(3600)
    with pytest.raises(Refused):
        connect({"token": stale})


def test_who_was_refused_hears_nothing_and_may_try_again(mock: MockServer) -> None:
    raw = open_websocket(mock.port)
    try:
        raw.recv()
        raw.send('40{"token":"nonsense"}')
        assert raw.recv().startswith("44")
        with mock.state as state:
            users.create(state, UserCreate(name="Ada", email="ada@example.com"))
        raw.send("40" + json.dumps({"token": token(mock, "1")}))
        assert raw.recv().startswith("40"), "the first thing heard is the answer, not an event"
    finally:
        raw.close(timeout=0)
        raw.shutdown()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["Host: evil.example"], 421),
        (["Host: localhost", "Origin: http://evil.example"], 403),
        (["Host: localhost", "Origin: null"], 403),
        (["Host: localhost", "Origin: http://localhost.evil.example"], 403),
        (["Host: localhost", "Origin: http://localhost:3000"], 101),
        (["Host: 127.0.0.1:1"], 101),
    ],
)
def test_the_gate_stands_in_front_of_the_handshake(mock: MockServer, headers: list[str], status: int) -> None:
    line = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1"
    upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
    with peer(mock.port) as one:
        one.send(head(line, *headers, *upgrade, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", host=None))
        answer = one.answer()
        assert answer.status == status
        if status == 101:
            assert answer.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        else:
            ErrorBodySchema().load(answer.json)


def test_polling_works_too(mock: MockServer) -> None:
    path = "/socket.io/?EIO=4&transport=polling"
    opened = json.loads(ask(mock.port, f"GET {path} HTTP/1.1").body[1:])
    assert "websocket" in opened["upgrades"]
    mine = f"{path}&sid={opened['sid']}"
    join = b"40" + json.dumps(CHAT).encode()
    assert ask(mock.port, f"POST {mine} HTTP/1.1", f"Content-Length: {len(join)}", body=join).body == b"OK"
    assert ask(mock.port, f"GET {mine} HTTP/1.1").body.startswith(b'40{"sid":')
    with mock.state as state:
        chats.create(state, VISITOR, ChatTitle("Plans"))
    assert b'"chat:created"' in ask(mock.port, f"GET {mine} HTTP/1.1").body


@pytest.mark.parametrize("path", ["?EIO=4&transport=polling&sid=unknown", "?EIO=3&transport=polling", "?EIO=4", ""])
def test_nonsense_over_http_is_refused_with_the_common_body(mock: MockServer, path: str) -> None:
    for line, more in (
        (f"GET /socket.io/{path} HTTP/1.1", []),
        (f"POST /socket.io/{path} HTTP/1.1", ["Content-Length: 2"]),
    ):
        answer = ask(mock.port, line, *more, body=b"4x" if more else b"")
        if answer.status != 200:
            assert 400 <= answer.status < 500
            ErrorBodySchema().load(answer.json)


# --- who hears what


@pytest.fixture
def audience(connect: Connect, mock: MockServer) -> dict[str, Listener]:
    """One listener of each kind."""
    return {
        "nobody": connect(),
        "john, an admin": connect({"token": token(mock, "1")}),
        "jane": connect({"token": token(mock, "2")}),
        "visitor": connect(CHAT),
        "stranger": connect({**CHAT, "userId": "stranger"}),
    }


EVERYBODY = ["nobody", "john, an admin", "jane", "visitor", "stranger"]
SENT = MessageCreate("Hi", "user")


def everybody(event: str) -> dict[str, list[str]]:
    return {name: [event] for name in EVERYBODY}


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (
            lambda state: users.create(state, UserCreate(name="Ada", email="ada@example.com")),
            {
                **everybody("user:created"),
                "john, an admin": ["user:created", "notification:new/user_created"],
            },
        ),
        (
            lambda state: users.update(state, NOBODY, "2", UserUpdate(name="Jane Roe")),
            everybody("user:updated"),
        ),
        (
            lambda state: users.update(state, NOBODY, "2", UserUpdate(role="admin")),
            {
                **everybody("user:updated"),
                "john, an admin": ["user:updated", "notification:new/role_changed"],
                "jane": ["user:updated", "notification:new/role_changed"],
            },
        ),
        (
            lambda state: users.update(state, NOBODY, "1", UserUpdate(role="user")),
            {
                **everybody("user:updated"),
                "john, an admin": ["user:updated", "notification:new/role_changed"],
            },
        ),
        (lambda state: chats.create(state, VISITOR, ChatTitle("Plans")), {"visitor": ["chat:created"]}),
        (lambda state: chats.rename(state, VISITOR, FIXTURE, ChatTitle("Plans")), {"visitor": ["chat:updated"]}),
        (lambda state: chats.favorite(state, VISITOR, FIXTURE, Favorite(True)), {"visitor": ["chat:updated"]}),
        (lambda state: chats.delete(state, VISITOR, FIXTURE), {"visitor": ["chat:deleted"]}),
        (
            lambda state: messages.send(state, VISITOR, FIXTURE, SENT),
            {"visitor": ["message:created", "chat:updated"]},
        ),
        (
            lambda state: notifications.notify(state, "1", kind="news", title="News", message="For John."),
            {"john, an admin": ["notification:new/news"]},
        ),
        (
            lambda state: notifications.notify(state, "2", kind="news", title="News", message="For Jane."),
            {"john, an admin": ["notification:new/news"], "jane": ["notification:new/news"]},
        ),
        (
            lambda state: notifications.notify(state, "chat:stranger", kind="news", title="News", message="For one."),
            {"stranger": ["notification:new/news"]},
        ),
    ],
    ids=[
        "user created", "user updated", "promoted", "demoted", "chat created", "chat renamed", "chat marked",
        "chat deleted", "message", "notification to an admin", "notification to a user", "notification in a chat",
    ],
)  # fmt: skip
def test_who_hears_what(
    mock: MockServer, audience: dict[str, Listener], act: Callable[[State], object], told: dict[str, list[str]]
) -> None:
    with mock.state as state:
        act(state)
    assert {name: heard(one, mock) for name, one in audience.items()} == {
        name: told.get(name, []) for name in EVERYBODY
    }


def test_a_smart_chat_is_heard_by_its_user_alone(mock: MockServer, audience: dict[str, Listener]) -> None:
    body = b'{"message": "Hello"}'
    chat = ("x-api-key: dev-api-key", "Unique-Reference-Code: r-1", "x-user-id: anonymous-user")
    line = f"POST /chats-service/api/v1/chats/{FIXTURE}/smart-chat HTTP/1.1"
    framed = ("Content-Type: application/json", f"Content-Length: {len(body)}", "Accept: text/event-stream")
    assert ask(mock.port, line, *chat, *framed, body=body).status == 200
    told = {name: heard(one, mock) for name, one in audience.items()}
    assert set(told.pop("visitor")) == {
        "message:created", "chat:updated", "chat:typing", "message:delta", "notification:new/smart_chat_reply",
    }  # fmt: skip
    assert all(names == [] for names in told.values())


def test_one_may_be_both(connect: Connect, mock: MockServer) -> None:
    both = connect({"token": token(mock, "1"), **CHAT})
    with mock.state as state:
        notifications.notify(state, "2", kind="news", title="News", message="For the admins.")
        chats.create(state, VISITOR, ChatTitle("Plans"))
    assert heard(both, mock) == ["notification:new/news", "chat:created"]


def test_all_of_a_users_sockets_hear(connect: Connect, mock: MockServer) -> None:
    two = [connect(CHAT), connect(CHAT)]
    with mock.state as state:
        chats.create(state, VISITOR, ChatTitle("Plans"))
    assert [heard(one, mock) for one in two] == [["chat:created"], ["chat:created"]]


def test_a_promoted_users_sockets_join_the_admins_and_a_demoted_ones_leave(
    mock: MockServer, audience: dict[str, Listener]
) -> None:
    with mock.state as state:
        users.update(state, NOBODY, "2", UserUpdate(role="admin"))
        users.update(state, NOBODY, "1", UserUpdate(role="user"))
    for one in audience.values():
        heard(one, mock)  # up to here
    with mock.state as state:
        notifications.notify(state, "99", kind="news", title="News", message="For the admins.")
    assert heard(audience["jane"], mock) == ["notification:new/news"]
    assert heard(audience["john, an admin"], mock) == []


@pytest.mark.parametrize("event", events(), ids=lambda event: event.id)
def test_what_is_sent_is_what_the_contract_says(connect: Connect, mock: MockServer, event: Event[Any]) -> None:
    """Every event of the contract, as it happens: its payload loads with its own schema."""
    both = connect({"token": token(mock, "1"), **CHAT})
    with mock.state as state:
        users.create(state, UserCreate(name="Ada", email="ada@example.com"))
        users.update(state, NOBODY, "3", UserUpdate(name="Ada B"))
        users.delete(state, "3")
        chats.create(state, VISITOR, ChatTitle("Plans"))
    body = b'{"message": "Hello"}'
    chat = ("x-api-key: dev-api-key", "Unique-Reference-Code: r-1", "x-user-id: anonymous-user")
    line = f"POST /chats-service/api/v1/chats/{FIXTURE}/smart-chat HTTP/1.1"
    framed = ("Content-Type: application/json", f"Content-Length: {len(body)}", "Accept: text/event-stream")
    ask(mock.port, line, *chat, *framed, body=body)
    with mock.state as state:
        chats.delete(state, VISITOR, FIXTURE)
    farewell = say_farewell(mock)
    told = iter(both.event, farewell)
    payloads = [payload for name, payload in told if name == event.name]
    assert payloads
    for payload in payloads:
        assert event.payload.dump(event.payload.load(payload)) == payload


def test_what_is_told_is_there_already_and_in_order(connect: Connect, mock: MockServer) -> None:
    one, other = connect(), connect()
    with mock.state as state:
        made = [users.create(state, UserCreate(name="N", email=f"n{n}@example.com")).id for n in range(100)]
    for listener in (one, other):
        told = [listener.event()[1]["userId"] for _ in made]
        assert told == made
    assert ask(mock.port, f"GET /api/users/{made[-1]} HTTP/1.1").status == 200


# --- who is thrown out


def log_out(state: State, identity: Any) -> None:
    auth.logout(state, Principal(key="test", user=identity.user, login_id=identity.login_id))


@pytest.mark.parametrize(
    "end",
    [
        log_out,
        lambda state, identity: users.delete(state, identity.user.id),
        lambda state, identity: state.logins.revoke_all(identity.user.id),
    ],
    ids=["logout", "deleted", "all logins ended"],
)
def test_a_revoked_login_is_disconnected_and_no_other(
    connect: Connect, mock: MockServer, end: Callable[[State, Any], None]
) -> None:
    jane, john, nobody = (token(mock, "2"), token(mock, "1"), None)
    two = [connect({"token": jane}), connect({"token": jane, **CHAT})]
    others = [connect({"token": john}), connect(nobody), connect(CHAT)]
    with mock.state as state:
        end(state, TOKEN_SERVICE.verify(state, jane))
    assert all(one.dropped() for one in two)
    for one in others:
        heard(one, mock)
    assert eventually(lambda: connected(mock) == 3)
    with pytest.raises(Refused):
        connect({"token": jane})


def test_a_stolen_refresh_token_disconnects_the_whole_login(connect: Connect, mock: MockServer) -> None:
    with mock.state as state:
        jane = state.users.get("2")
        assert jane is not None
        tokens = TOKEN_SERVICE.issue(state, jane)
    one = connect({"token": tokens.token})
    with mock.state as state:
        TOKEN_SERVICE.refresh(state, tokens.refresh_token)
    assert heard(one, mock) == [], "a refresh disconnects nobody"
    with mock.state as state, pytest.raises(Exception, match="refresh token"):
        TOKEN_SERVICE.refresh(state, tokens.refresh_token)
    assert one.dropped()


def test_who_claims_to_have_gone_is_disconnected_all_the_same(connect: Connect, mock: MockServer) -> None:
    """An event named as the library's own is an event nobody knows, not a goodbye."""
    jane = token(mock, "2")
    one = connect({"token": jane})
    for name in ("disconnect", "connect", "__disconnect_final", "connect_error"):
        one.emit(name, {"token": "nonsense"})
        assert one.event()[1]["code"] == "NOT_FOUND_ERROR"
    assert connected(mock) == 1
    with mock.state as state:
        log_out(state, TOKEN_SERVICE.verify(state, jane))
    assert one.dropped()


def test_a_flood_is_disconnected_and_others_are_not(connect: Connect, mock: MockServer) -> None:
    one, other = connect(), connect()
    for _ in range(MAX_PACKETS_A_SECOND + 50):
        try:
            one.emit("flood")
        except (websocket.WebSocketException, OSError):
            break
    assert one.dropped()
    assert heard(other, mock) == []
    assert eventually(lambda: connected(mock) == 1)


def test_many_events_over_time_are_no_flood(connect: Connect, mock: MockServer, clock: ManualClock) -> None:
    one = connect()
    for second in range(3):
        for _ in range(MAX_PACKETS_A_SECOND - 5):
            one.emit("event", ack=second)
        for _ in range(MAX_PACKETS_A_SECOND - 5):
            assert one.ack(second)[0]["code"] == "NOT_FOUND_ERROR"
        clock.advance(1)
    assert heard(one, mock) == []


def test_who_goes_is_forgotten(connect: Connect, mock: MockServer) -> None:
    politely, rudely, at_once = connect(), connect(), connect()
    assert connected(mock) == 3
    politely.send("41")
    rudely.close()
    at_once._socket.sock.close()
    assert eventually(lambda: connected(mock) == 0)
    with mock.state as state:
        users.create(state, UserCreate(name="Ada", email="ada@example.com"))


# --- what may be sent


@pytest.mark.parametrize("args", [[], [1], ["x", None, {"a": [1.5]}], [{"deep": [[[[]]]]}]], ids=str)
@pytest.mark.parametrize("name", ["hello", "message", "user:created", "*", "", "💥", "x" * 500])
def test_an_unknown_event_is_answered_with_an_error(
    connect: Connect, mock: MockServer, name: str, args: list[Any]
) -> None:
    one = connect()
    one.emit(name, *args, ack=7)
    (error,) = one.ack(7)
    assert ErrorBodySchema().load(error).code == "NOT_FOUND_ERROR"
    one.emit(name, *args)
    event, error = one.event()
    assert event == "error"
    assert ErrorBodySchema().load(error).code == "NOT_FOUND_ERROR"
    assert len(json.dumps(error)) < 2000, "a long name is not sent back whole"
    assert heard(one, mock) == []


MALFORMED = [
    "4", "42", "42{}", '42{"no":"list"}', "42[]", "42[5]", "42[null]", '42[["x"]]', '42["x"', "42nonsense", "4abc",
    "49", "44", '45-["x"]', '459999999999999-["x"]', "42" + "[" * 100_000, '42["x",' + "9" * 5000 + "]",
]  # fmt: skip


@pytest.mark.parametrize("packet", MALFORMED, ids=lambda packet: repr(packet)[:30])
def test_a_malformed_packet_is_answered_with_an_error_and_the_socket_stays(
    mock: MockServer, caplog: pytest.LogCaptureFixture, packet: str
) -> None:
    with MockServer(state=mock.state) as roomy:  # the other one takes no packets of this size
        one = Listener(roomy.port)
        try:
            one.send(packet)
            name, error = one.event()
            assert name == "error"
            assert ErrorBodySchema().load(error).code in ("VALIDATION_ERROR", "NOT_FOUND_ERROR")
            assert heard(one, roomy) == []
        finally:
            one.close()
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    "packet", ["431[]", '43["x"]', "41/other,", b"\x00\x01", b"", "6", "3", "2", "42/other,[5]"], ids=repr
)
def test_what_asks_for_no_answer_hurts_nobody(
    connect: Connect, mock: MockServer, caplog: pytest.LogCaptureFixture, packet: str | bytes
) -> None:
    one, other = connect(), connect()
    one.send(packet)
    assert heard(other, mock) == []
    with mock.state as state:
        chats.create(state, VISITOR, ChatTitle("Plans"))
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("packet", ["", "x", "9", "\x00", "[]", "GET / HTTP/1.1"], ids=repr)
def test_what_is_no_engine_io_ends_the_connection_and_leaves_nothing(
    connect: Connect, mock: MockServer, caplog: pytest.LogCaptureFixture, packet: str
) -> None:
    one, other = connect(CHAT), connect()
    one.send(packet)
    if packet != "9":  # a number without a meaning is passed over
        assert one.dropped()
        assert eventually(lambda: connected(mock) == 1)
    assert heard(other, mock) == []
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("first", ['42["hello"]', "4", "42", '40{"token":', "41", "43[]", "449", b"\x00"], ids=repr)
def test_nonsense_before_the_handshake_hurts_nobody(
    connect: Connect, mock: MockServer, caplog: pytest.LogCaptureFixture, first: str | bytes
) -> None:
    raw = open_websocket(mock.port)
    try:
        raw.recv()
        raw.send_binary(first) if isinstance(first, bytes) else raw.send(first)
        assert heard(connect(), mock) == []
        assert connected(mock) == 1
    finally:
        raw.close(timeout=0)
        raw.shutdown()
    assert not [record for record in caplog.records if record.exc_info]


def test_a_packet_that_is_too_large_ends_the_connection(connect: Connect, mock: MockServer) -> None:
    one, other = connect(), connect()
    one.emit("large", "x" * 100_000)
    assert one.dropped()
    assert heard(other, mock) == []


def test_another_namespace_is_refused(connect: Connect, mock: MockServer) -> None:
    one = connect()
    one.send("40/admin,")
    assert one.packet().startswith("44/admin,")
    assert heard(one, mock) == []


# --- together with the server's life


def test_a_state_outlives_its_servers_and_their_sockets() -> None:
    """What is announced when a server has gone reaches nobody, and fails nowhere."""
    state = State()
    Fixtures().seed(state)
    for number in range(2):
        with MockServer(state=state) as mock:
            one = Listener(mock.port, CHAT)
        one.close()
        users.create(state, UserCreate(name="N", email=f"n{number}@example.com"))
        state.logins.end("unknown")
    with MockServer(state=state) as mock:
        one = Listener(mock.port, CHAT)
        with state:
            chats.create(state, VISITOR, ChatTitle("Plans"))
        assert heard(one, mock) == ["chat:created"]
        one.close()


def test_two_servers_on_one_state_both_tell() -> None:
    state = State()
    Fixtures().seed(state)
    with MockServer(state=state) as first, MockServer(state=state) as second:
        listeners = [Listener(first.port), Listener(second.port)]
        with state:
            users.create(state, UserCreate(name="Ada", email="ada@example.com"))
        assert [one.event()[0] for one in listeners] == ["user:created"] * 2
        for one in listeners:
            one.close()


def test_two_servers_with_their_own_states_tell_nothing_of_each_other(connect: Connect, mock: MockServer) -> None:
    one = connect()
    with MockServer() as other, other.state as state:
        users.create(state, UserCreate(name="Ada", email="ada@example.com"))
    assert heard(one, mock) == []
    assert User("3", "Ada", "ada@example.com", "user") not in list(mock.state.users)

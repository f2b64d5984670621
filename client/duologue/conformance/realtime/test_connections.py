"""Socket.IO: who may connect and for how long, and what a client may not send."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from duologue.conformance import sources
from duologue.conformance.realtime.raw_socket import RawSocket
from duologue.conformance.rules import rule
from duologue.conformance.target.examples import create_user, log_in
from duologue.conformance.target.listener import DEADLINE, WAYS, Listen, RefusedError
from duologue.conformance.target.responses import CODES, check_error_body
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import unique

# Who may connect


def _get_revoked_token(server: Server) -> str:
    token: str = log_in(server)["token"]
    server.platform.with_token(token).post("/auth/logout")
    return token


BAD: dict[str, Callable[[Server], Any]] = {
    "garbage": lambda _: {"token": "garbage"},
    "blank token": lambda _: {"token": ""},
    "token of another type": lambda _: {"token": 7},
    "token list": lambda server: {"token": [log_in(server)["token"]]},
    "lone surrogate": lambda _: {"token": "\ud800"},
    "lone surrogate in the key": lambda _: {"apiKey": "\ud800", "userId": "me"},
    "refresh token": lambda server: {"token": log_in(server)["refreshToken"]},
    "revoked token": lambda server: {"token": _get_revoked_token(server)},
    "forged token": lambda server: {"token": log_in(server)["token"][:-4] + "AAAA"},
    "wrong key": lambda _: {"apiKey": "wrong", "userId": "me"},
    "blank key": lambda _: {"apiKey": "", "userId": "me"},
    "key of another type": lambda _: {"apiKey": {"$ne": ""}, "userId": "me"},
    "blank user": lambda server: {"apiKey": server.api_key, "userId": " "},
    "no user": lambda server: {"apiKey": server.api_key},
    "no key": lambda _: {"userId": "me"},
    "user of another type": lambda server: {"apiKey": server.api_key, "userId": 7},
    "good token, wrong key": lambda server: {"token": log_in(server)["token"], "apiKey": "wrong", "userId": "me"},
}


@rule(
    "events.credentials",
    "Credentials that are not accepted are refused by connect_error with Unauthorized and the error body, "
    "over every transport.",
    source=sources.REALTIME,
    stage=4,
    needs=["admin", "events"],
    quick=True,
)
@pytest.mark.parametrize(
    ("name", "way"),
    [
        *((name, WAYS["websocket"]) for name in BAD),
        *((name, way) for name in ("garbage", "wrong key") for way in WAYS.values() if way != WAYS["websocket"]),
    ],
)
def test_bad_credentials(server: Server, listen: Listen, name: str, way: list[str]) -> None:
    with pytest.raises(RefusedError) as caught:
        listen(auth=BAD[name](server), transports=way)

    assert caught.value.payload["message"] == "Unauthorized"
    check_error_body(caught.value.payload["data"], 400 if name.startswith("lone surrogate") else 401)


@rule(
    "events.credentials-required",
    "A server that requires a token over HTTP admits no Socket.IO client without credentials.",
    source=sources.REALTIME,
    stage=4,
    needs=["closed", "events"],
)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("auth", [None, {}], ids=["none", "empty"])
def test_handshake_without_credentials(listen: Listen, auth: dict[str, str] | None, way: list[str]) -> None:
    with pytest.raises(RefusedError) as caught:
        listen(auth=auth, transports=way)

    assert caught.value.payload["message"] == "Unauthorized"
    check_error_body(caught.value.payload["data"], 401)


@rule(
    "events.auth-type",
    "Credentials that are not an object are refused likewise.",
    source=sources.REALTIME,
    stage=4,
    needs=["events"],
)
@pytest.mark.parametrize("auth", ["text", ["list"], True], ids=ascii)
def test_invalid_auth(server: Server, auth: Any) -> None:
    with closing(RawSocket(server.platform_origin, auth=auth)) as raw:
        kind, payload = raw.first[:2], json.loads(raw.first[2:])

    assert kind == "44"
    assert payload["message"] == "Unauthorized"
    assert payload["data"]["code"] in CODES.values()


# Connections that end


FIRST_WAY = next(iter(WAYS.values()))


def _log_out(server: Server, login: dict[str, Any]) -> None:
    server.platform.with_token(login["token"]).post("/auth/logout")


def _refresh_twice(server: Server, login: dict[str, Any]) -> None:
    for _ in range(2):
        server.platform.post("/auth/refresh", {"refreshToken": login["refreshToken"]})


def _delete(server: Server, login: dict[str, Any]) -> None:
    server.platform.delete(f"/users/{login['user']['id']}")


@rule(
    "events.revoked",
    "A connection whose login ends is disconnected, and no other.",
    source=sources.REALTIME,
    stage=4,
    needs=["admin", "events"],
)
@pytest.mark.parametrize(
    ("way", "revoke"),
    [
        pytest.param(way, revoke, id=f"{name}-{revoke.__name__[1:]}")
        for name, way in WAYS.items()
        for revoke in (_log_out, _refresh_twice, _delete)
        if revoke is _log_out or way is FIRST_WAY
    ],
)
def test_revoked_token(
    server: Server, listen: Listen, way: list[str], revoke: Callable[[Server, dict[str, Any]], None]
) -> None:
    login, other = log_in(server), log_in(server)
    revoked = [listen(auth={"token": login["token"]}, transports=way) for _ in range(2)]
    unaffected = listen(auth={"token": other["token"]}, transports=way)

    revoke(server, login)

    assert all(listener.is_dropped(within=1) for listener in revoked)
    user = create_user(server.platform)
    unaffected.wait_for("user:created", userId=user["id"])


@rule(
    "events.refresh",
    "A refresh does not end the connections of its login.",
    source=sources.REALTIME,
    stage=4,
    needs=["admin", "events"],
)
def test_refresh_keeps_socket(server: Server, listen: Listen) -> None:
    login = log_in(server)
    listener = listen(auth={"token": login["token"]})

    server.platform.post("/auth/refresh", {"refreshToken": login["refreshToken"]})

    user = create_user(server.platform)
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


@rule(
    "events.unknown",
    "An event that is sent to the server is acknowledged with the error body, and the connection stays.",
    source=sources.REALTIME,
    stage=4,
    needs=["admin", "events"],
)
@pytest.mark.parametrize(
    ("event", "argument"),
    [
        *(("nope", argument) for argument in ODD_ARGUMENTS),
        *((event, {}) for event in ("user:created", "message", "connect_user", "join", "", "__proto__", "*", "error")),
        *((event, {}) for event in ("😀", "x" * 300)),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_unknown_event(server: Server, listen: Listen, event: str, argument: Any) -> None:
    listener = listen()

    response = listener.client.call(event, argument, timeout=DEADLINE)

    check_error_body(response, _get_status(response))
    user = create_user(server.platform)
    listener.wait_for("user:created", userId=user["id"])


def _get_status(body: dict[str, Any]) -> int:
    return next(status for status, code in CODES.items() if code == body["code"])


@rule(
    "events.no-relay",
    "What one client sends reaches no other.",
    source=sources.REALTIME,
    stage=4,
    needs=["admin", "events"],
)
def test_no_relay_between_clients(server: Server, listen: Listen) -> None:
    other, sender = listen(), listen()
    forged = {"userId": unique("forged")}

    sender.client.call("user:deleted", forged, timeout=DEADLINE)

    marker = create_user(server.platform)
    other.wait_for("user:created", userId=marker["id"])
    assert ("user:deleted", forged) not in other.events


@rule(
    "events.flood",
    "A client that sends without end is disconnected, and no other.",
    source=sources.REALTIME,
    stage=4,
    needs=["admin", "events"],
)
def test_flood(server: Server, listen: Listen) -> None:
    flooding, other = listen(), listen()

    for _ in range(2_000):
        if flooding.is_dropped(within=0):
            break
        try:
            flooding.client.emit("nope", {"text": "x" * 100})
        except Exception:  # whichever way the client notices that it is disconnected
            break

    assert flooding.is_dropped()
    user = create_user(server.platform)
    other.wait_for("user:created", userId=user["id"])
    assert not other.is_dropped(within=0)


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
    "unrequested ack": '4399["x"]',
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


@rule(
    "events.packet-invalid",
    "A malformed packet ends its own connection at most.",
    source=sources.REALTIME,
    needs=["admin", "events"],
    stage=4,
)
@pytest.mark.parametrize("packet", BAD_PACKETS.values(), ids=BAD_PACKETS)
def test_bad_packet(server: Server, listen: Listen, packet: str) -> None:
    other = listen()
    with closing(RawSocket(server.platform_origin, auth=server.default_auth)) as raw:
        raw.socket.send(packet)
        assert raw.is_answered()

    user = create_user(server.platform)
    other.wait_for("user:created", userId=user["id"])


@rule(
    "events.bytes-unannounced",
    "Bytes that were not announced end their own connection at most.",
    source=sources.REALTIME,
    needs=["caller", "events"],
    stage=4,
)
def test_unannounced_bytes(server: Server) -> None:
    with closing(RawSocket(server.platform_origin, auth=server.default_auth)) as raw:
        raw.socket.send_binary(b"\x00\xff" * 100)
        assert raw.is_answered()

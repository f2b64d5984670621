"""What a hostile page, or anyone else on the machine, might try; forged tokens are in `test_auth`."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from duologue.contract import Operation
from tests.contract.examples import ask, each, log_in, make_session
from tests.contract.wire import CODES, Wire, data, is_error_body, new_user, refused, say, unique

EVIL_HOSTS = [
    *("evil.example", "evil.example:{port}", "localhost.evil.example:{port}", "127.0.0.1.evil.example", "10.0.0.1"),
    *(
        "localhost@evil.example",
        "evil.example#localhost",
        "localhost evil.example",
        "xlocalhost:{port}",
        "[::2]:{port}",
    ),
    *("0.0.0.0:{port}", "2130706433", "localhost:{port}:{port}", "[::1", "localhost/", "localhost:x", "."),
]
OWN_HOSTS = ["localhost", "localhost:{port}", "127.0.0.1:{port}", "[::1]:{port}", "LocalHost:{port}", "127.0.0.1"]

STATE_CHANGING = ["/reset", "/faults", "/settings", "/clock", "/state", "/scenarios", "/snapshots", "/events"]
UPGRADE = (
    "Connection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\n"
)
HOSTILE = {
    "foreign origin": {"Origin": "http://evil.example"},
    "no origin of its own": {"Origin": "null"},
    "look-alike origin": {"Origin": "http://localhost.evil.example"},
    "cross-site fetch": {"Sec-Fetch-Site": "cross-site"},
    "cross-site fetch of a foreign page": {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"},
}

each_port = pytest.mark.parametrize("service", ["platform", "chat"])


def misdirected(answer: requests.Response) -> None:
    """Check that `answer` refuses a request that was meant for another host."""
    if answer.status_code == 400:  # what cannot be a host at all
        return
    assert refused(answer, 421)["code"] == "MISDIRECTED_REQUEST"


# DNS rebinding


@each_port
@pytest.mark.parametrize("host", EVIL_HOSTS)
@pytest.mark.parametrize(
    "path", ["/api/users", "/socket.io/?EIO=4&transport=polling", "/__mock__/health", "/openapi.json", "/nope"]
)
def test_misdirected_request(
    wire: Wire, service: str, host: str, path: str
) -> None:
    origin = wire.at_origin(service).url
    name = host.replace("{port}", str(urlsplit(origin).port))

    answer = say(origin, f"GET {path} HTTP/1.1\nHost: {name}\nOrigin: http://localhost\nConnection: close\n\n")

    misdirected(answer)


@each(answering=[421])
def test_misdirected_calls(wire: Wire, operation: Operation[Any]) -> None:
    misdirected(ask(wire, operation).send(headers={"Host": "evil.example"}))


def test_misdirected_change(wire: Wire) -> None:
    body = new_user()

    misdirected(wire.platform.post("/users", body, headers={"Host": "evil.example"}))

    assert wire.platform.get("/users", query={"search": body["email"]}).json()["total"] == 0


@each_port
@pytest.mark.parametrize("host", OWN_HOSTS)
def test_own_host_names(wire: Wire, service: str, host: str) -> None:
    origin = wire.at_origin(service).url
    if urlsplit(origin).hostname not in ("127.0.0.1", "localhost", "::1"):
        pytest.skip("the server under test runs on another machine")
    name = host.replace("{port}", str(urlsplit(origin).port))

    assert say(origin, f"GET /api/health HTTP/1.1\nHost: {name}\nConnection: close\n\n").status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-Host", "X-Host", "X-Original-Host", "Forwarded"])
def test_forwarded_host(wire: Wire, header: str) -> None:
    evil, own = ("host=evil.example", "host=localhost") if header == "Forwarded" else ("evil.example", "localhost")

    made = wire.platform.post("/users", new_user(), headers={header: evil})
    assert made.status_code == 201
    assert "evil" not in made.headers["Location"]
    misdirected(wire.platform.get("/users", headers={"Host": "evil.example", header: own}))


def test_absolute_target(wire: Wire) -> None:
    misdirected(
        say(wire.platform_origin, "GET http://evil.example/api/users HTTP/1.1\nHost: {host}\nConnection: close\n\n")
    )


def test_allowed_host(serve: Callable[..., Wire]) -> None:
    platform = serve(allowed_hosts=("mock.test",)).platform

    assert platform.get("/users", headers={"Host": "mock.test"}).status_code == 200
    assert platform.get("/users", headers={"Host": "mock.test:8080"}).status_code == 200
    for host in ("evil.mock.test", "mock.test.evil.example", "evil.example"):
        misdirected(platform.get("/users", headers={"Host": host}))


# Hostile pages and the control surface


@each_port
@pytest.mark.parametrize("headers", HOSTILE.values(), ids=HOSTILE)
def test_foreign_control_request(own: Wire, service: str, headers: dict[str, str]) -> None:
    for path, method in itertools.product(STATE_CHANGING, ("POST", "PUT", "DELETE")):
        answer = own.at_origin(service).request(method, f"/__mock__{path}", {}, headers=headers)

        refused(answer, 403)
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert _kept(own)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost.evil.example"])
def test_control_without_cors(wire: Wire, origin: str) -> None:
    for path in ("/__mock__/health", "/__mock__/state", "/__mock__/requests", "/__mock__/settings"):
        answer = wire.at_origin("platform").get(path, headers={"Origin": origin})
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


@pytest.fixture
def own(serve: Callable[..., Wire]) -> Wire:
    """A server that only this test uses: were the attack to succeed, no other test should suffer."""
    wire = serve()
    wire.platform.post("/users", {"name": "Canary", "email": "canary@example.com"})
    return wire


def _kept(wire: Wire) -> bool:
    """Whether the canary is still there."""
    return bool(wire.platform.get("/users", query={"search": "canary@example.com"}).json()["total"] == 1)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost.evil.example"])
@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_foreign_socket(wire: Wire, transport: str, origin: str) -> None:
    text = f"GET /socket.io/?EIO=4&transport={transport} HTTP/1.1\nHost: {{host}}\nOrigin: {origin}\n"

    answer = say(wire.platform_origin, text + (UPGRADE if transport == "websocket" else "Connection: close\n") + "\n")

    assert answer.status_code in (400, 403)


def test_misdirected_websocket(wire: Wire) -> None:

    text = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\nHost: evil.example\nOrigin: http://evil.example\n"

    misdirected(say(wire.platform_origin, f"{text}{UPGRADE}\n"))


# What is stored, and what comes back


@each()
def test_nosniff(wire: Wire, operation: Operation[Any]) -> None:
    answer = ask(wire, operation).send()

    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    if answer.content:
        assert answer.headers["Content-Type"].split(";")[0] == "application/json"


@pytest.mark.parametrize("status", sorted(CODES))
def test_nosniff_errors(wire: Wire, status: int) -> None:
    answer = wire.platform.get("/error", query={"status": status})

    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    is_error_body(answer.json(), status)


SCRIPT = "<script>alert(document.domain)</script>"


def test_stored_script(wire: Wire) -> None:
    user = wire.platform.post("/users", new_user(name=SCRIPT)).json()
    session = make_session(wire.chat, SCRIPT)

    for accept in ("text/html", "*/*", "text/html,application/xhtml+xml;q=0.9"):
        answer = wire.platform.get(f"/users/{user['id']}", headers={"Accept": accept})
        assert answer.headers["Content-Type"].split(";")[0] == "application/json"
        assert answer.json()["name"] == SCRIPT
    assert session


@pytest.mark.parametrize("path", [f"/{SCRIPT}", f"/api/users/{SCRIPT}", "/%3Cscript%3Ealert(1)%3C/script%3E"])
def test_script_in_path(wire: Wire, path: str) -> None:
    answer = wire.at_origin("platform").get(path, headers={"Accept": "text/html"})

    refused(answer, 404)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("code", ["a\tb", "urc\x1b[31m", "a\x7fb"], ids=ascii)
def test_reference_with_controls(wire: Wire, code: str) -> None:
    text = f"GET /nope HTTP/1.1\nHost: {{host}}\nUnique-Reference-Code: {code}\nConnection: close\n\n"

    answer = say(wire.platform_origin, text)

    assert 400 <= answer.status_code < 500
    assert not [value for value in answer.headers.values() if set(value) & set("\x1b\x7f\x00")]


def test_no_server_details(wire: Wire) -> None:
    server = wire.platform.get("/health").headers.get("Server", "").lower()

    assert not any(word in server for word in ("python", "werkzeug", "gevent", "flask"))


# What belongs to others


def test_other_users_sessions(wire: Wire) -> None:
    owner, thief = wire.chat, wire.chat
    session = make_session(owner, "Private")
    owner.post(f"/chats/{session}/messages", {"content": "Secret", "sender": "user"})
    before = data(owner.get(f"/chats/{session}")), data(owner.get(f"/chats/{session}/messages"))

    refused(thief.get(f"/chats/{session}"), 404)
    refused(thief.get(f"/chats/{session}/messages"), 404)
    refused(thief.patch(f"/chats/{session}", {"title": "Stolen"}), 404)
    refused(thief.patch(f"/chats/{session}/favorite"), 404)
    refused(thief.post(f"/chats/{session}/messages", {"content": "Forged", "sender": "user"}), 404)
    refused(thief.post(f"/chats/{session}/smart-chat", {"message": "What was said?"}), 404)
    refused(thief.delete(f"/chats/{session}"), 404)
    assert session not in json.dumps(data(thief.get("/chats")))
    assert data(thief.get("/chats", query={"search": "Private"})) == []

    assert (data(owner.get(f"/chats/{session}")), data(owner.get(f"/chats/{session}/messages"))) == before


def test_similar_user_ids(wire: Wire) -> None:
    name = unique("User")
    session = make_session(wire.chat.as_user(name), "Private")

    for other in (name.lower(), name.upper(), name + "x", name[:-1]):
        refused(wire.chat.as_user(other).get(f"/chats/{session}"), 404)


def test_no_self_promotion(wire: Wire) -> None:
    login = log_in(wire)
    me = wire.platform.bearing(login["token"])

    refused(me.put(f"/users/{login['user']['id']}", {"role": "admin"}), 403)
    refused(me.post("/users", new_user(role="admin")), 403)

    assert me.get("/auth/me").json()["role"] == "user"

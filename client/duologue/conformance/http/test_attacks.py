"""What a hostile page, or anyone else on the machine, might try; forged tokens are in `test_auth`."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from duologue.conformance import sources
from duologue.conformance.rules import rule
from duologue.conformance.shared_requests import Share
from duologue.conformance.target.examples import create_session, each, each_service, log_in
from duologue.conformance.target.raw import send_raw
from duologue.conformance.target.responses import check_error, read_data
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import build_user, unique
from duologue.contract import Operation

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

UPGRADE = (
    "Connection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\n"
)


def check_misdirected(response: requests.Response) -> None:
    """Check that `response` refuses a request that was meant for another host."""
    if response.status_code == 400:  # what cannot be a host at all
        return
    assert check_error(response, 421)["code"] == "MISDIRECTED_REQUEST"


# DNS rebinding


@rule(
    "host.foreign",
    "A request whose Host is not the server's own is 421, or 400 where it cannot be a host, on every path.",
    source=sources.REQUESTS,
    stage=3,
    needs=["local"],
    reads_only=True,
)
@pytest.mark.parametrize(
    ("service", "path", "host"),
    [
        *((service, "/api/users", host) for service in ("platform", "chat") for host in EVIL_HOSTS),
        *(
            ("platform", path, EVIL_HOSTS[0])
            for path in ("/socket.io/?EIO=4&transport=polling", "/__mock__/health", "/openapi.json", "/nope")
        ),
    ],
)
def test_misdirected_request(server: Server, service: str, host: str, path: str) -> None:
    origin = server.at_origin(service).url
    name = host.replace("{port}", str(urlsplit(origin).port))

    response = send_raw(origin, f"GET {path} HTTP/1.1\nHost: {name}\nOrigin: http://localhost\nConnection: close\n\n")

    check_misdirected(response)


@rule(
    "host.every-operation",
    "Every operation refuses a foreign Host with 421.",
    source=sources.REQUESTS,
    stage=3,
    needs=["admin", "local"],
)
@each(statuses=[421])
def test_misdirected_calls(share: Share, operation: Operation[Any]) -> None:
    check_misdirected(share(operation).send(headers={"Host": "evil.example"}))


@rule(
    "host.no-effect",
    "A refused Host has no effect.",
    source=sources.REQUESTS,
    stage=3,
    needs=["admin", "local"],
)
def test_misdirected_change(server: Server) -> None:
    body = build_user()

    check_misdirected(server.platform.post("/users", body, headers={"Host": "evil.example"}))

    assert server.platform.get("/users", query={"search": body["email"]}).json()["total"] == 0


@rule(
    "host.own",
    "The names and addresses of the own machine are accepted as Host.",
    source=sources.REQUESTS,
    stage=3,
    needs=["local"],
    reads_only=True,
)
@each_service
@pytest.mark.parametrize("host", OWN_HOSTS)
def test_own_host_names(server: Server, service: str, host: str) -> None:
    origin = server.at_origin(service).url
    name = host.replace("{port}", str(urlsplit(origin).port))

    assert send_raw(origin, f"GET /api/health HTTP/1.1\nHost: {name}\nConnection: close\n\n").status_code == 200


@rule(
    "host.forwarded",
    "Headers that name another host, as X-Forwarded-Host, neither replace Host nor end up in Location.",
    source=sources.REQUESTS,
    stage=3,
    needs=["admin", "local"],
)
@pytest.mark.parametrize("header", ["X-Forwarded-Host", "X-Host", "X-Original-Host", "Forwarded"])
def test_forwarded_host(server: Server, header: str) -> None:
    evil, own = ("host=evil.example", "host=localhost") if header == "Forwarded" else ("evil.example", "localhost")

    response = server.platform.post("/users", build_user(), headers={header: evil})
    assert response.status_code == 201
    assert "evil" not in response.headers["Location"]
    check_misdirected(server.platform.get("/users", headers={"Host": "evil.example", header: own}))


@rule(
    "host.absolute-target",
    "An absolute target of another host is 421.",
    source=sources.REQUESTS,
    stage=3,
    needs=["local"],
    reads_only=True,
)
def test_absolute_target(server: Server) -> None:
    check_misdirected(
        send_raw(
            server.platform_origin, "GET http://evil.example/api/users HTTP/1.1\nHost: {host}\nConnection: close\n\n"
        )
    )


# Sockets of foreign pages


@rule(
    "cors.socket-foreign",
    "A page of a foreign origin cannot open a Socket.IO connection.",
    source=sources.CORS,
    stage=3,
    needs=["events"],
    reads_only=True,
)
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost.evil.example"])
@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_foreign_socket(server: Server, transport: str, origin: str) -> None:
    text = f"GET /socket.io/?EIO=4&transport={transport} HTTP/1.1\nHost: {{host}}\nOrigin: {origin}\n"

    response = send_raw(
        server.platform_origin, text + (UPGRADE if transport == "websocket" else "Connection: close\n") + "\n"
    )

    assert response.status_code in (400, 403)


@rule(
    "host.websocket",
    "A websocket for another host is refused.",
    source=sources.REQUESTS,
    stage=3,
    needs=["local", "events"],
    reads_only=True,
)
def test_misdirected_websocket(server: Server) -> None:
    text = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\nHost: evil.example\nOrigin: http://evil.example\n"

    check_misdirected(send_raw(server.platform_origin, f"{text}{UPGRADE}\n"))


# What is stored, and what comes back


SCRIPT = "<script>alert(document.domain)</script>"


@rule(
    "headers.json-only",
    "What was stored is returned as JSON whatever Accept says, so that no browser runs it.",
    source=sources.CACHES,
    stage=3,
    needs=["admin"],
)
def test_stored_script(server: Server) -> None:
    user = server.platform.post("/users", build_user(name=SCRIPT)).json()
    session = create_session(server.chat, SCRIPT)

    for accept in ("text/html", "*/*", "text/html,application/xhtml+xml;q=0.9"):
        response = server.platform.get(f"/users/{user['id']}", headers={"Accept": accept})
        assert response.headers["Content-Type"].split(";")[0] == "application/json"
        assert response.json()["name"] == SCRIPT
    assert session


@rule(
    "headers.no-reflection",
    "A path is not returned in a form that a browser runs.",
    source=sources.CACHES,
    stage=3,
    reads_only=True,
)
@pytest.mark.parametrize("path", [f"/{SCRIPT}", f"/api/users/{SCRIPT}", "/%3Cscript%3Ealert(1)%3C/script%3E"])
def test_script_in_path(server: Server, path: str) -> None:
    response = server.at_origin("platform").get(path, headers={"Accept": "text/html"})

    check_error(response, 404)
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@rule(
    "request-id.no-controls",
    "A Unique-Reference-Code with control characters is refused, and in no header of the response.",
    source=sources.REQUEST_IDS,
    stage=3,
    reads_only=True,
)
@pytest.mark.parametrize("code", ["a\tb", "urc\x1b[31m", "a\x7fb"], ids=ascii)
def test_reference_with_controls(server: Server, code: str) -> None:
    text = f"GET /nope HTTP/1.1\nHost: {{host}}\nUnique-Reference-Code: {code}\nConnection: close\n\n"

    response = send_raw(server.platform_origin, text)

    assert 400 <= response.status_code < 500
    assert not [value for value in response.headers.values() if set(value) & set("\x1b\x7f\x00")]


@rule(
    "headers.no-details",
    "The Server header does not name the software.",
    source=sources.CACHES,
    stage=3,
    reads_only=True,
)
def test_no_server_details(server: Server) -> None:
    header = server.platform.get("/health").headers.get("Server", "").lower()

    assert not any(word in header for word in ("python", "werkzeug", "gevent", "flask"))


# What belongs to others


@rule(
    "chats.private",
    "Another user can neither read, find, change nor delete a session, nor write into it, and it stays as it was.",
    source=sources.CHATS,
    stage=3,
    quick=True,
)
def test_other_users_sessions(server: Server) -> None:
    owner, thief = server.chat, server.chat
    session = create_session(owner, "Private")
    owner.post(f"/chats/{session}/messages", {"content": "Secret", "sender": "user"})
    before = read_data(owner.get(f"/chats/{session}")), read_data(owner.get(f"/chats/{session}/messages"))

    check_error(thief.get(f"/chats/{session}"), 404)
    check_error(thief.get(f"/chats/{session}/messages"), 404)
    check_error(thief.patch(f"/chats/{session}", {"title": "Stolen"}), 404)
    check_error(thief.patch(f"/chats/{session}/favorite"), 404)
    check_error(thief.post(f"/chats/{session}/messages", {"content": "Forged", "sender": "user"}), 404)
    check_error(thief.post(f"/chats/{session}/smart-chat", {"message": "What was said?"}), 404)
    check_error(thief.delete(f"/chats/{session}"), 404)
    assert session not in json.dumps(read_data(thief.get("/chats")))
    assert read_data(thief.get("/chats", query={"search": "Private"})) == []

    assert (read_data(owner.get(f"/chats/{session}")), read_data(owner.get(f"/chats/{session}/messages"))) == before


@rule(
    "chats.owner-exact",
    "A session belongs to exactly its user id: one of other case or length is another user.",
    source=sources.CHATS,
    stage=3,
)
def test_similar_user_ids(server: Server) -> None:
    name = unique("User")
    session = create_session(server.chat.as_user(name), "Private")

    for other in (name.lower(), name.upper(), name + "x", name[:-1]):
        check_error(server.chat.as_user(other).get(f"/chats/{session}"), 404)


@rule(
    "users.UPDATE.no-self-promotion",
    "A user cannot make itself or a new user an administrator.",
    source=sources.USERS,
    stage=3,
    needs=["admin"],
)
def test_no_self_promotion(server: Server) -> None:
    login = log_in(server)
    me = server.platform.with_token(login["token"])

    check_error(me.put(f"/users/{login['user']['id']}", {"role": "admin"}), 403)
    check_error(me.post("/users", build_user(role="admin")), 403)

    assert me.get("/auth/me").json()["role"] == "user"

"""Socket.IO by namespace: which one a client is in, and that nothing crosses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from duologue.contract.error_body import ErrorBodySchema
from duologue_mock import MockServer, Settings
from duologue_mock.http.namespaces import IDLE_LIFETIME, Namespace
from tests.mockserver.clocks import ManualClock
from tests.mockserver.listeners import Listener, Refused, open_websocket
from tests.mockserver.raw import ask
from tests.mockserver.realtime.clients import CHAT, Connect
from tests.mockserver.realtime.raw_clients import QUERY, Polling

pytestmark = pytest.mark.slow

HEADER = "X-Mock-Namespace"


@pytest.fixture
def join(mock: MockServer) -> Iterator[Connect]:
    """Connect a client with credentials and headers; all are closed at the end."""
    with ExitStack() as stack:

        def join(auth: Any = None, **headers: str) -> Listener:
            client = Listener(mock.port, auth, **headers)
            stack.callback(client.close)
            return client

        yield join


def get_namespace(mock: MockServer, name: str) -> Namespace:
    return mock._context.namespaces.get(name)


def create_user(mock: MockServer, namespace: str, name: str) -> None:
    """Create a user in a namespace, over HTTP."""
    body = json.dumps({"name": name, "email": f"{name}@example.com"}).encode()
    length, header = f"Content-Length: {len(body)}", f"{HEADER}: {namespace}"
    response = ask(mock.port, "POST /api/users HTTP/1.1", length, header, "Content-Type: application/json", body=body)
    assert response.status == 201


def read_created(client: Listener, last: str) -> list[str]:
    """Return the names of the users whose creation a client hears of, up to the one of this name."""
    names: list[str] = []
    while last not in names:
        event, payload = client.event()
        if event == "user:created":
            names.append(payload["user"]["name"])
    return names


WAYS: dict[str, tuple[Any, dict[str, str], str]] = {
    "handshake": ({"namespace": "w1"}, {}, "w1"),
    "header": (None, {HEADER: "w1"}, "w1"),
    "handshake before header": ({"namespace": "w1"}, {HEADER: "w2"}, "w1"),
    "default by name": ({"namespace": "default"}, {HEADER: "w2"}, "default"),
    "none": (None, {}, "default"),
    "null": ({"namespace": None}, {}, "default"),
}


@pytest.mark.parametrize(("auth", "headers", "expected"), WAYS.values(), ids=WAYS)
def test_namespace_of_client(
    join: Connect, mock: MockServer, auth: Any, headers: dict[str, str], expected: str
) -> None:
    client = join(auth, **headers)
    for name in ("default", "w1", "w2"):
        create_user(mock, name, f"in {name}".replace(" ", "-"))
    create_user(mock, expected, "last")
    assert read_created(client, "last") == [f"in-{expected}", "last"]


def test_namespace_by_host(mock: MockServer) -> None:
    path, host = f"/socket.io/?{QUERY}polling", "w1.localhost"
    opened = json.loads(ask(mock.port, f"GET {path} HTTP/1.1", host=host).body[1:])
    path += f"&sid={opened['sid']}"
    ask(mock.port, f"POST {path} HTTP/1.1", "Content-Length: 2", body=b"40", host=host)
    assert ask(mock.port, f"GET {path} HTTP/1.1", host=host).body.startswith(b"40")
    create_user(mock, "default", "other")
    create_user(mock, "w1", "ada")
    body = ask(mock.port, f"GET {path} HTTP/1.1", host=host).body.decode()
    assert '"name":"ada"' in body
    assert "other" not in body


def test_polling_into_a_namespace(mock: MockServer) -> None:
    """A session is opened before its client's namespace is known."""
    polling = Polling(mock.port, join=False)
    polling.post(b'40{"namespace":"w1"}')
    assert polling.read().body.startswith(b'40{"sid":')
    create_user(mock, "default", "other")
    create_user(mock, "w1", "ada")
    body = polling.read().body.decode()
    assert '"name":"ada"' in body
    assert "other" not in body


INVALID: list[Any] = ["", "A", "two words", "x" * 64, "ä", "a.b", "../x", 5, True, ["w1"], {"name": "w1"}, "w1\n"]


@pytest.mark.parametrize("name", INVALID, ids=range(len(INVALID)))
def test_invalid_name(join: Connect, mock: MockServer, name: Any) -> None:
    before = len(mock._context.namespaces)
    with pytest.raises(Refused) as caught:
        join({"namespace": name})
    assert caught.value.body["message"] == "Invalid namespace"
    assert ErrorBodySchema().load(caught.value.body["data"]).code == "VALIDATION_ERROR"
    assert "auth.namespace" in caught.value.body["data"]["details"]["fields"]
    assert len(mock._context.namespaces) == before


def test_valid_name_after_an_invalid_one(join: Connect, mock: MockServer) -> None:
    raw = open_websocket(mock.port)
    raw.recv()
    raw.send('40{"namespace":"A B"}')
    assert raw.recv().startswith("44")
    raw.send('40{"namespace":"w1"}')
    assert raw.recv().startswith("40")
    raw.close(timeout=0)
    raw.shutdown()


def test_token_of_another_namespace(join: Connect, mock: MockServer) -> None:
    """Also where all namespaces sign with one secret, as here."""
    tokens = {name: log_in(mock, name) for name in ("default", "w1")}
    join({"token": tokens["w1"], "namespace": "w1"})
    for token, namespace in ((tokens["w1"], "default"), (tokens["default"], "w1")):
        with pytest.raises(Refused) as caught:
            join({"token": token, "namespace": namespace})
        assert caught.value.body["data"]["code"] == "AUTHENTICATION_ERROR"


def log_in(mock: MockServer, namespace: str) -> str:
    body = b'{"email":"john@example.com","password":"password"}'
    lines = (f"Content-Length: {len(body)}", "Content-Type: application/json", f"{HEADER}: {namespace}")
    token: str = ask(mock.port, "POST /api/auth/login HTTP/1.1", *lines, body=body).json["token"]
    return token


def test_client_moves(mock: MockServer, join: Connect) -> None:
    """A client that leaves may connect again, to another namespace, in the same session."""
    client = join({"namespace": "w1"})
    client.send("41")
    client.join({"namespace": "w2"})
    create_user(mock, "w1", "first")
    create_user(mock, "w2", "second")
    assert read_created(client, "second") == ["second"]


def test_logout_in_one_namespace(mock: MockServer, join: Connect) -> None:
    """Users with the same id in two namespaces are two users."""
    clients = {name: join({"token": log_in(mock, name), "namespace": name}) for name in ("w1", "w2")}
    state = get_namespace(mock, "w1").state
    with state:
        state.logins.revoke_all("1")
    assert clients["w1"].wait_for_disconnect()
    create_user(mock, "w2", "ada")
    assert read_created(clients["w2"], "ada") == ["ada"]


def test_dropped_namespace(mock: MockServer, join: Connect) -> None:
    clients = {name: join({"namespace": name}) for name in ("w1", "w2")}

    def drop() -> None:
        mock._context.namespaces.drop("w1")

    mock._context.realtime._call_soon(drop)
    assert clients["w1"].wait_for_disconnect()
    create_user(mock, "w2", "ada")
    assert read_created(clients["w2"], "ada") == ["ada"]
    again = join({"namespace": "w1"})
    create_user(mock, "w1", "grace")
    assert read_created(again, "grace") == ["grace"]


def test_namespace_in_use_is_kept(mock: MockServer, join: Connect, clock: ManualClock) -> None:
    """Its clients may listen for longer than an hour without a request."""
    client = join({"namespace": "w1"})
    join({"namespace": "w2"}).close()
    create_user(mock, "w1", "first")
    clock.advance(IDLE_LIFETIME + 1)
    assert "w1" in {namespace.name for namespace in mock._context.namespaces}
    create_user(mock, "w1", "second")
    assert read_created(client, "second") == ["first", "second"]


def test_servers_are_lazy(mock: MockServer, join: Connect) -> None:
    router = mock._context.sockets.router
    ask(mock.port, "GET /api/users HTTP/1.1", f"{HEADER}: w2")
    join({"namespace": "w1", **CHAT})
    assert [namespace.name for namespace in router._servers] == ["w1"]


def test_restart_after_clients_of_namespaces(mock: MockServer) -> None:
    """Each start has new servers for the same namespaces."""
    for number in range(2):
        client = Listener(mock.port, {"namespace": "w1"})
        create_user(mock, "w1", f"user-{number}")
        assert read_created(client, f"user-{number}") == [f"user-{number}"]
        mock.stop()
        assert client.wait_for_disconnect()
        client.close()
        mock.start()


def test_settings_that_change(mock: MockServer, join: Connect) -> None:
    """A namespace's own settings count for the next handshake."""
    join({"namespace": "w1"})
    get_namespace(mock, "w1").configure(Settings(require_auth=True))
    with pytest.raises(Refused):
        join({"namespace": "w1"})
    join()

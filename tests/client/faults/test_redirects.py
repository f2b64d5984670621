"""Redirects: to a path of the same server, for what only reads, five times; no key, token or body goes elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from duologue import Client, RedirectError
from tests.client.fakes import USER
from tests.client.faults.acts import respond
from tests.client.servers import Act, ScriptedServer

To = Callable[..., tuple[Client, ScriptedServer]]
Serve = Callable[..., ScriptedServer]

GOOD = respond(200, USER)
STATUSES = [301, 302, 303, 307, 308]


def elsewhere(location: str, status: int = 302) -> Act:
    return respond(status, raw=b"moved", headers={"Location": location, "Content-Type": "text/plain"})


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("location", ["/api/users/2?a=b#c", "2?a=b", "../users/2?a=b"])
def test_get(to: To, status: int, location: str) -> None:
    api, server = to(elsewhere(location, status), GOOD, access_token="the-token")
    assert api.users.get("1").id == "1"
    first, second = server.received
    assert second.target == "/api/users/2?a=b"
    assert second.headers["authorization"] == "Bearer the-token"
    assert first.headers["x-attempt"] == second.headers["x-attempt"] == "1"
    assert first.connection == second.connection


def test_absolute_url(to: To) -> None:
    api, server = to(GOOD)
    server.script[:] = [elsewhere(f"{server.origin}/users/9"), GOOD]
    api.users.get("1")
    assert server.received[1].target == "/users/9"


def test_max_redirects(to: To) -> None:
    hops = [elsewhere(f"/users/{n}") for n in range(6)]
    api, server = to(*hops[:5], GOOD)
    api.users.get("1")
    assert len(server.received) == 6
    api, server = to(*hops, GOOD)
    with pytest.raises(RedirectError, match="more than 5 in a row"):
        api.users.get("1")
    assert len(server.received) == 6


def test_loop(to: To) -> None:
    api, server = to(elsewhere("/users/1"))
    with pytest.raises(RedirectError) as caught:
        api.users.get("1")
    assert len(server.received) == 6
    assert len(caught.value.attempts) == 1


@pytest.mark.parametrize("status", STATUSES)
def test_other_server(to: To, serve: Serve, status: int) -> None:
    other = serve(GOOD)
    api, server = to(elsewhere(f"{other.origin}/users/1", status), access_token="the-token")
    with pytest.raises(RedirectError) as caught:
        api.users.get("1")
    assert caught.value.status == status
    assert caught.value.details["reason"] == "it leads to another server"
    assert other.connections == 0
    assert len(server.received) == 1


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("place", ["/users", "http://another.invalid/users"])
def test_other_methods(to: To, status: int, place: str) -> None:
    api, server = to(elsewhere(place, status))
    for call in (
        lambda: api.users.create(name="a", email="a@example.com", password="hunter-22"),
        lambda: api.users.update("1", name="a"),
        lambda: api.users.delete("1"),
        lambda: api.auth.login(email="a@example.com", password="hunter-22"),
    ):
        with pytest.raises(RedirectError):
            call()
    assert [request.method for request in server.received] == ["POST", "PUT", "DELETE", "POST"]


@pytest.mark.parametrize(
    "location",
    [
        "https://127.0.0.1:{port}/users/1",
        "http://localhost:{port}/users/1",
        "http://user:secret@127.0.0.1:{port}/users/1",
        "//another.invalid/users/1",
        "http://127.0.0.1:{port}@another.invalid/",
        "ftp://127.0.0.1:{port}/users/1",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://[::bad",
        "http://127.0.0.1:99999/",
        "/us\ters",
        "/üsers",
        "",
    ],
)
def test_refused_location(to: To, location: str) -> None:
    api, server = to(GOOD)
    server.script[:] = [elsewhere(location.format(port=server.port))]
    with pytest.raises(RedirectError) as caught:
        api.users.get("1")
    assert len(server.received) == 1
    assert "secret" not in f"{caught.value!r} {caught.value.__dict__}"


@pytest.mark.parametrize("status", [300, 304, 305, 306, 399])
def test_other_3xx(to: To, status: int) -> None:
    api, server = to(elsewhere("/users/2", status))
    with pytest.raises(RedirectError):
        api.users.get("1")
    assert len(server.received) == 1

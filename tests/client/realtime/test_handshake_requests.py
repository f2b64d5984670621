"""The HTTP requests that a connection starts with: where they go, and what they carry."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from duologue import AuthenticationError, Client
from duologue_mock import MockServer
from tests.client.servers import ScriptedServer, respond

each_transport = pytest.mark.parametrize("transport", ["websocket", "polling"])


@each_transport
def test_names_below_localhost(mock: MockServer, clients: Callable[..., Client], transport: str) -> None:
    """They are this machine, also where the system's look-up does not know."""
    api = clients(base_url=f"http://w1.localhost:{mock.port}")
    api.realtime.connect(transports=[transport])
    assert api.realtime.connected
    api.realtime.disconnect()


@each_transport
def test_host_header(serve: Callable[..., ScriptedServer], clients: Callable[..., Client], transport: str) -> None:
    """The server is told the name that it is reached by."""
    server = serve(respond(401))
    api = clients(realtime_url=f"http://w1.localhost:{server.port}")
    with pytest.raises(AuthenticationError):
        api.realtime.connect(transports=[transport])
    hosts = [request.headers["host"] for request in server.received]
    assert set(hosts) == {f"w1.localhost:{server.port}"}


@each_transport
def test_custom_headers(serve: Callable[..., ScriptedServer], clients: Callable[..., Client], transport: str) -> None:
    server = serve(respond(401, {"message": "top-secret is unknown"}))
    api = clients(realtime_url=server.origin, headers={"X-Tenant": "t1", "X-Key": "top-secret"})
    with pytest.raises(AuthenticationError) as caught:
        api.realtime.connect(transports=[transport])
    assert server.received[0].headers["x-tenant"] == "t1"
    assert server.received[0].headers["x-key"] == "top-secret"
    assert "top-secret" not in f"{caught.value!r} {caught.value.__dict__}"

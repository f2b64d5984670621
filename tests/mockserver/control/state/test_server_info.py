"""`/health`, `/version`, `/ready`, `/shutdown`."""

from __future__ import annotations

import pytest
import requests

from duologue._version import __version__
from duologue_mock import MockServer
from duologue_mock.context import get_context
from duologue_mock.control.api import server_info
from duologue_mock.control.api.endpoints import ControlCall
from duologue_mock.control.api.server import ControlServer
from duologue_mock.control.errors import ControlError
from duologue_mock.control.state.presets import Presets
from duologue_mock.http.messages import Request
from tests.mockserver.clocks import ManualClock
from tests.mockserver.control.state.calls import Calls


def test_health(calls: Calls, clock: ManualClock) -> None:
    clock.advance(90)
    assert calls.get("/health") == {
        "status": "healthy",
        "message": "Duologue's mock is ok",
        "version": __version__,
        "uptimeInSeconds": 90,
        "timestamp": "2024-06-01T12:01:30.000Z",
    }


def test_version(calls: Calls) -> None:
    assert calls.get("/version") == {"version": __version__}


def test_ready(calls: Calls) -> None:
    assert calls.get("/ready") == {}


def test_not_ready(calls: Calls) -> None:
    namespace = calls.namespace
    server = ControlServer(
        settings=namespace.settings,
        namespaces=get_context(calls.app).namespaces,
        start=namespace.interceptor.start,  # type: ignore[union-attr]
        presets=Presets(),
        is_ready=lambda: False,
    )
    request = Request({"REQUEST_METHOD": "GET", "PATH_INFO": "/__admin/ready"}, "req-1")
    call = ControlCall("GET", "/ready", namespace.interceptor, server, namespace, request)  # type: ignore[arg-type]
    with pytest.raises(ControlError) as caught:
        server_info.check_ready(call)
    assert caught.value.status == 503


def test_shutdown_elsewhere(calls: Calls) -> None:
    assert calls.control("POST", "/shutdown").status_code == 501


def test_shutdown() -> None:
    """The call is answered, then the server ends; started again, it has the same data."""
    with MockServer() as mock:
        thread = mock._thread
        assert thread is not None
        assert requests.post(f"{mock.control_url}/shutdown", timeout=30).json() == {}
        thread.join(30)
        assert not thread.is_alive()
        mock.stop()
        mock.start()
        assert requests.get(f"{mock.control_url}/ready", timeout=30).status_code == 200

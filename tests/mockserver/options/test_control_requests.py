"""Requests of foreign pages to the mock's own paths."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from duologue.conformance.target.responses import check_error
from duologue.conformance.target.server import Server

STATE_CHANGING = ["/reset", "/faults", "/settings", "/clock", "/state", "/scenarios", "/snapshots", "/events"]


HOSTILE = {
    "foreign origin": {"Origin": "http://evil.example"},
    "no origin of its own": {"Origin": "null"},
    "look-alike origin": {"Origin": "http://localhost.evil.example"},
    "cross-site fetch": {"Sec-Fetch-Site": "cross-site"},
    "cross-site fetch of a foreign page": {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"},
}


@pytest.mark.parametrize("service", ["platform", "chat"])
@pytest.mark.parametrize("headers", HOSTILE.values(), ids=HOSTILE)
def test_foreign_control_request(own: Server, service: str, headers: dict[str, str]) -> None:
    for path, method in itertools.product(STATE_CHANGING, ("POST", "PUT", "DELETE")):
        response = own.at_origin(service).request(method, f"/__mock__{path}", {}, headers=headers)

        check_error(response, 403)
        assert "Access-Control-Allow-Origin" not in response.headers
    assert _is_kept(own)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost.evil.example"])
def test_control_without_cors(own: Server, origin: str) -> None:
    for path in ("/__mock__/health", "/__mock__/state", "/__mock__/requests", "/__mock__/settings"):
        response = own.at_origin("platform").get(path, headers={"Origin": origin})
        assert not [name for name in response.headers if name.lower().startswith("access-control-")]


@pytest.fixture
def own(serve: Callable[..., Server]) -> Server:
    """A server that only this test uses: were the attack to succeed, no other test should suffer."""
    server = serve()
    server.platform.post("/users", {"name": "Canary", "email": "canary@example.com"})
    return server


def _is_kept(server: Server) -> bool:
    """Whether the canary is still there."""
    return bool(server.platform.get("/users", query={"search": "canary@example.com"}).json()["total"] == 1)

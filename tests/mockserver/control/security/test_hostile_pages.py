"""A page that a developer opens cannot steer, read or even notice the mock on the developer's machine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from duologue_mock.control.api.endpoints import Endpoint
from tests.mockserver.control.security.targets import (
    BODIES,
    CHANGING,
    ENDPOINTS,
    READING,
    STREAM,
    Victim,
    name_endpoint,
)

FOREIGN = {
    "a foreign origin": {"Origin": "https://evil.example", "Content_Type": "application/json"},
    "a sandboxed frame": {"Origin": "null", "Content_Type": "application/json"},
    "a name like ours": {"Origin": "http://localhost.evil.example", "Content_Type": "application/json"},
    "a form": {"Origin": "https://evil.example", "Content_Type": "application/x-www-form-urlencoded"},
    "plain text": {"Origin": "https://evil.example", "Content_Type": "text/plain"},
    "no-cors": {"Origin": "https://evil.example", "Content_Type": "text/plain", "Sec_Fetch_Mode": "no-cors"},
    "a hidden origin": {"Sec_Fetch_Site": "cross-site", "Content_Type": "text/plain"},
    "an upload": {"Origin": "https://evil.example", "Content_Type": "multipart/form-data; boundary=x"},
}


@pytest.fixture(scope="module")
def victim() -> Victim:
    return Victim()


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_changes_are_refused(victim: Victim, headers: dict[str, Any]) -> None:
    before = victim.capture()
    for endpoint in CHANGING:
        response = victim.attack(endpoint, headers)
        assert response.status_code == 403, endpoint
        assert "access-control-allow-origin" not in response.headers
    assert victim.capture() == before


@pytest.mark.slow
def test_these_calls_would_work() -> None:
    """Without the headers of a page they do what they say: the refusals above are of the page, not of the call."""
    for endpoint in CHANGING:
        if endpoint.path not in ("/shutdown", "/messages/wait", "/requests/wait"):
            assert Victim().attack(endpoint).status_code != 403, endpoint
    changed = 0
    for name in BODIES:
        victim = Victim()
        before = victim.capture()
        (endpoint,) = (one for one in CHANGING if name_endpoint(one) == name)
        changed += victim.attack(endpoint).status_code < 300 and victim.capture() != before
    assert changed > len(BODIES) / 2


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_nothing_can_be_read(victim: Victim, headers: dict[str, Any]) -> None:
    """A browser shows a page only what CORS grants it; nor may it be framed, sniffed or cached."""
    for endpoint in READING:
        if endpoint.path != STREAM:
            response = victim.attack(endpoint, headers)
            assert "access-control-allow-origin" not in response.headers, endpoint
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert "no-store" in response.headers["Cache-Control"]
            assert "json" in response.content_type


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=name_endpoint)
def test_preflight_is_not_granted(victim: Victim, endpoint: Endpoint) -> None:
    response = victim.attack(
        endpoint,
        method="OPTIONS",
        Origin="https://evil.example",
        Access_Control_Request_Method=endpoint.method,
        Access_Control_Request_Headers="content-type, x-mock-namespace",
        Access_Control_Request_Private_Network="true",
    )
    assert response.status_code == 403
    assert not [name for name in response.headers.keys() if name.lower().startswith("access-control-")]  # noqa: SIM118


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_pages_must_send_json(victim: Victim, content_type: str) -> None:
    """Also a page of this machine: what browsers let any page send unasked is no control call."""
    before = victim.capture()
    for endpoint in CHANGING:
        if name_endpoint(endpoint) in BODIES:
            response = victim.attack(endpoint, Origin="http://localhost:5173", Content_Type=content_type)
            assert response.status_code == 415, endpoint
    assert victim.capture() == before


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:3001", "127.0.0.1.evil.example", "10.0.0.5", "localhost."]
)
def test_rebound_names_are_refused(victim: Victim, host: str) -> None:
    """DNS rebinding: the page's own name, which now points to this machine."""
    before = victim.capture()
    for endpoint in ENDPOINTS:
        response = victim.attack(endpoint, Host=host, Origin=f"http://{host}")
        assert response.status_code == 421, endpoint
        assert b"mappings" not in response.data
    assert victim.capture() == before


def test_headers_of_proxies_are_ignored(victim: Victim) -> None:
    before = victim.capture()
    for endpoint in CHANGING:
        response = victim.attack(
            endpoint,
            Origin="https://evil.example",
            X_Forwarded_Host="localhost",
            X_Forwarded_For="127.0.0.1",
            X_HTTP_Method_Override="GET",
            Forwarded="host=localhost",
            Content_Type="application/json",
        )
        assert response.status_code == 403, endpoint
    assert victim.capture() == before


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_safe_methods_change_nothing(victim: Victim, method: str) -> None:
    """On any path, with or without a body, and with what other servers take for the real method."""
    before = victim.capture()
    for endpoint in ENDPOINTS:
        if endpoint.path == STREAM and method == "GET":
            continue
        overrides: list[dict[str, str]] = [{}, {"X_HTTP_Method_Override": endpoint.method}]
        for headers in overrides:
            body = json.dumps(BODIES.get(name_endpoint(endpoint), {})).encode()
            victim.attack(endpoint, headers, method=method, data=body, Content_Type="application/json")
        victim.app.test_client().open(f"{victim.fill(endpoint)}?_method={endpoint.method}", method=method)
    assert victim.capture() == before

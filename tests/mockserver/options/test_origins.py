"""The settings `allowed_origins` and `allowed_hosts`."""

from __future__ import annotations

from collections.abc import Callable

from duologue.conformance.http.cors import check_denied, check_granted
from duologue.conformance.target.responses import check_error
from duologue.conformance.target.server import Server


def test_configured_origins(serve: Callable[..., Server]) -> None:
    platform = serve(allowed_origins=("https://app.example",)).platform

    check_granted(platform.get("/users", headers={"Origin": "https://app.example"}), "https://app.example")
    for origin in (
        "http://app.example",
        "https://app.example:8443",
        "https://app.example.evil",
        "https://evil.example",
    ):
        check_denied(platform.get("/users", headers={"Origin": origin}))


def test_allowed_host(serve: Callable[..., Server]) -> None:
    platform = serve(allowed_hosts=("mock.test",)).platform

    assert platform.get("/users", headers={"Host": "mock.test"}).status_code == 200
    assert platform.get("/users", headers={"Host": "mock.test:8080"}).status_code == 200
    for host in ("evil.mock.test", "mock.test.evil.example", "evil.example"):
        check_error(platform.get("/users", headers={"Host": host}), 421)

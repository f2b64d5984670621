"""Preflight: a server that cannot be judged is refused with a sentence that says why, and what to do."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from duologue._version import __version__
from duologue.conformance.running import preflight
from duologue.conformance.running.preflight import PreflightError, check_target, is_reachable
from duologue.conformance.target.target import Login, Target
from duologue.contract import auth, health
from duologue_mock import MockServer

JOHN = Login("john@example.com", "password")


@pytest.fixture
def mock() -> Iterator[MockServer]:
    with MockServer() as mock:
        yield mock


@pytest.fixture
def target(mock: MockServer) -> Target:
    return Target(mock.base_url, mock.chat_base_url, mock.api_key, (JOHN,))


def refuse(target: Target) -> str:
    """Check that a target is refused; return the sentence."""
    with pytest.raises(PreflightError) as caught:
        check_target(target)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_server_that_can_be_judged(target: Target) -> None:
    check_target(target)
    assert is_reachable(target.base_url)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that stays taken, and refuses connections."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def test_server_that_is_down(target: Target, closed_port: int) -> None:
    down = replace(target, base_url=f"http://127.0.0.1:{closed_port}/api")

    assert refuse(down) == (
        f"127.0.0.1:{closed_port} cannot be reached: Connection refused. Is the server running, and is the URL right?"
    )
    assert not is_reachable(down.base_url)
    assert f"127.0.0.1:{closed_port} cannot be" in refuse(replace(target, chat_base_url=down.base_url))


def test_server_that_does_not_respond(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        assert refuse(replace(target, base_url=f"http://{address}/api")).startswith(f"{address} does not respond")


@pytest.mark.parametrize(
    "url", ["localhost:3001/api", "//localhost/api", "ftp://localhost/api", "http:///api", "http://a:b/"]
)
def test_url_that_is_none(target: Target, url: str) -> None:
    assert "is not an HTTP URL" in refuse(replace(target, base_url=url))


def test_host_that_does_not_exist(target: Target) -> None:
    assert refuse(replace(target, base_url="http://unknown.invalid/api")).startswith(
        "unknown.invalid cannot be reached"
    )


def test_other_api(target: Target, mock: MockServer) -> None:
    sentence = refuse(replace(target, base_url=f"{mock.origin}/other"))

    assert f"{mock.origin}/other/health is not the health check of the Platform API: 404" in sentence


def test_server_that_redirects(target: Target, mock: MockServer) -> None:
    mock.control.stub(health.PLATFORM, status=302, headers={"Location": "https://login.example"}, body="Log in")

    assert "302, redirects to https://login.example" in refuse(target)


def test_chat_service_that_is_elsewhere(target: Target, mock: MockServer) -> None:
    sentence = refuse(replace(target, chat_base_url=f"{mock.origin}/chats"))

    assert "is not the health check of the Smart Chat API: 404" in sentence
    assert "--chat-url" in sentence


def test_wrong_key(target: Target) -> None:
    sentence = refuse(replace(target, api_key="wrong-key"))

    assert "refuses the API key" in sentence
    assert "DUOLOGUE_API_KEY" in sentence
    assert "wrong-key" not in sentence


def test_wrong_login(target: Target) -> None:
    sentence = refuse(replace(target, logins=(JOHN, Login("jane@example.com", "wrong password"))))

    assert "refuses the login of jane@example.com: 401" in sentence
    assert "wrong password" not in sentence


def test_login_without_a_token(target: Target, mock: MockServer) -> None:
    mock.control.stub(auth.LOGIN, body_patch={"token": None})

    assert "has no token" in refuse(target)


def test_server_without_events(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a mock is behind a proxy that passes on `/api` and `/chats-service` only."""
    monkeypatch.setattr("duologue_mock.http.wsgi._SOCKET_PATHS", frozenset())

    sentence = refuse(target)

    assert "/socket.io/?EIO=4&transport=polling is not a Socket.IO server: 404" in sentence
    assert "pass --without events" in sentence
    check_target(target, without=["events"])


def test_other_version_of_the_contract(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "__version__", "7.1.0")

    sentence = refuse(target)

    assert f"version {__version__} of the contract" in sentence
    assert "version 7.1.0" in sentence


@pytest.mark.parametrize(
    ("version", "other", "fits"),
    [
        ("1.2.0", "1.9.1", True),
        ("1.2", "2.0", False),
        ("0.1.0", "0.1.9", True),
        ("0.1", "0.2", False),
        ("1", "1.0", True),
    ],
)
def test_compatible_versions(version: str, other: str, fits: bool) -> None:
    assert (preflight._get_series(version) == preflight._get_series(other)) == fits


def test_server_that_describes_nothing(target: Target, mock: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing is known of its version, and it is judged."""
    monkeypatch.setattr(preflight, "__version__", "7.1.0")
    mock.control.stub("GET /openapi.json", status=404, body="Not found")

    check_target(target)

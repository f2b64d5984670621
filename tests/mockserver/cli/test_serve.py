"""`duologue serve` as a process: signals, output, ports and fixtures."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from tests.mockserver.cli.processes import HEALTH, fail_serve, is_serving, occupy_port, run_serve
from tests.mockserver.raw import ask, head, peer
from tests.waiting import eventually

pytestmark = pytest.mark.slow

CHAT = ("x-api-key: dev-api-key", "Unique-Reference-Code: cli-1", "x-user-id: anonymous-user")


def test_request_log() -> None:
    with run_serve() as mock:
        port, chat_port = mock.ports
        unauthenticated = "401 AUTHENTICATION_ERROR API key required [api-key]"
        nowhere = "404 NOT_FOUND_ERROR There is nothing at this path [path]"
        for to, line, path, outcome in (
            (port, "GET /api/users?page=1&limit=5 HTTP/1.1", "/api/users?page=1&limit=5", "200"),
            (chat_port, "GET /chats-service/api/v1/chats HTTP/1.1", "/chats-service/api/v1/chats", unauthenticated),
            (port, "DELETE /nowhere HTTP/1.1", "/nowhere", nowhere),
        ):
            assert ask(to, line).status == int(outcome[:3])
            method = line.partition(" ")[0]
            pattern = rf"\d\d:\d\d:\d\d {method} +{re.escape(path)} {re.escape(outcome)} \d+\.\d ms\n"
            assert re.fullmatch(pattern, mock.read_line())


def test_quiet() -> None:
    with occupy_port() as port, occupy_port() as chat_port:
        pass  # free again, and unlikely to be taken by another process at once
    with run_serve("--quiet", "--port", str(port), "--chat-port", str(chat_port), ports=False) as mock:
        assert eventually(lambda: is_serving(port) and is_serving(chat_port))
        assert mock.stop() == (0, "", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal(number: signal.Signals) -> None:
    with run_serve() as mock, peer(mock.ports[0]) as idle:
        idle.send(head(HEALTH))
        assert idle.read_response().status == 200
        assert mock.read_line()
        assert mock.stop(number) == (0, "", "")
        assert idle.is_closed()


def test_shutdown_by_the_control_api() -> None:
    with run_serve() as mock:
        assert ask(mock.ports[0], "POST /__admin/shutdown HTTP/1.1").status == 200
        assert eventually(lambda: mock.process.poll() is not None)
        assert mock.process.returncode == 0


def test_signal_waits_for_requests_in_flight() -> None:
    body = b'{"message": "Hello"}'
    line = "POST /chats-service/api/v1/chats/test-session-1/smart-chat HTTP/1.1"
    framed = ("Content-Type: application/json", f"Content-Length: {len(body)}", "Accept: text/event-stream")
    with run_serve("--delta-delay", "0.05") as mock, peer(mock.ports[1]) as one:
        one.send(head(line, *CHAT, *framed) + body)
        one.until(b"message.delta")
        mock.process.send_signal(signal.SIGINT)
        one.until(b"message.completed")
        assert one.rest().endswith(b"0\r\n\r\n")
        assert mock.stop()[0] == 0


def test_closed_output() -> None:
    """As in `duologue serve | head`."""
    with run_serve() as mock:
        assert mock.process.stdout is not None
        mock.process.stdout.close()
        mock.process.stdout = None
        for _ in range(5):
            assert ask(mock.ports[0], HEALTH).status == 200
        status, _, err = mock.stop()
        assert (status, err) == (0, "")


@pytest.mark.parametrize("flag", ["--port", "--chat-port"])
def test_port_in_use(flag: str) -> None:
    other = "--chat-port" if flag == "--port" else "--port"
    with occupy_port() as port:
        message = fail_serve(flag, str(port), other, "0")
    assert message == f"duologue: Port {port} is in use. Stop the process using it or pass {flag}."


def test_one_port() -> None:
    with occupy_port() as port:
        pass
    with run_serve("--port", str(port), "--chat-port", str(port), ports=False) as mock:
        assert mock.ports == (port, port)
        assert ask(port, HEALTH).status == 200
        assert ask(port, "GET /chats-service/api/v1/chats HTTP/1.1", *CHAT).status == 200


def test_secret_keeps_logins() -> None:
    """A token of one process is valid in another with the same secret, for a session with the same id."""
    login = b'{"email": "john@example.com", "password": "password"}'
    framed = ("Content-Type: application/json", f"Content-Length: {len(login)}")
    tokens = []
    for _ in range(2):
        with run_serve("--secret", "s" * 32, "--seed", "7") as mock:
            port = mock.ports[0]
            tokens.append(ask(port, "POST /api/auth/login HTTP/1.1", *framed, body=login).json["token"])
            for token in tokens:
                assert ask(port, "GET /api/auth/me HTTP/1.1", f"Authorization: Bearer {token}").status == 200


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("users.json", '[{"id": "1", "name": "A", "email": "a", "role": "user"}]', r"users\.json: \[0\]\.email: "),
        ("chats.json", "{}", r"chats\.json: must hold a list"),
        ("messages.json", "[", r"messages\.json: Not JSON"),
        ("smart_chat.json", '{"rules": [], "fallback": []}', r"smart_chat\.json\.fallback: "),
    ],
)
def test_invalid_fixtures(tmp_path: Path, file: str, content: str, message: str) -> None:
    (tmp_path / file).write_text(content)
    error = fail_serve("--port", "0", "--chat-port", "0", "--fixtures", str(tmp_path))
    assert re.match(rf"duologue: .*{message}", error)
    assert "\n" not in error

"""What `duologue serve` prints when it has started: the banner, or one JSON object."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.mockserver.cli.processes import HEALTH, run_serve
from tests.mockserver.raw import ask

pytestmark = pytest.mark.slow

MAX_LINES = 15


def write_users(folder: Path, count: int) -> None:
    users = [{"id": str(n), "name": "A", "email": f"u{n}@example.com", "role": "user"} for n in range(1, count + 1)]
    passwords = [{**user, "password": f"word{user['id']}"} for user in users]
    unable = {"id": "99", "name": "B", "email": "no-password@example.com", "role": "admin"}
    (folder / "users.json").write_text(json.dumps([*passwords, unable]))


def test_banner() -> None:
    with run_serve() as mock:
        port, chat_port = mock.ports
        banner = mock.banner
        assert f"http://127.0.0.1:{port}/api\n" in banner
        assert f"http://127.0.0.1:{chat_port}/chats-service/api/v1\n" in banner
        assert f"Socket.IO  http://127.0.0.1:{port} and http://127.0.0.1:{chat_port}\n" in banner
        assert f"http://127.0.0.1:{port}/openapi.json" in banner
        assert "john@example.com / password (admin)\n" in banner
        assert "jane@example.com / password (user)\n" in banner
        assert "API key    dev-api-key " in banner
        assert "WARNING" not in banner
        assert len(banner.splitlines()) <= MAX_LINES


def test_env_lines() -> None:
    """They can be pasted into a file `.env` of Vite, and into one for the code of the Platform API specification."""
    with run_serve() as mock:
        port, chat_port = mock.ports
        variables = dict(line.split("=", 1) for line in mock.banner.splitlines() if re.match(r"[A-Z_]+=", line))
        assert variables == {
            "VITE_API_URL": f"http://127.0.0.1:{port}/api",
            "VITE_CHAT_API_URL": f"http://127.0.0.1:{chat_port}/chats-service/api/v1",
            "VITE_WS_URL": f"ws://127.0.0.1:{port}",
            "VITE_API_KEY": "dev-api-key",
            "REACT_APP_API_BASE_URL": f"http://127.0.0.1:{port}/api",
            "REACT_APP_WS_URL": f"ws://127.0.0.1:{port}",
        }


def test_logins_of_own_fixtures(tmp_path: Path) -> None:
    write_users(tmp_path, 1)
    with run_serve("--fixtures", str(tmp_path)) as mock:
        assert "Log in     u1@example.com / word1 (user)\n" in mock.banner
        assert "no-password@example.com" not in mock.banner
        assert ask(mock.ports[0], "GET /api/users/1 HTTP/1.1").json["name"] == "A"


def test_many_logins(tmp_path: Path) -> None:
    write_users(tmp_path, 25)
    with run_serve("--fixtures", str(tmp_path), "--expose") as mock:
        assert all(f"u{n}@example.com / word{n} (user)" in mock.banner for n in range(1, 26))
        assert len(mock.banner.splitlines()) <= MAX_LINES


def test_password_with_control_characters(tmp_path: Path) -> None:
    """A fixture file cannot control the terminal, nor write lines of its own."""
    user = {"id": "1", "name": "A", "email": "a@example.com", "role": "user", "password": "a\x1b[31m\nb"}
    (tmp_path / "users.json").write_text(json.dumps([user]))
    with run_serve("--fixtures", str(tmp_path)) as mock:
        assert r"a@example.com / a\x1b[31m\nb (user)" in mock.banner


def test_no_logins(tmp_path: Path) -> None:
    write_users(tmp_path, 0)
    with run_serve("--fixtures", str(tmp_path)) as mock:
        assert "Log in     no user has a password\n" in mock.banner


def test_exposed_server_warns() -> None:
    with run_serve("--expose", "--host", "127.0.0.2") as mock:
        assert "WARNING: other machines can reach this server" in mock.banner
        assert re.search(r"Platform +http://127\.0\.0\.2:\d+/api\n", mock.banner)


def test_json() -> None:
    """One line for scripts, and no request log behind it."""
    with run_serve("--json", "--api-key", "my-key") as mock:
        server = json.loads(mock.banner)
        assert server["base_url"] == f"{server['origin']}/api"
        assert server["chat_base_url"] == f"{server['chat_origin']}/chats-service/api/v1"
        assert server["api_key"] == "my-key"
        assert server["pid"] == mock.process.pid
        assert server["logins"] == [
            {"id": "1", "email": "john@example.com", "password": "password", "role": "admin"},
            {"id": "2", "email": "jane@example.com", "password": "password", "role": "user"},
        ]
        assert ask(int(server["origin"].rpartition(":")[2]), HEALTH).status == 200
        assert mock.stop() == (0, "", "")


def test_documentation() -> None:
    """The guide shows the banner as it is."""
    page = (Path(__file__).parents[3] / "docs" / "mock-server.md").read_text("utf-8")
    with run_serve() as mock:
        port, chat_port = mock.ports
        banner = mock.banner.replace(f":{port}", ":3001").replace(f":{chat_port}", ":3002")
    assert f"```text\n{banner}```\n" in page

"""`--strict`: requests that break the contract are reported, and the process ends with status 1."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.mockserver.cli.processes import run_serve
from tests.mockserver.raw import PATIENCE, ask, peer

pytestmark = pytest.mark.slow

KEPT = ["GET /api/users?page=1 HTTP/1.1", "GET /api/users/999 HTTP/1.1", "GET /api/error?status=400 HTTP/1.1"]
"""Requests that keep the contract: what is not there, and a failure that was requested, are no mistakes."""


def test_kept_contract() -> None:
    with run_serve("--strict", "--quiet", "--port", "0", "--chat-port", "0", "--json", ports=False) as mock:
        for line in KEPT:
            ask(read_port(mock.banner), line)
        stubbed = ("Prefer: code=422",)
        assert ask(read_port(mock.banner), "GET /api/users HTTP/1.1", *stubbed).status == 422
        assert mock.stop() == (0, "", "")


def read_port(banner: str) -> int:
    return int(json.loads(banner)["origin"].rpartition(":")[2])


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("GET /api/users?pgae=2 HTTP/1.1", "query-unknown"),
        ("GET /api/users?limit=0 HTTP/1.1", "query-parameter"),
        ("GET /api/nothing HTTP/1.1", "path"),
        ("DELETE /api/users HTTP/1.1", "method"),
        ("GET /chats-service/api/v1/chats HTTP/1.1", "api-key"),
    ],
)
def test_broken_contract(line: str, rule: str) -> None:
    with run_serve("--strict", "--json") as mock:
        ask(read_port(mock.banner), line)
        status, _, error = mock.stop()
    reported, total = error.splitlines()
    method, target, _ = line.split(" ")
    assert status == 1
    assert reported.startswith(f"duologue: {method} {target} [{rule}] ")
    assert total == "duologue: The contract was broken once."


@pytest.mark.parametrize(
    "sent",
    [
        b"garbage",
        b"garbage\r\n\r\n",
        b"\x16\x03\x01",
        b"GET / SPDY/1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    ],
    ids=["garbage", "a line", "TLS", "another protocol", "two hosts"],
)
def test_what_is_not_http(sent: bytes) -> None:
    with run_serve("--strict", "--json") as mock:
        with peer(read_port(mock.banner)) as one:
            one.send(sent)
            one.socket.shutdown(1)
            assert one.read_response().status == 400
        status, _, error = mock.stop()
    reported, total = error.splitlines()
    assert status == 1
    assert reported.startswith("duologue: From 127.0.0.1 [http] ")
    assert total == "duologue: The contract was broken once."


def test_without_strict() -> None:
    with run_serve("--json") as mock:
        ask(read_port(mock.banner), "GET /api/nothing HTTP/1.1")
        assert mock.stop() == (0, "", "")


def test_reports_are_bounded_and_escaped() -> None:
    with run_serve("--strict", "--json") as mock:
        port = read_port(mock.banner)
        ask(port, "GET /api/users?x=%1b[31m&token=hidden HTTP/1.1")
        for _ in range(120):
            ask(port, "GET /api/nothing HTTP/1.1")
        status, _, error = mock.stop()
    assert status == 1
    assert "\x1b" not in error
    assert "hidden" not in error
    assert len(error.splitlines()) <= 101
    assert error.splitlines()[-1].startswith("duologue: The contract was broken 12")


CALL = "import os, urllib.request as r; r.urlopen(os.environ['DUOLOGUE_BASE_URL'] + '/users?pgae=2')"


@pytest.mark.parametrize(("options", "status"), [([], 0), (["--strict"], 1)])
def test_command_with_a_mock(options: list[str], status: int) -> None:
    """The command succeeds; whether the whole does is the contract's question."""
    command = [sys.executable, "-m", "duologue", "exec", *options, "--", sys.executable, "-c", CALL]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3 * PATIENCE, check=False)
    assert done.returncode == status, done.stderr
    assert ("[query-unknown]" in done.stderr) == bool(status)

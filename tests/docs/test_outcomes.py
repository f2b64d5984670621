"""What `duologue check` says of servers of each kind is what the contract-testing guide shows, but for numbers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from duologue.cli.command_group import commands
from duologue_mock import MockServer
from tests.conformance.faults import FAULTS
from tests.docs.pages import BLOCKS, ROOT

GUIDE = "docs/contract-testing.md"
BROKEN, OTHERS = (block.code for block in BLOCKS if (block.page, block.language) == (GUIDE, "text"))
FAULT = next(fault for fault in FAULTS if fault.id == "paging.total-of-page")

SERVERS: dict[str, dict[str, Any]] = {
    "duologue serve": {},
    "duologue serve --rate-limit 300": {"rate_limit": 300},
    "duologue serve --require-auth": {"require_auth": True},
    "a server whose API key is another one": {"api_keys": ["another"]},
    "a server without Socket.IO": {},
    "no server": {},
}
"""The mock's options for each server of the guide."""


@contextmanager
def run_server(name: str) -> Iterator[MockServer]:
    """Run a server of the guide; one that has stopped for the one that is not there."""
    with MockServer(**{"rate_limit": None, **SERVERS[name]}) as mock:
        if name == "a server without Socket.IO":
            mock.control.stub("GET /socket.io/", body="", status=404)
        if name != "no server":
            yield mock
            return
    yield mock


def check(mock: MockServer, *arguments: str) -> str:
    """Return what the command prints about a mock, as one line, with the guide's URLs and without its progress."""
    command = [mock.origin if word == "http://localhost:3001" else word for word in arguments]
    result = CliRunner().invoke(commands, command, env={"DUOLOGUE_CHAT_BASE_URL": mock.chat_base_url})
    printed = result.stdout + "".join(re.findall(r"^duologue: [^\0]*", result.stderr, re.MULTILINE))
    for origin in (mock.origin, mock.chat_origin):
        printed = printed.replace(origin, "http://localhost:3001").replace(urlsplit(origin).netloc, "localhost:3001")
    return normalize(printed)


def normalize(text: str) -> str:
    """Return text as one line, without what differs from run to run: counts, and names that tests made up."""
    line = re.sub(r"\b(page|urc)-[0-9a-f]+", r"\1-0", " ".join(text.split()))
    return re.sub(r"\d+(?= rules?\b| not judged| requests\b| s\)|\))|(?<=rules of )\d+", "0", line)


def read_servers() -> Iterator[tuple[str, str]]:
    """Yield the servers of the guide, each with its commands and what they print."""
    for section in OTHERS.split("# ")[1:]:
        name, _, rest = section.partition("\n")
        for shown in rest.split("$ duologue ")[1:]:
            yield name, shown


@pytest.mark.slow
@pytest.mark.parametrize(("server", "shown"), [*read_servers()], ids=lambda text: text.partition("\n")[0])
def test_outcome(server: str, shown: str) -> None:
    command, *lines = shown.strip().splitlines()
    with run_server(server) as mock:
        printed = check(mock, *shlex.split(command))

    for line in lines:
        assert normalize(line) in printed


def test_every_server_is_shown() -> None:
    assert {server for server, _ in read_servers()} == {*SERVERS}


@pytest.mark.slow
def test_broken_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    FAULT.plant(monkeypatch)
    with MockServer(rate_limit=None) as mock:
        printed = check(mock, "check", "http://localhost:3001", "--only", "users.LIST", "--seed", "7")

    shown = BROKEN.partition("\n\n")[0].splitlines()
    for line in shown[:3] + shown[4:]:
        assert normalize(line) in printed
    assert printed.endswith("Exit status 1.")


def test_readme_shows_the_same() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    (shown,) = re.findall(r"^```text\n(1\. .*?)^```$", text, re.MULTILINE | re.DOTALL)
    for line in shown.splitlines():
        assert line.partition("…")[0].rstrip() in BROKEN

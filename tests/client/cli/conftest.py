"""Commands against a mock of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from duologue.cli.command_group import commands
from duologue_mock import MockServer
from tests.client.cli.commands import Run


@pytest.fixture
def mock() -> Iterator[MockServer]:
    with MockServer() as running:
        yield running


@pytest.fixture
def environ(mock: MockServer, tmp_path: Path) -> dict[str, str]:
    return {
        "DUOLOGUE_BASE_URL": mock.base_url,
        "DUOLOGUE_CHAT_BASE_URL": mock.chat_base_url,
        "DUOLOGUE_API_KEY": mock.api_key,
        "DUOLOGUE_USER_ID": "anonymous-user",
        "DUOLOGUE_DATA_DIR": str(tmp_path / "data"),
        "DUOLOGUE_MAX_RETRIES": "0",
    }


@pytest.fixture
def run(environ: dict[str, str]) -> Run:
    """Runs a command in this process."""

    def invoke(*arguments: str, stdin: str | None = None, **variables: str | None) -> Result:
        return CliRunner().invoke(commands, list(arguments), input=stdin, env={**environ, **variables})

    return invoke


@pytest.fixture
def logged_in(run: Run) -> Run:
    assert run("login", "--email", "john@example.com", stdin="password\n").exit_code == 0
    return run

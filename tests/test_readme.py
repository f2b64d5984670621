"""The README's blocks do what it says, as they stand there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from duologue_mock import MockServer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
PYTHON = [block for language, block in BLOCKS if language == "python"]
SHELL = [block for language, block in BLOCKS if language == "sh"]


@pytest.fixture
def mock() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


@pytest.fixture
def environment(mock: MockServer, tmp_path: Path) -> dict[str, str]:
    here = {
        "DUOLOGUE_BASE_URL": mock.base_url,
        "DUOLOGUE_CHAT_BASE_URL": mock.chat_base_url,
        "DUOLOGUE_DATA_DIR": str(tmp_path),
    }
    return {**os.environ, **here}


@pytest.mark.parametrize("block", PYTHON, ids=[f"python-{number}" for number in range(1, len(PYTHON) + 1)])
def test_python_blocks_run(block: str, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "assert" in block or done.stdout.strip(), "the block shows nothing"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_lines(mock: MockServer) -> None:
    block = next(block for block in SHELL if "curl" in block)
    block = block.replace("http://localhost:3001", mock.origin).replace("http://localhost:3002", mock.chat_origin)
    done = subprocess.run(["sh", "-e", "-c", block], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for expected in ('"John Doe"', '"refreshToken"', '"test-session-1"'):
        assert expected in done.stdout


def test_mock_commands(mock: MockServer, environment: dict[str, str]) -> None:
    block = next(block for block in SHELL if "duologue mock" in block)
    environment |= {"DUOLOGUE_MOCK_URL": mock.origin}
    for line in block.splitlines():
        arguments = shlex.split(line, comments=True)
        command = [sys.executable, "-m", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout, line


def test_check(mock: MockServer) -> None:
    line = next(block for block in SHELL if "duologue check" in block).strip()
    command = [sys.executable, "-m", *line.replace("http://localhost:3001", mock.origin).split()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("KEPT: ")


def test_make_help() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert phony is not None
    for target in phony[1].split():
        assert re.search(rf"make {target} +\w.*\.", listed), target

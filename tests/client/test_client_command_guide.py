"""The guide to the client as a command does what it says, and says what there is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from duologue.cli.exit_codes import ExitCode
from duologue_mock import MockServer
from tests.client.test_commands import OURS

GUIDE = (Path(__file__).parents[2] / "docs" / "client-command.md").read_text("utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")


def test_the_blocks_run_one_after_the_other(tmp_path: Path) -> None:
    with MockServer() as mock:
        environ = {
            **os.environ,
            "DUOLOGUE_BASE_URL": mock.base_url,
            "DUOLOGUE_CHAT_BASE_URL": mock.chat_base_url,
            "DUOLOGUE_DATA_DIR": str(tmp_path),
        }
        script = "\n".join([f'duologue() {{ "{sys.executable}" -m duologue "$@"; }}', *BLOCKS])
        done = subprocess.run(
            ["sh", "-e", "-c", script], env=environ, capture_output=True, text=True, check=False, timeout=120
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.count("duologue:") == 1
    for shown in ("Logged in as John Doe", "Ada Lovelace", "Jane A. Smith", "Milk and bread", "message.completed"):
        assert shown in done.stdout


def test_every_command_is_shown() -> None:
    for path in OURS:
        name = " ".join(path)
        assert name in {"chats get", "chats rename"} or re.search(rf"duologue {name}\b", GUIDE), name


def test_every_exit_code_is_explained() -> None:
    for code in ExitCode:
        assert re.search(rf"^\| {code.value} \| \w", GUIDE, re.MULTILINE), code

"""The page about the command line says what there is."""

from __future__ import annotations

import re
from pathlib import Path

from duologue.cli.exit_codes import ExitCode
from tests.client.cli.test_commands import OURS

GUIDE = (Path(__file__).parents[3] / "docs" / "command-line.md").read_text("utf-8")


def test_every_command_is_shown() -> None:
    for path in OURS:
        name = " ".join(path)
        assert name in {"chats get", "chats rename"} or re.search(rf"duologue {name}\b", GUIDE), name


def test_every_exit_code_is_explained() -> None:
    for code in ExitCode:
        assert re.search(rf"^\| {code.value} \| \w", GUIDE, re.MULTILINE), code

"""The page about the command line says what there is."""

from __future__ import annotations

import re
from pathlib import Path

from duologue.cli.exit_codes import ExitCode
from duologue.config import OPTIONS
from tests.client.cli.commands import CLIENT_COMMANDS

GUIDE = (Path(__file__).parents[3] / "docs" / "command-line.md").read_text("utf-8")


def test_commands() -> None:
    for path in CLIENT_COMMANDS:
        name = " ".join(path)
        assert name in {"chats get", "chats rename"} or re.search(rf"duologue {name}\b", GUIDE), name


def test_flags() -> None:
    for declared in OPTIONS.values():
        if declared.flags:
            flags = ", ".join(f"`{flag}`" for flag in declared.flags)
            assert f"| {flags} | `{declared.env}` | {declared.summary} |" in GUIDE


def test_exit_codes() -> None:
    for code in ExitCode:
        assert re.search(rf"^\| {code.value} \| \w", GUIDE, re.MULTILINE), code

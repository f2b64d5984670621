"""A project made of a recipe's files: the tools are those of `package.json`, the addresses those of a running mock."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from duologue_mock import MockServer
from tests.docs.pages import BLOCKS, RECIPES, write_files

HERE = Path(__file__).parent
STAND_INS = HERE / "stand_ins"
SECONDS = 240
"""After which a run is given up: far more than it takes."""


def write_project(folder: Path, recipe: str, *stand_ins: str) -> None:
    """Write the files of a recipe's page, and ours that stand in for what cannot be here."""
    write_files(folder, [block for block in BLOCKS if block.page == f"{RECIPES}{recipe}.md" and block.title])
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "node_modules").mkdir()
    for path in (HERE / "node_modules").iterdir():
        (folder / "node_modules" / path.name).symlink_to(path)
    for name in stand_ins:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        source = STAND_INS / Path(name).name
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)


def localize(folder: Path, mock: MockServer, front_end: int | None = None) -> None:
    """Replace the ports in the files by those of a mock, and of a front end."""
    for path in folder.rglob("*.js"):
        if "node_modules" not in path.parts:
            text = re.sub(r"(localhost:)3001\b", rf"\g<1>{mock.port}", path.read_text("utf-8"))
            text = text if front_end is None else text.replace("localhost:5173", f"localhost:{front_end}")
            path.write_text(text, "utf-8")


def add_command(folder: Path) -> Path:
    """Write a command `duologue`, as an installation has it, and return its folder."""
    path = folder / "bin" / "duologue"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m duologue "$@"\n')
    path.chmod(0o755)
    return path.parent


def run(folder: Path, *command: str, environment: Mapping[str, str] | None = None) -> str:
    """Run a command in a project; return what it printed."""
    inherited = {name: value for name, value in os.environ.items() if name != "CI"}  # a running mock is used again
    done = subprocess.run(
        command,
        cwd=folder,
        env={**inherited, "NO_PROXY": "*", "no_proxy": "*", **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

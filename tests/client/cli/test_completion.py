"""Shell completion: what the documented lines load, and what is completed."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.node_packages import missing

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[3] / "docs" / "command-line.md").read_text("utf-8")
LINES = dict(re.findall(r"^\| (bash|zsh|fish)[^|]*\| `([^`]+)`", PAGE, re.MULTILINE))


def complete(shell: str, *words: str) -> list[str]:
    """What a shell gets when the last word is completed, without the form that is the shell's own."""
    environment = {
        **os.environ,
        "_DUOLOGUE_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": shlex.join(["duologue", *words]),
        "COMP_CWORD": words[-1] if shell == "fish" else str(len(words)),
    }
    done = subprocess.run(
        [sys.executable, "-m", "duologue"], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    if shell == "zsh":
        return done.stdout.splitlines()[1::3]
    return [line.partition(",")[2].partition("\t")[0] for line in done.stdout.splitlines()]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions(shell: str) -> None:
    assert complete(shell, "ser") == ["serve"]
    assert complete(shell, "users", "upd") == ["update"]
    assert complete(shell, "serve", "--require") == ["--require-auth"]
    assert "--no-require-auth" in complete(shell, "serve", "--no-")
    assert "--no-such" not in complete(shell, "serve", "--no-such")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_documented_line(shell: str, tmp_path: Path) -> None:
    """The line of the page, in the shell itself, makes `duologue` a command that is completed."""
    line = LINES[shell].replace(r"\|", "|")
    assert f"_DUOLOGUE_COMPLETE={shell}_source duologue" in line
    if shutil.which(shell) is None:
        missing(f"{shell} is not installed.")
    command = tmp_path / "duologue"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m duologue "$@"\n')
    command.chmod(0o755)
    check = {
        "bash": f"{line}\ncomplete -p duologue",
        "zsh": f"autoload -Uz compinit\ncompinit -D\n{line}\nprint $_comps[duologue]",
        "fish": f"{line}\ncomplete --command duologue",
    }[shell]
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([shell, "-c", check], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "_duologue_completion" in done.stdout

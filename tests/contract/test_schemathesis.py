"""Schemathesis against both services: every check it has, in all its phases, with nothing excused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from duologue_mock import MockServer

ROOT = Path(__file__).parents[2]
EXAMPLES = os.environ.get("DUOLOGUE_TEST_EXAMPLES", "15")
SEED = os.environ.get("DUOLOGUE_TEST_SEED", "1")


@pytest.mark.slow
@pytest.mark.parametrize(("origin", "paths"), [("origin", "^/api/"), ("chat_origin", "^/chats-service/")])
def test_schemathesis(tmp_path: Path, origin: str, paths: str) -> None:
    config = tmp_path / "schemathesis.toml"
    config.write_text('hooks = "tests.contract.schemathesis_hooks"\n')
    with MockServer(rate_limit=None) as mock:
        url = getattr(mock, origin)
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", f"{url}/openapi.json"]
        command += ["--url", url, "--checks", "all", "--include-path-regex", paths]
        command += ["--max-examples", EXAMPLES, "--seed", SEED, "--continue-on-failure"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "No issues found" in done.stdout, done.stdout[-4000:]

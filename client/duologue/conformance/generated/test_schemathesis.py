"""Schemathesis against both services: every check it has, in all its phases, with nothing excused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from duologue.conformance import sources
from duologue.conformance.rules import rule
from duologue.conformance.target.server import Server

CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = os.environ.get("DUOLOGUE_TEST_EXAMPLES", "15")
SEED = os.environ.get("DUOLOGUE_TEST_SEED", "1")


@rule(
    "generated.schemathesis",
    "Requests that are generated from the OpenAPI document, valid and invalid, get the responses that it describes.",
    source=sources.REQUESTS,
    stage=5,
    needs=["admin", "openapi"],
)
@pytest.mark.slow
@pytest.mark.parametrize(("origin", "paths"), [("platform_origin", "^/api/"), ("chat_origin", "^/chats-service/")])
def test_schemathesis(server: Server, tmp_path: Path, origin: str, paths: str) -> None:
    url = getattr(server, origin)
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", f"{url}/openapi.json"]
    command += ["--url", url, "--checks", "all", "--include-path-regex", paths]
    command += ["--max-examples", EXAMPLES, "--seed", SEED, "--continue-on-failure"]
    key = {"DUOLOGUE_API_KEY": server.api_key}
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | key, capture_output=True, text=True, timeout=1200, check=False
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "No issues found" in done.stdout, done.stdout[-4000:]

"""Schemathesis against both services: every check it has, in all its phases, with nothing excused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from duologue.conformance import sources
from duologue.conformance.generated.reports import find_created, read_failures
from duologue.conformance.rules import Violation, rule
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import unique

CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = os.environ.get("DUOLOGUE_TEST_EXAMPLES", "15")
TIMEOUT = 300.0
"""Seconds after which Schemathesis is ended."""
RULE = "generated.schemathesis"


@rule(
    RULE,
    "Requests that are generated from the OpenAPI document, valid and invalid, get the responses that it describes.",
    source=sources.REQUESTS,
    stage=5,
    needs=["admin", "openapi"],
)
@pytest.mark.slow
@pytest.mark.parametrize(("origin", "paths"), [("platform_origin", "^/api/"), ("chat_origin", "^/chats-service/")])
def test_schemathesis(server: Server, tmp_path: Path, pytestconfig: pytest.Config, origin: str, paths: str) -> None:
    mark = unique("generated")
    try:
        done = subprocess.run(
            build_command(getattr(server, origin), paths, pytestconfig),
            cwd=tmp_path,
            env={**os.environ, "DUOLOGUE_API_KEY": server.api_key, "DUOLOGUE_MARK": mark},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    finally:
        _remember_created(server, tmp_path / "har.json", mark)
    failures = read_failures(tmp_path / "junit.xml") if done.returncode == 1 else []
    if failures:
        first = failures[0]
        raise Violation(RULE, f"{len(failures)} failures, the first at {first.operation}", differences=first.lines)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "No issues found" in done.stdout, done.stdout[-4000:]


def build_command(url: str, paths: str, config: pytest.Config) -> list[str]:
    """Return the command line of Schemathesis, with the run's seed and rate."""
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)]
    command += ["run", f"{url}/openapi.json", "--url", url, "--checks", "all", "--include-path-regex", paths]
    command += ["--max-examples", EXAMPLES, "--seed", str(config.getoption("--duologue-seed")), "--continue-on-failure"]
    command += ["--report", "har,junit", "--report-har-path", "har.json", "--report-junit-path", "junit.xml"]
    rate = config.getoption("--duologue-rate-limit")
    return command + (["--rate-limit", rate] if rate else [])


def _remember_created(server: Server, har: Path, mark: str) -> None:
    """Have what was created deleted at the end of the test; of a run that was cut off, only logins are found."""
    try:
        server.record.created += find_created(har, server)
    except (OSError, ValueError, KeyError):
        server.record.left_over.append("what Schemathesis created before it was cut off")
    for user in server.platform.get("/users", query={"search": mark, "limit": 100}).json()["users"]:
        server.record.created.append((server.platform, f"/users/{user['id']}"))

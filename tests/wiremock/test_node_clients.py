"""npm's wiremock-captain and wiremock-rest-client drive the mock, and the real WireMock, alike."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.node_packages import find_node

pytestmark = pytest.mark.node

HERE = Path(__file__).parent
FILES = sorted((HERE / "clients").glob("*.test.js"))
TIMEOUT = 120

by_file = pytest.mark.parametrize("path", FILES, ids=[path.name.removesuffix(".test.js") for path in FILES])


def run(path: Path, port: int, *, is_mock: bool) -> None:
    """Run a file under Node's test runner.

    Raises:
        AssertionError: a test in it failed; the text is what Node printed.
    """
    environment = {
        **os.environ,
        "WIREMOCK_URL": f"http://localhost:{port}",
        "IS_MOCK": "1" if is_mock else "",
        "NO_PROXY": "*",
        "no_proxy": "*",
    }
    process = subprocess.run(
        [find_node(HERE), "--test", path.name],
        cwd=path.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )
    assert process.returncode == 0, process.stdout + process.stderr


@by_file
def test_client_drives_mock(path: Path, mock_port: int) -> None:
    run(path, mock_port, is_mock=True)


@by_file
@pytest.mark.slow
def test_client_drives_wiremock(path: Path, real_port: int) -> None:
    run(path, real_port, is_mock=False)

"""The front-end guide's JavaScript runs under Node, with the real libraries, against a mock server."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from duologue_mock import MockServer
from tests.docs.pages import Block, localize, select_blocks, write_files
from tests.frontend.test_frontend import HERE as FRONT_END
from tests.frontend.test_frontend import node

__all__ = ["node"]  # a fixture, used by its name

pytestmark = pytest.mark.node


@pytest.fixture
def application(node: str, mock: MockServer, tmp_path: Path) -> Path:
    """A folder with the front-end guide's files and the packages they import."""
    files = select_blocks("js", files=True) + select_blocks("js", run=False, files=True)
    write_files(tmp_path, files, mock)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "node_modules").symlink_to(FRONT_END / "node_modules")
    return tmp_path


def run_node(node: str, folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "NO_PROXY": "*", "no_proxy": "*"}
    done = subprocess.run(
        [node, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("block", select_blocks("js", files=False), ids=str)
def test_javascript_block(block: Block, node: str, application: Path, mock: MockServer) -> None:
    (application / "block.js").write_text(localize(block.code, mock), "utf-8")
    assert run_node(node, application, "block.js"), "the block shows nothing"


@pytest.mark.parametrize("block", select_blocks("js", files=True), ids=str)
def test_javascript_file(block: Block, node: str, application: Path) -> None:
    """A test passes; another module can be loaded."""
    assert block.title is not None
    if ".test." in block.title:
        tests = re.findall(r"^test\(", block.code, re.MULTILINE)
        shown = run_node(node, application, "--test", "--test-reporter=tap", block.title)
        assert re.search(rf"^# pass {len(tests)}$", shown, re.MULTILINE), shown
    else:
        run_node(node, application, "--input-type=module", "--eval", f"await import('./{block.title}')")


@pytest.mark.parametrize("block", select_blocks("js", run=False), ids=str)
def test_unrun_javascript_parses(block: Block, node: str, application: Path) -> None:
    """JavaScript that is not run has no syntax error."""
    assert block.title is not None
    run_node(node, application, "--check", block.title)


def test_page_variables_are_read() -> None:
    """Every environment variable that the page sets is read by the page's JavaScript."""
    code = "".join(block.code for block in select_blocks("js"))
    for block in select_blocks("ini"):
        for name in re.findall(r"^(\w+)=", block.code, re.MULTILINE):
            assert f"env.{name} " in code, name

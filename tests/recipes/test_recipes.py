"""Each recipe's files, in a project of their own, do what its page says."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from duologue_mock import MockServer
from tests.docs.pages import BLOCKS, PAGES, RECIPES
from tests.recipes.projects import HERE, add_command, localize, run, write_project

pytestmark = [pytest.mark.node, pytest.mark.slow]

TESTED = {"curl", "playwright", "vitest", "cypress", "storybook", "github-actions"}
"""`curl` with the other shell blocks of the documentation."""


def test_every_recipe_is_run() -> None:
    assert {Path(page).stem for page in PAGES if page.startswith(RECIPES)} == TESTED


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def serve_front_end() -> Iterator[int]:
    """Serve a small front end, as `npm run dev` would."""
    handler = functools.partial(_QuietHandler, directory=str(HERE / "app"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_playwright(node: str, chromium: str, tmp_path: Path) -> None:
    """Two workers, in the browser, at the same time: each sees the data of its own namespace."""
    write_project(tmp_path, "playwright", "chromium.config.js")
    with MockServer() as mock, serve_front_end() as front_end:
        localize(tmp_path, mock, front_end)
        cli = str(tmp_path / "node_modules" / "@playwright" / "test" / "cli.js")
        printed = run(tmp_path, node, cli, "test", "--config", "chromium.config.js", environment={"CHROMIUM": chromium})
        report = json.loads(printed)
        assert report["config"]["workers"] == 2
        assert (report["stats"]["expected"], report["stats"]["unexpected"]) == (5, 0)
        assert set(mock.control.namespaces()) == {"default", "w0", "w1"}
        with mock.state as state:
            assert len(state.users) == 2


def test_vitest(node: str, tmp_path: Path) -> None:
    write_project(tmp_path, "vitest")
    path = f"{add_command(tmp_path)}:{Path(node).parent}:/usr/bin:/bin"
    cli = str(tmp_path / "node_modules" / "vitest" / "vitest.mjs")
    report = json.loads(run(tmp_path, node, cli, "run", "--reporter=json", environment={"PATH": path}))
    assert (report["numPassedTests"], report["numTotalTests"]) == (3, 3)


def test_storybook(node: str, tmp_path: Path) -> None:
    """The loaders and stories, as Storybook calls them; Storybook itself is not needed for that."""
    write_project(tmp_path, "storybook", "src/stories.test.js")
    with MockServer() as mock:
        localize(tmp_path, mock)
        cli = str(tmp_path / "node_modules" / "vitest" / "vitest.mjs")
        report = json.loads(run(tmp_path, node, cli, "run", "--reporter=json"))
    assert (report["numPassedTests"], report["numTotalTests"]) == (3, 3)


def test_cypress(node: str, tmp_path: Path) -> None:
    """Configuration, support file and specification are executed, with stand-ins for the browser."""
    write_project(tmp_path, "cypress", "run_cypress.js", "node_modules/cypress")
    with MockServer() as mock:
        localize(tmp_path, mock)
        first, second = map(json.loads, run(tmp_path, node, "run_cypress.js").splitlines())
        assert first == {"name": "says that the backend is overloaded", "results": [200, 201]}
        assert second == {"name": "ends a login", "results": [200, 200]}
        other = run(tmp_path, node, "run_cypress.js", environment={"CYPRESS_MOCK_URL": mock.chat_origin})
        assert len(other.splitlines()) == 2


def test_github_actions(node: str, tmp_path: Path) -> None:
    """The step that runs the tests runs them, with the variable that it names."""
    (block,) = [block for block in BLOCKS if block.page == f"{RECIPES}github-actions.md" and block.language == "yaml"]
    steps = yaml.safe_load(block.code)["jobs"]["test"]["steps"]
    (command,) = [step["run"] for step in steps if step.get("run", "").startswith("duologue ")]
    test = "fetch(process.env.VITE_API_URL + '/users').then(async (r) => console.log('total', (await r.json()).total))"
    (tmp_path / "test.js").write_text(test)
    (tmp_path / "package.json").write_text(json.dumps({"scripts": {"test": f"{node} test.js"}}))
    path = f"{add_command(tmp_path)}:{Path(node).parent}:/usr/bin:/bin"
    assert "total 2" in run(tmp_path, "sh", "-c", command, environment={"PATH": path})

"""TypeScript types, made of the mock's own document by openapi-typescript: what is right compiles and runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from duologue_mock import MockServer
from tests.docs.pages import Block, localize, select_blocks
from tests.frontend.test_frontend import HERE, node

__all__ = ["node"]  # a fixture, used by its name

MODULES = HERE / "node_modules"
[GENERATE_TYPES] = [
    block.code for block in select_blocks("sh", run=False) if block.code.startswith("npx openapi-typescript ")
]
"""The one command of the front-end guide."""
PREFIX = """import createClient from "openapi-fetch";
import type { paths } from "./api.js";
const api = createClient<paths>({ baseUrl: "http://localhost:3001" });
"""
WRONG = {
    "unknown_path": ('await api.GET("/api/user");', "TS2554"),
    "missing_field": ('await api.POST("/api/users", { body: { name: "Ada" } });', "TS2322"),
    "unknown_role": (
        'await api.POST("/api/users", { body: { name: "Ada", email: "a@example.com", role: "root" } });',
        "TS2322",
    ),
    "missing_header": ('await api.GET("/chats-service/api/v1/chats");', "TS2554"),
    "number_for_text": ('await api.GET("/api/users/{id}", { params: { path: { id: 1 } } });', "TS2322"),
    "unknown_field": ('const { data } = await api.GET("/api/users"); console.log(data?.users[0]?.nickname);', "TS2339"),
}
"""Calls that the types refuse, and the compiler's error."""

pytestmark = [pytest.mark.node, pytest.mark.slow]


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


@pytest.fixture
def project(node: str, mock: MockServer, tmp_path: Path) -> Path:
    """A folder with `src/api.d.ts`, made of the document that a mock serves."""
    (tmp_path / "node_modules").symlink_to(MODULES)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copy(HERE / "typed" / "tsconfig.json", tmp_path)
    generator = MODULES / "openapi-typescript" / "bin" / "cli.js"
    _, _, *arguments = localize(GENERATE_TYPES, mock).split()
    run(tmp_path, node, generator, *arguments)
    return tmp_path


def run(folder: Path, *command: str | Path, **environment: str) -> str:
    done = execute(folder, *command, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def execute(folder: Path, *command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "NO_PROXY": "*", "no_proxy": "*", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def compile_typescript(node: str, project: Path) -> subprocess.CompletedProcess[str]:
    return execute(project, node, MODULES / "typescript" / "bin" / "tsc", "--project", "tsconfig.json")


def test_usage(node: str, mock: MockServer, project: Path) -> None:
    shutil.copy(HERE / "typed" / "usage.ts", project / "src")
    compiled = compile_typescript(node, project)
    assert compiled.returncode == 0, compiled.stdout
    assert run(project, node, "src/usage.js", ORIGIN=mock.origin, API_KEY=mock.api_key) == "done\n"


@pytest.mark.parametrize("block", select_blocks("ts", files=True), ids=str)
def test_guide(block: Block, node: str, mock: MockServer, project: Path) -> None:
    """The front-end guide's TypeScript compiles, and shows something."""
    assert block.title is not None
    (project / block.title).write_text(localize(block.code, mock), "utf-8")
    compiled = compile_typescript(node, project)
    assert compiled.returncode == 0, compiled.stdout
    assert run(project, node, block.title.replace(".ts", ".js"))


def test_wrong_calls(node: str, project: Path) -> None:
    for name, (code, _) in WRONG.items():
        (project / "src" / f"{name}.ts").write_text(PREFIX + code, "utf-8")
    compiled = compile_typescript(node, project)
    line = PREFIX.count("\n") + 1
    errors = re.findall(rf"^src/(\w+)\.ts\({line},\d+\): error (\w+):", compiled.stdout, re.MULTILINE)
    assert sorted(errors) == sorted((name, error) for name, (_, error) in WRONG.items()), compiled.stdout

"""The pages of the documentation and their code blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from duologue_mock import MockServer

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in sorted(DOCS.rglob("*.md"))}
PAGES["CONTRIBUTING.md"] = (ROOT / "CONTRIBUTING.md").read_text("utf-8")

REACT_QUERY = "docs/coming-from-react-query.md"

ILLUSTRATIONS = {
    ("typescript", REACT_QUERY): "what readers have; the Python block after it is its counterpart",
    ("text", "docs/mock-server.md"): "the banner; a test of `duologue serve` compares it",
    ("text", "docs/contract-testing.md"): "what `duologue check` prints; `test_outcomes.py` compares it",
    ("text", "docs/control/pytest.md"): "a part of a report; a test of the plugin has one like it",
}
"""Blocks that are not run, by language and page, with the reason."""


RECIPES = "docs/recipes/"
"""Pages whose JavaScript and YAML are run by `tests/recipes`, with the tools that they are for."""


@dataclass(frozen=True)
class Block:
    """One code block of a page. A block with a title is a file; one with a reason is not run."""

    page: str
    line: int
    language: str
    title: str | None
    reason: str | None
    code: str

    def __str__(self) -> str:
        return f"{Path(self.page).stem}:{self.title or self.line}"


FENCE = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^\n]+) -->\n)?"
    r"```(?P<language>\w+)(?: title=\"(?P<title>[^\"\n]+)\")?\n"
    r"(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def read_blocks(page: str, text: str) -> Iterator[Block]:
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start("code"))
        yield Block(page, line, match["language"], match["title"], match["reason"], match["code"])


BLOCKS = [block for page, text in PAGES.items() for block in read_blocks(page, text)]


def select_blocks(language: str, *, run: bool = True, files: bool | None = None) -> list[Block]:
    """The blocks of a language that run, or do not; only those that are files, or are not, if that is given."""
    return [
        block
        for block in BLOCKS
        if block.language == language
        and (block.reason is None) == run
        and files in (None, block.title is not None)
        and (language, block.page) not in ILLUSTRATIONS
        and not (block.page.startswith(RECIPES) and language in ("js", "yaml"))
    ]


def select_pages(blocks: list[Block]) -> list[str]:
    return sorted({block.page for block in blocks})


def localize(code: str, mock: MockServer) -> str:
    """Replace the addresses that `duologue serve` listens on by those of a mock server, also of its namespaces."""
    code = code.replace(".localhost:3001", f".localhost:{mock.port}")
    return code.replace("http://localhost:3001", mock.origin).replace("http://localhost:3002", mock.chat_origin)


def write_files(folder: Path, files: list[Block], mock: MockServer | None = None) -> None:
    """Write blocks that are files into a folder, with the addresses of a mock server if there is one."""
    for file in files:
        assert file.title is not None
        path = folder / file.title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(localize(file.code, mock) if mock else file.code, "utf-8")

"""The site builds without a warning, its internal links resolve, and it needs no network."""

from __future__ import annotations

import html.parser
import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.pages import DOCS, ROOT


class PageParser(html.parser.HTMLParser):
    """Collects a page's anchors, its links, and what a browser loads for it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.anchors |= {attributes[name] for name in ("id", "name") if name in attributes}
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        elif tag == "link" and attributes.get("rel") in ("stylesheet", "icon", "preconnect", "preload", "dns-prefetch"):
            self.loaded.append(attributes["href"])
        elif "src" in attributes:
            self.loaded.append(attributes["src"])


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built from a copy, so that nothing is left in the working tree."""
    builder = Path(sys.executable).with_name("zensical")
    if not builder.exists() or importlib.util.find_spec("mkdocstrings_handlers") is None:
        pytest.skip("the packages of the documentation are not installed: pip install 'duologue[docs]'")
    copy = tmp_path_factory.mktemp("site")
    for name in ("docs", "client", "mockserver"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("zensical.toml", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, copy / name)
    done = subprocess.run([str(builder), "build", "--strict"], cwd=copy, capture_output=True, text=True, check=False)
    shown = done.stdout + done.stderr
    assert done.returncode == 0, shown
    assert not re.search(r"warning|griffe|error", shown, re.IGNORECASE), shown
    return copy / "site"


@pytest.fixture(scope="module")
def built(site: Path) -> dict[Path, PageParser]:
    return {path: PageParser(path.read_text("utf-8")) for path in site.rglob("*.html") if path.name != "404.html"}


def test_every_page_is_built(site: Path, built: dict[Path, PageParser]) -> None:
    pages = {path.relative_to(DOCS).with_suffix(".html") for path in DOCS.rglob("*.md")}
    assert {path.relative_to(site) for path in built} == pages


def test_internal_links_resolve(built: dict[Path, PageParser]) -> None:
    broken = []
    for path, page in built.items():
        for link in page.links + page.loaded:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            anchor = unquote(parts.fragment)
            if not target.exists() or (anchor and target in built and anchor not in built[target].anchors):
                broken.append(f"{path.name}: {link}")
    assert broken == []


def test_site_needs_no_network(built: dict[Path, PageParser]) -> None:
    """No page loads anything from another host."""
    assert [loaded for page in built.values() for loaded in page.loaded if urlsplit(loaded).netloc] == []


def test_navigation_has_every_page() -> None:
    """Every page is in the navigation, once."""

    def leaves(entries: list[dict[str, object]]) -> Iterator[str]:
        for entry in entries:
            for value in entry.values():
                yield from leaves(value) if isinstance(value, list) else [str(value)]

    navigation = list(leaves(tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]["nav"]))
    assert len(set(navigation)) == len(navigation)
    assert set(navigation) == {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}

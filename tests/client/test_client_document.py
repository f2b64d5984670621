"""The blocks of docs/client.md do what it says, and its numbers are the defaults."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from duologue import defaults
from duologue_mock import MockServer

TEXT = (Path(__file__).parents[2] / "docs" / "client.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=[f"block-{number}" for number in range(1, len(BLOCKS) + 1)])
def test_the_blocks_run(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with MockServer() as mock:
        monkeypatch.setenv("DUOLOGUE_BASE_URL", mock.base_url)
        monkeypatch.setenv("DUOLOGUE_CHAT_BASE_URL", mock.chat_base_url)
        exec(compile(block, "docs/client.md", "exec"), {})


@pytest.mark.parametrize(
    ("said", "default"),
    [
        (r"`retry_budget` \((\d+)\)", defaults.RETRY_BUDGET),
        (r"`deadline` \((\d+) s\)", defaults.DEADLINE),
        (r"\((\d+) MiB\)", defaults.MAX_RESPONSE_SIZE / 2**20),
        (r"at most (\d+) s;", defaults.MAX_RETRY_DELAY),
        (r"above (\d+) s,", defaults.MAX_RETRY_AFTER),
    ],
)
def test_its_numbers_are_the_defaults(said: str, default: float) -> None:
    (number,) = re.findall(said, TEXT)
    assert float(number) == default

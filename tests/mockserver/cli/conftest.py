"""`duologue serve` in this process, with a server that only records how it was started."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

import duologue_mock.server
from duologue_mock.cli.serve import serve
from duologue_mock.settings import SETTINGS

Invoke = Callable[..., "tuple[int, str]"]


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Run the command in this process; return its exit status and what it wrote on standard error."""
    monkeypatch.setattr("logging.basicConfig", lambda **_: None)

    def invoke(*options: str) -> tuple[int, str]:
        result = CliRunner().invoke(serve, options)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.stderr

    return invoke


class FakeServer:
    """Stands in for `MockServer`, and records its arguments."""

    def __init__(self) -> None:
        self.arguments: dict[str, Any] = {}

    def __call__(self, **arguments: Any) -> FakeServer:
        self.arguments = arguments
        SETTINGS.validate({name: value for name, value in arguments.items() if name in SETTINGS})
        return self

    def serve_forever(self, on_start: Callable[[], None]) -> None:
        self.on_start = on_start


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    server = FakeServer()
    monkeypatch.setattr(duologue_mock.server, "MockServer", server)
    return server

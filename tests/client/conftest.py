from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from duologue import Client
from tests.client.fakes import FakeClock, FakeTransport, Outcome
from tests.client.servers import ScriptedServer


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reads this machine's settings or leaves an id in its user's home."""
    for name in ("DUOLOGUE_API_KEY", "DUOLOGUE_BASE_URL", "DUOLOGUE_ACCESS_TOKEN", "DUOLOGUE_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DUOLOGUE_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def clients() -> Iterator[Callable[..., Client]]:
    """Creates clients that are closed after the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Client(**options))


@pytest.fixture
def serve() -> Iterator[Callable[..., ScriptedServer]]:
    """Starts servers that are stopped after the test."""
    with ExitStack() as stack:
        yield lambda *script, **options: stack.enter_context(ScriptedServer(*script, **options))


@pytest.fixture
def talk(clients: Callable[..., Client], clock: FakeClock) -> Callable[..., tuple[Client, FakeTransport]]:
    """Creates a client whose transport returns or raises these outcomes, one after the other."""

    def make(*outcomes: Outcome, **options: Any) -> tuple[Client, FakeTransport]:
        transport = FakeTransport(*outcomes)
        return clients(transport=transport, clock=clock, **options), transport

    return make

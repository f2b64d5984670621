from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psutil
import pytest

from duologue import Client
from tests.client.fakes import FakeClock
from tests.client.servers import Act, ScriptedServer


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    """After each test there are as many descriptors and threads as before: every connection was returned or closed."""
    gc.collect()
    before = psutil.Process().num_fds(), threading.active_count()
    yield
    gc.collect()
    for thread in threading.enumerate():
        if thread.name.startswith("duologue"):
            thread.join(5)
    assert (psutil.Process().num_fds(), threading.active_count()) <= before


@pytest.fixture
def serve(_nothing_left_behind: None) -> Iterator[Callable[..., ScriptedServer]]:
    """Starts servers that are stopped after the test."""
    with ExitStack() as stack:
        yield lambda *script, **options: stack.enter_context(ScriptedServer(*script, **options))


@pytest.fixture
def to(serve: Callable[..., ScriptedServer]) -> Iterator[Callable[..., tuple[Client, ScriptedServer]]]:
    """Makes a client of a server with this script; its waits for retries take no time."""
    with ExitStack() as stack:

        def make(*script: Act, **options: object) -> tuple[Client, ScriptedServer]:
            server = serve(*script)
            settings = {"base_url": server.origin, "chat_url": server.origin, "timeout": 5, "clock": FakeClock()}
            return stack.enter_context(Client(**{**settings, **options})), server  # type: ignore[arg-type]

        yield make

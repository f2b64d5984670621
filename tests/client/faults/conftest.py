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
    before = in_use()
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("duologue"):
            thread.join(5)
    if in_use() > before:
        gc.collect()  # takes its time, and is rarely needed: the last exception holds its frames
    assert in_use() <= before


def in_use() -> tuple[int, int]:
    return psutil.Process().num_fds(), threading.active_count()


@pytest.fixture
def to(serve: Callable[..., ScriptedServer]) -> Iterator[Callable[..., tuple[Client, ScriptedServer]]]:
    """Makes a client of a server with this script; its waits for retries take no time."""
    with ExitStack() as stack:

        def make(*script: Act, **options: object) -> tuple[Client, ScriptedServer]:
            server = serve(*script)
            settings = {"base_url": server.origin, "chat_base_url": server.origin, "timeout": 5, "clock": FakeClock()}
            return stack.enter_context(Client(**{**settings, **options})), server  # type: ignore[arg-type]

        yield make

"""The server in a time that can be moved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from duologue.conformance.limits.clock import ClockedServer
from duologue.conformance.session import watch
from duologue.conformance.target.administrators import Administrators
from duologue.conformance.target.facts import Facts
from duologue.conformance.target.target import Target


@pytest.fixture
def clocked(duologue_target: Target, facts: Facts, request: pytest.FixtureRequest) -> Iterator[ClockedServer]:
    """A namespace of the server, with a clock of its own."""
    server = ClockedServer(duologue_target.base_url, duologue_target.chat_base_url, duologue_target.api_key)
    with closing(replace(server, administrators=Administrators(server.anonymous, facts))) as clocked:
        watch(request.node, clocked)
        yield clocked

"""A state with the shipped fixtures, a clock that stands still, and a record of the published events."""

from __future__ import annotations

import pytest

from duologue_mock import Settings
from duologue_mock.handler_registry import Principal
from duologue_mock.store import State
from duologue_mock.store.clock import IdGenerator
from duologue_mock.store.seed import Fixtures
from duologue_mock.tokens import TokenService
from tests.mockserver.clocks import ManualClock
from tests.mockserver.event_recorder import EventRecorder


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def state(clock: ManualClock) -> State:
    """Users 1 (admin) and 2, and `anonymous-user`'s session with one message."""
    state = State(clock=clock, ids=IdGenerator(7))
    Fixtures().seed(state)
    return state


@pytest.fixture
def recorder(state: State) -> EventRecorder:
    """The events that the state publishes from here on."""
    return EventRecorder(state)


@pytest.fixture
def token_service() -> TokenService:
    return TokenService(Settings())


@pytest.fixture
def anonymous() -> Principal:
    """A platform caller who sent no token."""
    return Principal(key="127.0.0.1")


@pytest.fixture
def admin(state: State) -> Principal:
    return Principal(key="user:1", user=state.users.get("1"), login_id="login-1")


@pytest.fixture
def jane(state: State) -> Principal:
    """A known user without special rights."""
    return Principal(key="user:2", user=state.users.get("2"), login_id="login-2")


@pytest.fixture
def visitor() -> Principal:
    """The chat service's default user, who owns the fixture session."""
    return Principal(key="dev-api-key\x00anonymous-user", user_id="anonymous-user")


@pytest.fixture
def stranger() -> Principal:
    """Another user of the chat service."""
    return Principal(key="dev-api-key\x00stranger", user_id="stranger")

"""A state with the shipped fixtures, a clock that stands still, and an ear for what is announced."""

from __future__ import annotations

import pytest

from duologue_mock import Settings
from duologue_mock.handler_registry import Caller
from duologue_mock.seed import Fixtures
from duologue_mock.store import State
from duologue_mock.store.clock import Ids
from duologue_mock.tokens import Signer
from tests.mockserver.clocks import ManualClock
from tests.mockserver.ears import Ear


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def state(clock: ManualClock) -> State:
    """Users 1 (admin) and 2, and `anonymous-user`'s session with one message."""
    state = State(clock=clock, ids=Ids(7))
    Fixtures().seed(state)
    return state


@pytest.fixture
def heard(state: State) -> Ear:
    """What the state announces from here on."""
    return Ear(state)


@pytest.fixture
def signer() -> Signer:
    return Signer(Settings())


@pytest.fixture
def nobody() -> Caller:
    """A platform caller who sent no token."""
    return Caller(key="127.0.0.1")


@pytest.fixture
def admin(state: State) -> Caller:
    return Caller(key="user:1", user=state.users.get("1"), login_id="login-1")


@pytest.fixture
def jane(state: State) -> Caller:
    """A known user without special rights."""
    return Caller(key="user:2", user=state.users.get("2"), login_id="login-2")


@pytest.fixture
def visitor() -> Caller:
    """The chat service's default user, who owns the fixture session."""
    return Caller(key="dev-api-key\x00anonymous-user", user_id="anonymous-user")


@pytest.fixture
def stranger() -> Caller:
    """Another user of the chat service."""
    return Caller(key="dev-api-key\x00stranger", user_id="stranger")

"""`require_role` and `protected`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from duologue import (
    AuthenticationError,
    Client,
    PermissionDeniedError,
    protected,
    require_role,
)
from tests.client.auth.fake_platform import JANE, Platform, log_in
from tests.client.fakes import FakeTransport, reply

Talk = Callable[..., tuple[Client, FakeTransport]]


def test_require_role(talk: Talk, platform: Platform) -> None:
    api, _ = talk(platform)
    log_in(api)
    assert api.auth.require_role("admin").name == "John Doe"
    assert require_role(api.auth).name == "John Doe"


@pytest.mark.parametrize("role", ["admin", None])
def test_require_login(talk: Talk, role: None) -> None:
    api, net = talk(reply())
    with pytest.raises(AuthenticationError, match="Not logged in") as caught:
        api.auth.require_role(role)
    assert caught.value.status == 401
    assert caught.value.user_message == "Please log in to continue."
    assert net.requests == []


def test_require_other_role(talk: Talk) -> None:
    api, _ = talk(Platform(JANE))
    log_in(api)
    with pytest.raises(PermissionDeniedError, match="The role 'admin' is required") as caught:
        api.auth.require_role("admin")
    assert caught.value.status == 403
    assert caught.value.user_message == "You do not have permission to perform this action."


def test_protected(talk: Talk, platform: Platform) -> None:
    api, _ = talk(platform)
    done: list[int] = []

    @protected(api.auth, "admin")
    def double(number: int) -> int:
        """Double it."""
        done.append(number)
        return number * 2

    with pytest.raises(AuthenticationError):
        double(2)
    assert done == []
    log_in(api)
    assert double(2) == 4
    assert double.__doc__ == "Double it."

"""The contract's own parts: declarations, lazily built schemas, and the table of statuses and codes."""

from __future__ import annotations

import threading

import pytest

from duologue import Event
from duologue.contract import RESOURCES, chats, events, operations, users
from duologue.contract.errors import STATUS_CODES, ApiErrorType, get_error_type, get_status
from duologue.contract.lazy_property import lazy_property


def test_ids() -> None:
    """A declaration knows its module and its name there."""
    assert (users.CREATE.resource, users.CREATE.id, users.CREATED.id) == ("users", "users.CREATE", "users.CREATED")
    assert repr(chats.GET) == "<Operation chats.GET GET /chats-service/api/v1/chats/{id}>"
    ids = [declaration.id for declaration in (*operations(), *events())]
    assert len(set(ids)) == len(ids)
    assert {id.partition(".")[0] for id in ids} == set(RESOURCES)


def test_own_event() -> None:
    event = Event("order:shipped")
    assert event.payload.load({"id": 1}) == {"id": 1}
    assert event.payload.dump({"id": 1}) == {"id": 1}
    assert repr(event).endswith("order:shipped>")


def test_lazy_property() -> None:
    """It is computed on first use; threads that compute it at once get the same value."""
    together = threading.Barrier(2)

    class Thing:
        @lazy_property
        def value(self) -> object:
            together.wait(10)
            return object()

    thing = Thing()
    values: list[object] = []
    threads = [threading.Thread(target=lambda: values.append(thing.value)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert values == [thing.value] * 2


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (200, ApiErrorType.UNKNOWN_ERROR),
        (400, ApiErrorType.VALIDATION_ERROR),
        (418, ApiErrorType.VALIDATION_ERROR),
        (404, ApiErrorType.NOT_FOUND_ERROR),
        (500, ApiErrorType.SERVER_ERROR),
        (599, ApiErrorType.SERVER_ERROR),
    ],
)
def test_error_type(status: int, code: ApiErrorType) -> None:
    assert get_error_type(status) is code


def test_status_of_code() -> None:
    assert {get_status(code.value): code for code in STATUS_CODES.values()} == STATUS_CODES
    assert get_status("NETWORK_ERROR") is get_status("OWN") is get_status(7) is None

"""The calls that the fault tests make, and what each of their errors must have."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from duologue import (
    APIError,
    Client,
)
from tests.client.fakes import USER
from tests.client.faults.acts import (
    respond,
)
from tests.client.servers import Received, ScriptedServer

To = Callable[..., tuple[Client, ScriptedServer]]
Serve = Callable[..., ScriptedServer]

GOOD = respond(200, USER)


def get(api: Client) -> object:
    return api.users.get("1")


def create(api: Client) -> object:
    return api.users.create(name="John Doe", email="john@example.com")


def update(api: Client) -> object:
    return api.users.update("1", name="John Doe")


BOTH = pytest.mark.parametrize("call", [get, create], ids=["GET", "POST"])


def get_error(api: Client, call: Callable[[Client], object], kind: type[APIError]) -> APIError:
    """The error of a call, which carries what every error must."""
    with pytest.raises(APIError) as caught:
        call(api)
    error = caught.value
    assert type(error) is kind
    assert error.attempts
    assert error.request_id
    assert (error.method, error.path) in {("GET", "/users/1"), ("POST", "/users"), ("PUT", "/users/1")}
    assert error.elapsed >= 0
    assert error.__cause__ is error.__context__ is None
    return error


def is_one_call(requests: list[Received]) -> bool:
    """Whether these are the attempts of one call: one code, one key, one body, counted from 1."""
    codes = {request.headers["unique-reference-code"] for request in requests}
    keys = {request.headers.get("idempotency-key") for request in requests}
    numbers = [int(request.headers["x-attempt"]) for request in requests]
    return len(codes) == len(keys) == 1 and numbers == list(range(1, len(requests) + 1))


def get_all(api: Client, threads: int, times: int = 1) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(times):
                get(api)
        except BaseException as failure:
            failures.append(failure)

    working = [threading.Thread(target=work) for _ in range(threads)]
    for one in working:
        one.start()
    for one in working:
        one.join(60)
    assert failures == []

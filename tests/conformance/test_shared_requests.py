"""Requests that tests share, prepared once in a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from duologue.conformance.shared_requests import RESERVE, SharedRequests
from duologue.conformance.target.server import Server
from duologue.contract import Operation, auth, chats, operations, users
from duologue_mock import MockServer

INVALID = {"Idempotency-Key": ""}


def connect(mock: MockServer) -> Server:
    return Server(mock.base_url, mock.chat_base_url, mock.api_key)


@pytest.fixture
def mock() -> Iterator[MockServer]:
    with MockServer(rate_limit=None) as mock:
        yield mock


@pytest.fixture
def server(mock: MockServer) -> Iterator[Server]:
    with closing(connect(mock)) as server:
        yield server


def test_tests_share_a_request(mock: MockServer) -> None:
    shared, paths = SharedRequests(), []
    for _ in range(2):
        with closing(connect(mock)) as server:
            request = shared.get(server, chats.RENAME)
            paths.append(request.path)
            assert request.send(headers=INVALID).status_code == 400
            assert server.record.requests[-1].status == 400

    assert paths[0] == paths[1]


def test_token_is_not_shared(server: Server) -> None:
    shared = SharedRequests()

    headers = [shared.get(server, auth.ME).api.headers["Authorization"] for _ in range(2)]

    assert headers[0] != headers[1]


@pytest.mark.parametrize("operation", [users.DELETE, chats.DELETE, chats.RENAME], ids=lambda one: one.id)
def test_what_was_changed_is_not_shared(server: Server, operation: Operation[Any]) -> None:
    shared = SharedRequests()
    request = shared.get(server, operation)

    assert request.send().status_code < 400

    assert shared.get(server, operation).path != request.path


def test_caller_who_is_nearly_over_the_limit_is_not_shared() -> None:
    shared = SharedRequests()
    with MockServer(rate_limit=RESERVE + 1) as mock, closing(connect(mock)) as server:
        request = shared.get(server, chats.LIST)
        assert shared.get(server, chats.LIST).api.headers["x-user-id"] == request.api.headers["x-user-id"]
        for _ in range(2):
            request.send()

        assert shared.get(server, chats.LIST).api.headers["x-user-id"] != request.api.headers["x-user-id"]


def test_all_is_removed(server: Server) -> None:
    before = server.platform.get("/users").json()["users"]
    shared = SharedRequests()
    for operation in operations():
        shared.get(server, operation)
    session = shared.get(server, chats.GET)
    assert session.send().status_code == 200
    server.record.clean_up()

    assert shared.remove_created(server) == []

    assert session.send().status_code == 404
    assert server.platform.get("/users").json()["users"] == before

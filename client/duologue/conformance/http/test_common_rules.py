"""What holds for every call of both services."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from duologue.conformance import sources
from duologue.conformance.rules import rule
from duologue.conformance.shared_requests import Share
from duologue.conformance.target.caller import TIMEOUT
from duologue.conformance.target.examples import create_session, each, each_case, each_service
from duologue.conformance.target.raw import read_response
from duologue.conformance.target.responses import check_error
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import unique
from duologue.contract import CHAT, Operation, operations

# Where it listens


@rule(
    "services.both",
    "Both origins serve both services.",
    source=sources.SERVICES,
    needs=["caller"],
    stage=3,
    reads_only=True,
)
@each_service
def test_both_ports(server: Server, service: str) -> None:
    origin = server.at_origin(service)
    identity = {**server.chat.headers, "Unique-Reference-Code": unique("urc")}

    assert origin.get("/api/users", headers=server.platform.headers).status_code == 200
    assert origin.get("/chats-service/api/v1/chats", headers=identity).status_code == 200


@rule(
    "services.loopback",
    "A server on this machine is reached over IPv4.",
    source=sources.SERVICES,
    stage=3,
    needs=["local"],
    reads_only=True,
)
@each_service
def test_ipv4_loopback(server: Server, service: str) -> None:
    _check_health_at(server, service, "127.0.0.1")


@rule(
    "services.loopback-ipv6",
    "A server on this machine is reached over IPv6 too.",
    source=sources.SERVICES,
    stage=3,
    needs=["local", "ipv6"],
    reads_only=True,
)
@each_service
def test_ipv6_loopback(server: Server, service: str) -> None:
    _check_health_at(server, service, "::1")


def _check_health_at(server: Server, service: str, address: str) -> None:
    parts = urlsplit(server.at_origin(service).url)
    with socket.create_connection((address, parts.port or 80), TIMEOUT) as connection:
        connection.sendall(f"GET /api/health HTTP/1.1\r\nHost: localhost:{parts.port}\r\n\r\n".encode())
        assert read_response(connection).status_code == 200


# Numbers in queries

PAGED = [operation for operation in operations() if operation.query and "limit" in operation.query.fields]
BAD_NUMBERS = [
    "",
    "0",
    "-1",
    "1e3",
    "abc",
    "1.0",
    "+1",
    " 1",
    "1 ",
    "0x10",
    "٣",
    "１",
    "1,000",
    "NaN",
    "9" * 30,
    "1%00",
]


@rule(
    "query.numbers-invalid",
    "A page or limit that is not a whole number within its bounds, or is given twice, is 400 and is the "
    "only one named.",
    source=sources.REQUESTS,
    stage=3,
    needs=["admin"],
)
@each_case(
    "query",
    [
        *("page=0", "limit=0", "limit=101", "page=abc", "limit="),
        *(f"{name}={value}" for name in ("page", "limit") for value in BAD_NUMBERS),
        *("limit=1&limit=2", "page=1&page=1"),
    ],
    *PAGED,
    everywhere=3,
    statuses=[400],
)
def test_invalid_page_or_limit(share: Share, operation: Operation[Any], query: str) -> None:
    name = query.partition("=")[0]

    complaints = check_error(share(operation).send(query=query.replace("+", "%2B").replace(" ", "%20")), 400)

    assert set(complaints["details"]["fields"]) == {name}


@rule(
    "query.numbers",
    "Every page from 1 and every limit from 1 to 100 is accepted, and unknown parameters are ignored.",
    source=sources.REQUESTS,
    stage=3,
    needs=["admin"],
)
@each(*PAGED, statuses=[200])
@pytest.mark.parametrize(
    "query",
    ["limit=1", "limit=100", "page=1", "page=1000000", "page=1&limit=100",
     "unknown=1", "unknown=1&unknown=2", "ids[]=1&ids[]=2", "ids%5B%5D=1&ids%5B%5D=2", "unknown=%ff&%ff=1"],
    ids=ascii,
)  # fmt: skip
def test_page_and_limit_bounds(share: Share, operation: Operation[Any], query: str) -> None:
    assert share(operation).send(query=query).status_code == 200


# The contract, as the server describes it


@rule(
    "openapi.operations",
    "The OpenAPI document describes every operation, and no other.",
    source=sources.SERVICES,
    stage=3,
    needs=["openapi"],
    reads_only=True,
)
@each_service
def test_openapi_document(server: Server, service: str) -> None:
    document = server.at_origin(service).get("/openapi.json").json()

    assert document["openapi"].startswith("3.1")
    described = {(path, method.upper()) for path, item in document["paths"].items() for method in item}
    assert {(operation.route, operation.method) for operation in operations()} == described


@rule(
    "services.same-data",
    "Both origins serve the same data.",
    source=sources.SERVICES,
    stage=3,
)
def test_chat_on_platform_port(server: Server) -> None:
    chat = server.chat
    session = create_session(chat)
    identity = {**chat.headers, "Unique-Reference-Code": unique("urc")}

    response = server.at_origin("platform").get(f"{CHAT.prefix}/chats/{session}", headers=identity)

    assert response.json()["data"]["_id"] == session

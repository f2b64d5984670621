"""The setting `max_request_size`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from duologue.conformance.realtime.raw_socket import RawSocket
from duologue.conformance.target.examples import create_user
from duologue.conformance.target.listener import Listen
from duologue.conformance.target.raw import is_closed, open_connection, read_response
from duologue.conformance.target.responses import check_error, read_data
from duologue.conformance.target.server import Server

HEAD = "POST /api/users HTTP/1.1\nHost: {host}\nContent-Type: application/json\n"


@pytest.mark.slow
def test_long_chunked_body(serve: Callable[..., Server]) -> None:
    server = serve(max_request_size=1000)
    host = urlsplit(server.platform_origin).netloc
    with open_connection(server.platform_origin) as connection:
        head = HEAD.replace("{host}", host).replace("\n", "\r\n")
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        connection.sendall((b"64\r\n" + b" " * 100 + b"\r\n") * 11)

        check_error(read_response(connection), 413)
        assert is_closed(connection)
    assert server.platform.get("/health").status_code == 200


@pytest.mark.parametrize(("size", "status"), [(1000, 201), (1001, 413)])
def test_exact_body_limit(serve: Callable[..., Server], size: int, status: int) -> None:
    chat = serve(max_request_size=1000).chat
    text = b'{"title": "Exact"}'

    response = chat.post("/chats", text + b" " * (size - len(text)))

    if status == 201:
        read_data(response, 201)
    else:
        check_error(response, 413)


def test_large_packet(serve: Callable[..., Server], listen: Listen) -> None:
    server = serve(max_request_size=10_000)
    other = listen(server.platform_origin)

    with closing(RawSocket(server.platform_origin)) as raw:
        raw.socket.send('420["nope","' + "x" * 100_000 + '"]')
        assert raw.is_answered()

    user = create_user(server.platform)
    other.wait_for("user:created", userId=user["id"])

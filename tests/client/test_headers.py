"""`validate_headers`: what a chat call must carry."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from duologue import Client, validate_headers
from tests.client.fakes import SESSION, FakeTransport, enveloped

Talk = Callable[..., tuple[Client, FakeTransport]]


def test_headers_of_call(talk: Talk) -> None:
    api, net = talk(enveloped(SESSION))
    api.chats.get("1")
    assert validate_headers(net.last.headers)


GOOD = {"x-api-key": "k", "Unique-Reference-Code": "urc-1", "x-user-id": "u"}


@pytest.mark.parametrize(
    ("headers", "complete"),
    [
        (GOOD, True),
        ({name.upper(): value for name, value in GOOD.items()}, True),
        ({**GOOD, "x-user-id": ""}, False),
        ({**GOOD, "x-api-key": " \t"}, False),
        ({"x-api-key": "k", "x-user-id": "u"}, False),
        ({}, False),
    ],
)
def test_validate_headers(headers: dict[str, str], complete: bool) -> None:
    assert validate_headers(headers) is complete

"""Socket.IO over polling: requests and payloads that cannot be served."""

from __future__ import annotations

import json

import pytest
import requests

from duologue.conformance import sources
from duologue.conformance.rules import rule
from duologue.conformance.target.responses import check_error
from duologue.conformance.target.server import Server


@rule(
    "events.polling-invalid",
    "A polling request that cannot be served is refused with the error body.",
    source=sources.REALTIME,
    stage=4,
    needs=["events"],
    reads_only=True,
)
@pytest.mark.parametrize(
    "query", ["EIO=3&transport=polling", "transport=polling", "EIO=4&transport=carrier-pigeon", "",
              "EIO=4&transport=polling&sid=unknown", "EIO=4&transport=websocket"],
)  # fmt: skip
def test_broken_polling_request(server: Server, query: str) -> None:
    response = server.at_origin("platform").get("/socket.io/", query=query)

    assert 400 <= response.status_code < 500
    check_error(response, response.status_code)


class _Polling:
    """A bare connection over polling that has done both handshakes."""

    def __init__(self, server: Server) -> None:
        self._api = server.at_origin("platform")
        self._query = "EIO=4&transport=polling"
        self._query += f"&sid={json.loads(self.read()[1:])['sid']}"
        auth = server.default_auth
        assert self.send("40" + ("" if auth is None else json.dumps(auth))).status_code == 200
        assert self.read().startswith("40{")

    def send(self, payload: str) -> requests.Response:
        return self._api.post(
            "/socket.io/", payload.encode(), query=self._query, headers={"Content-Type": "text/plain"}
        )

    def read(self) -> str:
        return self._api.get("/socket.io/", query=self._query).text


BAD_PAYLOADS = {
    "no packets": "hello",
    "no base64": "b!!!",
    "nothing": "",
    "good and bad": '421["nope"]\x1ehello',
    "no event": "42[",
    "too large": '421["nope","' + "x" * 6_000_000 + '"]',
}


@rule(
    "events.payload-invalid",
    "A malformed payload is refused with the error body, or ends its own connection.",
    source=sources.REALTIME,
    needs=["caller", "events"],
    stage=4,
)
@pytest.mark.parametrize("payload", BAD_PAYLOADS.values(), ids=BAD_PAYLOADS)
def test_bad_polling_payload(server: Server, payload: str) -> None:
    polling = _Polling(server)

    response = polling.send(payload)

    if response.status_code == 200:
        assert polling.read()
    else:
        assert response.status_code < 500
        check_error(response, response.status_code)


@rule(
    "events.payload-many",
    "Any number of packets may come in one payload.",
    source=sources.REALTIME,
    needs=["caller", "events"],
    stage=4,
)
def test_many_events_in_payload(server: Server) -> None:
    polling = _Polling(server)

    assert polling.send("\x1e".join(f'42{number}["nope"]' for number in range(30))).status_code == 200

    packets = ""
    while "4329[" not in packets:
        packets += polling.read() + "\x1e"
    assert all(f"43{number}[" in packets for number in range(30))

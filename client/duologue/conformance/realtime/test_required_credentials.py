"""Handshakes on a server that requires credentials."""

from __future__ import annotations

import pytest

from duologue.conformance import sources
from duologue.conformance.rules import rule
from duologue.conformance.target.listener import WAYS, Listen, RefusedError
from duologue.conformance.target.responses import check_error_body


@rule(
    "events.credentials-required",
    "A server that requires a token over HTTP admits no Socket.IO client without credentials.",
    source=sources.REALTIME,
    stage=4,
    needs=["closed", "events"],
)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("auth", [None, {}], ids=["none", "empty"])
def test_handshake_without_credentials(listen: Listen, auth: dict[str, str] | None, way: list[str]) -> None:
    with pytest.raises(RefusedError) as caught:
        listen(auth=auth, transports=way)

    assert caught.value.payload["message"] == "Unauthorized"
    check_error_body(caught.value.payload["data"], 401)

"""Health of both services, and errors on request."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from duologue.conformance import sources
from duologue.conformance.rules import covers, rule
from duologue.conformance.target.caller import Api
from duologue.conformance.target.responses import TIMESTAMP, check_error
from duologue.conformance.target.server import Server
from duologue.contract import health

NAMED = {status.value for status in HTTPStatus}
STATUSES = [status for status in range(400, 600) if status % 50 in (0, 49) or status in NAMED]
"""Those with a name, and some without."""


@rule(
    "health.PLATFORM.ok",
    "Health of the platform returns status ok and the time.",
    source=sources.PLATFORM_HEALTH,
    stage=1,
    reads_only=True,
    quick=True,
)
@covers(health.PLATFORM, 200)
def test_platform(platform: Api) -> None:
    response = platform.get("/health")

    assert response.status_code == 200
    body = response.json()
    assert set(body) >= {"status", "timestamp"}
    assert body["status"] == "ok"
    assert TIMESTAMP.fullmatch(body["timestamp"])


@rule(
    "health.CHATS.ok",
    "Health of the chat service returns status ok, the time, a version and the uptime in seconds, with or "
    "without an API key.",
    source=sources.CHAT_HEALTH,
    stage=1,
    reads_only=True,
    quick=True,
)
@covers(health.CHATS, 200)
@pytest.mark.parametrize("with_key", [True, False])
def test_chat_service(server: Server, with_key: bool) -> None:
    response = server.chat.get("/health", headers=_nothing_but(server.api_key if with_key else None))

    assert response.status_code == 200
    body = response.json()
    assert set(body) == {"status", "timestamp", "version", "uptime"}
    assert body["status"] == "ok"
    assert TIMESTAMP.fullmatch(body["timestamp"])
    assert body["version"]
    assert body["uptime"] >= 0


@rule(
    "health.CHATS.api-key",
    "A wrong or blank API key is 401 on health, since clients validate their key by it.",
    source=sources.CHAT_HEALTH,
    reads_only=True,
    quick=True,
)
@covers(health.CHATS, 401)
@pytest.mark.parametrize("key", ["", "wrong"], ids=ascii)
def test_invalid_api_key(chat: Api, key: str) -> None:
    check_error(chat.get("/health", headers=_nothing_but(key)), 401)


def _nothing_but(key: str | None) -> dict[str, str | None]:
    return {"x-api-key": key, "x-user-id": None, "Unique-Reference-Code": None}


@rule(
    "health.ERROR.default",
    "Without a status, the requested error is 500.",
    source=sources.PLATFORM_HEALTH,
    reads_only=True,
)
@covers(health.ERROR, 500)
def test_default_error(platform: Api) -> None:
    check_error(platform.get("/error"), 500)


@rule(
    "health.ERROR.every-status",
    "Every status from 400 to 599 is returned on request, with the error body.",
    source=sources.PLATFORM_HEALTH,
    reads_only=True,
)
@covers(health.ERROR, *STATUSES)
def test_requested_error(platform: Api) -> None:
    for status in STATUSES:
        check_error(platform.get("/error", query={"status": status}), status)


@rule(
    "health.ERROR.invalid",
    "A requested status outside 400 to 599, or that is not a number, is 400 and named.",
    source=sources.PLATFORM_HEALTH,
    reads_only=True,
)
@pytest.mark.parametrize("status", ["", "200", "399", "600", "0", "-1", "abc", "4e2", "5OO", "500.0"])
def test_invalid_status(platform: Api, status: str) -> None:
    check_error(platform.get("/error", query={"status": status}), 400, "status")


@rule(
    "health.ERROR.ignores-token",
    "Errors on request ignore credentials.",
    source=sources.PLATFORM_HEALTH,
    reads_only=True,
)
def test_error_without_token(platform: Api) -> None:
    check_error(platform.with_token("garbage").get("/error", query={"status": 418}), 418)

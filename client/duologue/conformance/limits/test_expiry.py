"""What ends after a time: tokens, the memory of idempotency keys, the minute of a rate limit."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import pytest
import requests

from duologue.conformance import sources
from duologue.conformance.http.idempotency import check_replay, with_key
from duologue.conformance.limits.budget import Budget
from duologue.conformance.limits.clock import ClockedServer
from duologue.conformance.resources.json_web_token import read_claims
from duologue.conformance.rules import rule
from duologue.conformance.target.examples import PASSWORD, log_in
from duologue.conformance.target.responses import check_error, read_data
from duologue.conformance.target.server import Server

DAY = 24 * 3600


@rule(
    "auth.expires-in",
    "A token lives as long as expiresIn says, whether it comes from a login or a refresh: its exp is so many seconds "
    "after its iat, or after the response.",
    source=sources.AUTHENTICATION,
    stage=3,
    needs=["admin"],
    quick=True,
)
def test_expires_in(server: Server) -> None:
    credentials = {"email": log_in(server)["user"]["email"], "password": PASSWORD}

    login = server.platform.post("/auth/login", credentials)
    refreshed = server.platform.post("/auth/refresh", {"refreshToken": login.json()["refreshToken"]})

    for response in (login, refreshed):
        assert response.status_code == 200
        claims = read_claims(response.json()["token"])
        issued = claims.get("iat", parsedate_to_datetime(response.headers["Date"]).timestamp())
        assert claims["exp"] - issued == pytest.approx(response.json()["expiresIn"], abs=1.5)


@rule(
    "auth.token-expired",
    "A token is accepted until its time is over, and refused with 401 from then on; the refresh token gets a new one.",
    source=sources.AUTHENTICATION,
    stage=3,
    needs=["admin", "clock"],
)
def test_expired_token(clocked: ClockedServer) -> None:
    login = log_in(clocked)
    caller = clocked.platform.with_token(login["token"])

    clocked.advance(max(0, login["expiresIn"] - 30) if login["expiresIn"] > 60 else login["expiresIn"] / 2)
    assert caller.get("/auth/me").status_code == 200
    clocked.advance(login["expiresIn"] + 1)

    for path in ("/auth/me", "/users"):
        assert 'error="invalid_token"' in _check_refused(caller.get(path)).headers["WWW-Authenticate"]
    refreshed = clocked.platform.post("/auth/refresh", {"refreshToken": login["refreshToken"]})
    assert refreshed.status_code == 200
    assert clocked.platform.with_token(refreshed.json()["token"]).get("/auth/me").json() == login["user"]


def _check_refused(response: requests.Response) -> requests.Response:
    check_error(response, 401)
    return response


@rule(
    "idempotency.kept-for-a-day",
    "A request is replayed under its key for 24 hours.",
    source=sources.IDEMPOTENCY,
    stage=3,
    needs=["clock"],
)
def test_key_is_kept(clocked: ClockedServer) -> None:
    chat, headers = clocked.chat, with_key()
    first = chat.post("/chats", {"title": "Once"}, headers=headers)

    for hours in (2, 21.9):
        clocked.advance(hours * 3600)
        check_replay(first, chat.post("/chats", {"title": "Once"}, headers=headers))

    assert len(read_data(chat.get("/chats"))) == 1


@rule(
    "idempotency.forgotten-after-a-day",
    "A key is forgotten after 24 hours: then it may be used for another request.",
    source=sources.IDEMPOTENCY,
    stage=3,
    needs=["clock"],
)
def test_key_is_forgotten(clocked: ClockedServer) -> None:
    chat, headers = clocked.chat, with_key()
    chat.post("/chats", {"title": "First"}, headers=headers)
    clocked.advance(DAY + 60)

    again = chat.post("/chats", {"title": "Second"}, headers=headers)

    assert read_data(again, 201)["title"] == "Second"
    assert "Idempotency-Replayed" not in again.headers
    assert len(read_data(chat.get("/chats"))) == 2


@rule(
    "rate-limit.renewed",
    "RateLimit-Reset counts down, whatever is requested meanwhile, and once it is over all requests are there again.",
    source=sources.RATE_LIMITS,
    stage=3,
    needs=["clock", "rate-limit"],
)
def test_rate_limit_is_renewed(clocked: ClockedServer) -> None:
    chat = clocked.chat
    first = Budget.read(chat.get("/chats"))

    clocked.advance(first.reset / 2)
    halfway = Budget.read(chat.get("/chats"))
    clocked.advance(halfway.reset)
    renewed = Budget.read(chat.get("/chats"))

    assert halfway.reset <= first.reset / 2 + 1
    assert renewed.remaining == renewed.limit - 1

"""Idempotency keys: what is replayed, what is refused, for how long, and how many are kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from duologue_mock.errors import HTTPError
from duologue_mock.http.idempotency import LIFETIME, MAX_KEYS, Claim, IdempotencyKeys
from duologue_mock.http.messages import Response
from tests.mockserver.clocks import ManualClock
from tests.mockserver.http_errors import raises_http_error
from tests.mockserver.requests import build_request

MADE = Response(201, [("Content-Type", "application/json"), ("Location", "/x")], b'{"id": 1}')


@pytest.fixture
def keys(clock: ManualClock) -> IdempotencyKeys:
    return IdempotencyKeys(clock)


def claim_or_replay(
    keys: IdempotencyKeys,
    key: str = "k",
    *,
    principal: str = "ann",
    method: str = "POST",
    path: str = "/api/users",
    body: bytes = b"{}",
) -> tuple[Claim | None, Response | None]:
    sent = build_request(method, path, idempotency_key=key)
    sent.body = body
    return keys.claim(sent, principal)


def start_claim(keys: IdempotencyKeys, key: str = "k", **more: str) -> Claim:
    claim, reply = claim_or_replay(keys, key, **more)  # type: ignore[arg-type]  # texts all
    assert claim is not None
    assert reply is None
    return claim


def test_no_key(keys: IdempotencyKeys) -> None:
    assert keys.claim(build_request("POST", "/api/users"), "ann") == (None, None)


def test_replay(keys: IdempotencyKeys) -> None:
    start_claim(keys).complete(MADE)
    for _ in range(3):
        claim, reply = claim_or_replay(keys)
        assert claim is None
        assert reply is not None
        assert (reply.status, reply.body) == (201, MADE.body)
        assert reply.headers == [*MADE.headers, ("Idempotency-Replayed", "true")]


def test_stored_response_is_a_copy(keys: IdempotencyKeys) -> None:
    reply = Response(201, [("A", "1")], b"x")
    start_claim(keys).complete(reply)
    reply.headers.append(("B", "2"))
    reply.body = b"y"
    _, replayed = claim_or_replay(keys)
    assert replayed is not None
    assert (replayed.body, replayed.headers) == (b"x", [("A", "1"), ("Idempotency-Replayed", "true")])


@pytest.mark.parametrize("settled", [True, False])
def test_other_body(keys: IdempotencyKeys, settled: bool) -> None:
    claim = start_claim(keys)
    if settled:
        claim.complete(MADE)
    with pytest.raises(HTTPError) as caught:
        claim_or_replay(keys, body=b'{"other": 1}')
    assert (caught.value.status, caught.value.code) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_key_in_progress(keys: IdempotencyKeys) -> None:
    claim = start_claim(keys)
    with raises_http_error(409):
        claim_or_replay(keys)
    claim.complete(MADE)
    assert claim_or_replay(keys)[1] is not None


@pytest.mark.parametrize(
    "other",
    [{"principal": "bob"}, {"method": "PATCH"}, {"path": "/api/users/1"}, {"key": "K"}, {"key": "k2"}],
    ids=str,
)
def test_other_request(keys: IdempotencyKeys, other: dict[str, str]) -> None:
    """Another caller, method, path or key makes another claim."""
    start_claim(keys).complete(MADE)
    start_claim(keys, **other)


@pytest.mark.parametrize("status", [200, 204, 400, 404, 409, 412, 429, 499])
def test_stored_statuses(keys: IdempotencyKeys, status: int) -> None:
    start_claim(keys).complete(Response(status, []))
    _, replayed = claim_or_replay(keys)
    assert replayed is not None
    assert replayed.status == status


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_server_error_is_not_stored(keys: IdempotencyKeys, status: int) -> None:
    start_claim(keys).complete(Response(status, []))
    start_claim(keys)


def test_released_claim(keys: IdempotencyKeys) -> None:
    start_claim(keys).release()
    start_claim(keys)


@pytest.mark.parametrize("key", ["", " ", "\t", "k" * 256])
def test_malformed_key(keys: IdempotencyKeys, key: str) -> None:
    with raises_http_error(400, "Idempotency-Key"):
        claim_or_replay(keys, key)


def test_longest_key(keys: IdempotencyKeys) -> None:
    start_claim(keys, "k" * 255)


@pytest.mark.parametrize(
    ("age", "replayed"), [(0, True), (LIFETIME - 1, True), (LIFETIME, False), (LIFETIME * 3, False)]
)
def test_lifetime(keys: IdempotencyKeys, clock: ManualClock, age: float, replayed: bool) -> None:
    start_claim(keys).complete(MADE)
    clock.advance(age)
    assert (claim_or_replay(keys)[1] is not None) == replayed


def test_lifetime_starts_at_first_use(keys: IdempotencyKeys, clock: ManualClock) -> None:
    start_claim(keys).complete(MADE)
    clock.advance(LIFETIME - 1)
    assert claim_or_replay(keys)[1] is not None
    clock.advance(1)
    start_claim(keys)


def test_expired_key(keys: IdempotencyKeys, clock: ManualClock) -> None:
    start_claim(keys).complete(MADE)
    clock.advance(LIFETIME)
    claim, _ = claim_or_replay(keys, body=b'{"other": 1}')
    assert claim is not None


def test_oldest_key_is_dropped(keys: IdempotencyKeys) -> None:
    for number in range(MAX_KEYS + 5):
        start_claim(keys, str(number)).complete(MADE)
    assert len(keys._entries) == MAX_KEYS
    assert claim_or_replay(keys, str(MAX_KEYS + 4))[1] is not None
    assert claim_or_replay(keys, "5")[1] is not None
    assert claim_or_replay(keys, "4")[0] is not None


def test_expired_keys_are_dropped(keys: IdempotencyKeys, clock: ManualClock) -> None:
    for number in range(100):
        start_claim(keys, str(number)).complete(MADE)
    clock.advance(LIFETIME)
    start_claim(keys, "new")
    assert len(keys._entries) == 1


@pytest.mark.parametrize(
    "act", [lambda claim: claim.complete(MADE), lambda claim: claim.release()], ids=["settle", "release"]
)
def test_dropped_claim(keys: IdempotencyKeys, clock: ManualClock, act: Callable[[Claim], None]) -> None:
    """A request that takes more than a day ends while another one holds the key."""
    late = start_claim(keys)
    clock.advance(LIFETIME)
    current = start_claim(keys)
    act(late)
    with raises_http_error(409):
        claim_or_replay(keys)
    current.complete(Response(200, [], b"current"))
    _, replayed = claim_or_replay(keys)
    assert replayed is not None
    assert replayed.body == b"current"

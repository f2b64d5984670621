"""Idempotency keys: what is replayed, what is refused, for how long, and how many are kept."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from duologue.contract import operations
from duologue_mock.errors import HTTPError
from duologue_mock.handler_registry import Progress
from duologue_mock.http.idempotency import LIFETIME, MAX_KEYS, MAX_SIZE, Claim, IdempotencyKeys
from duologue_mock.http.messages import Response
from duologue_mock.http.routing import Routes
from tests.mockserver.clocks import ManualClock
from tests.mockserver.http_errors import raises_http_error
from tests.mockserver.requests import build_request

ROUTES = Routes(operations())
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
    path: str = "/chats-service/api/v1/chats/1/messages",
    body: bytes = b"{}",
) -> tuple[Claim | None, Response | None]:
    sent = build_request(method, path, idempotency_key=key)
    sent.body = body
    match = ROUTES.find(path)
    assert match is not None
    sent.operation, sent.args = match[0][method], match[1]
    return keys.claim(sent, principal)


def start_claim(keys: IdempotencyKeys, key: str = "k", **more: Any) -> Claim:
    claim, reply = claim_or_replay(keys, key, **more)
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
    with raises_http_error(422) as caught:
        claim_or_replay(keys, body=b'{"other": 1}')
    assert caught.value.code == "IDEMPOTENCY_KEY_REUSED"
    assert "another body" in caught.value.message
    assert "new key" in str(caught.value.hint)


def test_key_in_progress(keys: IdempotencyKeys) -> None:
    claim = start_claim(keys)
    with raises_http_error(409, "Idempotency-Key") as caught:
        claim_or_replay(keys)
    assert "in progress" in caught.value.message
    assert caught.value.reasons == ["Idempotency-Key: Still in progress; try again."]
    assert ("Retry-After", "1") in caught.value.headers
    claim.complete(MADE)
    assert claim_or_replay(keys)[1] is not None


@pytest.mark.parametrize(
    "other",
    [
        {"principal": "bob"},
        {"path": "/chats-service/api/v1/chats/1", "method": "PATCH"},
        {"path": "/chats-service/api/v1/chats/2/messages"},
        {"path": "/chats-service/api/v1/chats/1/smart-chat"},
        {"key": "K"},
        {"key": "k2"},
    ],
    ids=str,
)
def test_other_request(keys: IdempotencyKeys, other: dict[str, str]) -> None:
    """Another caller, operation, path or key makes another claim."""
    start_claim(keys).complete(MADE)
    start_claim(keys, **other)


def test_path_with_slash(keys: IdempotencyKeys) -> None:
    start_claim(keys, path="/chats-service/api/v1/chats").complete(MADE)
    assert claim_or_replay(keys, path="/chats-service/api/v1/chats/")[1] is not None


@pytest.mark.parametrize("status", [200, 204, 400, 404, 409, 499])
def test_stored_statuses(keys: IdempotencyKeys, status: int) -> None:
    start_claim(keys).complete(Response(status, []))
    _, replayed = claim_or_replay(keys)
    assert replayed is not None
    assert replayed.status == status


@pytest.mark.parametrize("status", [401, 408, 412, 429, 500, 502, 503, 504, 599])
def test_not_stored_statuses(keys: IdempotencyKeys, status: int) -> None:
    start_claim(keys).complete(Response(status, []))
    start_claim(keys)


def test_released_claim(keys: IdempotencyKeys) -> None:
    start_claim(keys).release()
    assert start_claim(keys, body=b"other").progress == Progress()


def test_stored_error_traceback(keys: IdempotencyKeys) -> None:
    """It would keep the request, its body and its connection for a day."""
    with pytest.raises(HTTPError) as caught:
        raise HTTPError(409, "Taken", fields={"email": ["Taken."]}, headers=[("A", "1")])
    start_claim(keys).complete(Response(409, [], b"{}", error=caught.value))
    _, replayed = claim_or_replay(keys)
    assert replayed is not None
    assert replayed.error is not None
    assert replayed.error.__traceback__ is None
    assert vars(replayed.error) == vars(caught.value)


# --- an attempt that broke off


def break_off(keys: IdempotencyKeys, message_id: str = "m-1") -> None:
    claim = start_claim(keys)
    claim.progress.message_id = message_id
    claim.release()


def test_earlier_attempt_progress(keys: IdempotencyKeys) -> None:
    break_off(keys)
    again = start_claim(keys)
    assert again.progress == Progress("m-1")
    with raises_http_error(409):
        claim_or_replay(keys)
    again.complete(MADE)
    assert claim_or_replay(keys)[1] is not None


def test_other_body_after_break(keys: IdempotencyKeys) -> None:
    break_off(keys)
    with raises_http_error(422):
        claim_or_replay(keys, body=b'{"other": 1}')


def test_progress_expires(keys: IdempotencyKeys, clock: ManualClock) -> None:
    break_off(keys)
    clock.advance(LIFETIME)
    assert start_claim(keys).progress == Progress()


@pytest.mark.parametrize(
    ("key", "reason"),
    [*((blank, "Must not be blank.") for blank in ("", " ", "\t")), ("k" * 256, "Must be at most 255 characters.")],
)
def test_malformed_key(keys: IdempotencyKeys, key: str, reason: str) -> None:
    with raises_http_error(400) as caught:
        claim_or_replay(keys, key)
    assert caught.value.fields == {"Idempotency-Key": [reason]}


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
    assert claim_or_replay(keys, str(MAX_KEYS + 4))[1] is not None
    assert claim_or_replay(keys, "5")[1] is not None
    assert claim_or_replay(keys, "4")[0] is not None


LARGE = MAX_SIZE // 3


@pytest.mark.parametrize(
    "large",
    [Response(201, [], b"x" * LARGE), Response(201, [("A", "x" * LARGE)]), Response(201, [("x" * LARGE, "A")])],
    ids=["body", "value", "name"],
)
def test_largest_are_bounded(keys: IdempotencyKeys, large: Response) -> None:
    """Large responses are forgotten before they fill the memory, the oldest first; the latest is always stored."""
    for number in range(4):
        start_claim(keys, str(number)).complete(large)
    assert [claim_or_replay(keys, str(number))[1] is not None for number in (3, 2, 1)] == [True, True, False]
    start_claim(keys, "huge").complete(Response(201, [], b"x" * MAX_SIZE))
    assert claim_or_replay(keys, "huge")[1] is not None
    assert claim_or_replay(keys, "3")[0] is not None


def test_freed_space_is_used_again(keys: IdempotencyKeys) -> None:
    for _ in range(10):
        break_off(keys)
    for number in range(3):
        start_claim(keys, str(number)).complete(Response(201, [], b"x" * (MAX_SIZE // 4)))
    assert claim_or_replay(keys, "0")[1] is not None


def test_in_progress_not_dropped(keys: IdempotencyKeys, clock: ManualClock) -> None:
    """However many others there are, and however long it takes: it would be done twice."""
    slow = start_claim(keys, "slow")
    for number in range(MAX_KEYS + 5):
        start_claim(keys, str(number)).complete(MADE)
    clock.advance(LIFETIME)
    with raises_http_error(409):
        claim_or_replay(keys, "slow")
    slow.complete(MADE)
    start_claim(keys, "slow")  # its day began with its first use


def test_expired_keys_are_dropped(keys: IdempotencyKeys, clock: ManualClock) -> None:
    body = b"x" * (MAX_SIZE // 40)
    for number in range(30):
        start_claim(keys, str(number)).complete(Response(201, [], body))
    clock.advance(LIFETIME)
    start_claim(keys, "new").complete(MADE)
    for number in range(30, 60):
        start_claim(keys, str(number)).complete(Response(201, [], body))
    assert claim_or_replay(keys, "new")[1] is not None, "the expired ones take no space"


def test_settled_twice(keys: IdempotencyKeys) -> None:
    """The end of a stream releases its key whether it has completed or not."""
    claim = start_claim(keys)
    claim.complete(MADE)
    claim.release()
    claim.complete(Response(200, [], b"other"))
    _, replayed = claim_or_replay(keys)
    assert replayed is not None
    assert replayed.body == MADE.body


def test_concurrent_claims(keys: IdempotencyKeys) -> None:
    """On a server with threads, one of them gets the key."""
    start = threading.Barrier(8)

    def claim() -> bool:
        start.wait()
        try:
            return claim_or_replay(keys)[0] is not None
        except HTTPError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: claim(), range(8))) == 1

"""Idempotency keys: the same request under the same key is handled once, and its response then replayed.

After draft-ietf-httpapi-idempotency-key-header, with the contract's statuses.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass

from duologue.contract import headers
from duologue.contract.errors import ApiErrorType
from duologue_mock.errors import HTTPError, validation_error
from duologue_mock.http.messages import Request, Response
from duologue_mock.store.clock import Clock

LIFETIME = 24 * 3600.0
"""Seconds a key is remembered."""
MAX_KEYS = 10_000
"""Beyond this many, the oldest key is forgotten: memory stays flat under load."""

_HEADER = "HTTP_IDEMPOTENCY_KEY"


@dataclass(slots=True)
class _Entry:
    fingerprint: bytes
    created_at: float
    response: Response | None = None


class IdempotencyKeys:
    """The keys of the last 24 hours and their responses.

    Args:
        clock: the time they expire by.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: OrderedDict[tuple[str, ...], _Entry] = OrderedDict()

    def claim(self, request: Request, caller: str) -> tuple[Claim | None, Response | None]:
        """Return a claim on the request's key, or the response to replay; neither if the request has no key.

        Args:
            request: the request, its body read.
            caller: whose key it is.

        Raises:
            HTTPError: the key is malformed, in use by a request in progress, or was used with another body.
        """
        key = request.header(_HEADER)
        if key is None:
            return None, None
        _check(key)
        name = (caller, request.method, request.path, key)
        fingerprint = hashlib.blake2b(request.body, digest_size=16).digest()
        entry = self._entries.get(name)
        now = self._clock.seconds()
        if entry is None or now - entry.created_at >= LIFETIME:
            entry = self._entries[name] = _Entry(fingerprint, now)
            self._entries.move_to_end(name)
            self._trim(now)
            return Claim(self._entries, name, entry), None
        if entry.fingerprint != fingerprint:
            raise _key_reused()
        if entry.response is None:
            raise _in_progress()
        return None, _build_replay(entry.response)

    def _trim(self, now: float) -> None:
        while self._entries:
            oldest = next(iter(self._entries.values()))
            if len(self._entries) <= MAX_KEYS and now - oldest.created_at < LIFETIME:
                return
            self._entries.popitem(last=False)


class Claim:
    """A key in use by one request."""

    def __init__(self, entries: OrderedDict[tuple[str, ...], _Entry], name: tuple[str, ...], entry: _Entry) -> None:
        self._entries = entries
        self._name = name
        self._entry = entry

    def complete(self, response: Response) -> None:
        """Store the response for replays; a server error or a 401 releases the key, so that the call can be retried."""
        if response.status >= 500 or response.status == 401:
            self.release()
        else:
            self._entry.response = Response(
                response.status, list(response.headers), response.body, error=response.error
            )

    def release(self) -> None:
        """Forget the key, as the request has failed; a later request's claim on the same key stays."""
        if self._entries.get(self._name) is self._entry:
            del self._entries[self._name]


def _check(key: str) -> None:
    if not key.strip():
        raise validation_error({headers.IDEMPOTENCY_KEY: ["Must not be blank."]})
    if len(key) > headers.MAX_VALUE_LENGTH:
        raise validation_error({headers.IDEMPOTENCY_KEY: [f"Must be at most {headers.MAX_VALUE_LENGTH} characters."]})


def _in_progress() -> HTTPError:
    return HTTPError(
        409,
        "A request with this idempotency key is still in progress",
        fields={headers.IDEMPOTENCY_KEY: ["Still in progress; try again."]},
        headers=[(headers.RETRY_AFTER, "1")],
    )


def _key_reused() -> HTTPError:
    return HTTPError(
        422,
        "This idempotency key was used with another body",
        code=str(ApiErrorType.IDEMPOTENCY_KEY_REUSED),
        hint="Use a new key for a new request.",
    )


def _build_replay(response: Response) -> Response:
    headers_ = [*response.headers, (headers.IDEMPOTENCY_REPLAYED, "true")]
    return Response(response.status, headers_, response.body, error=response.error)

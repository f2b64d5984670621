"""Idempotency keys: the same request under the same key is answered once and then replayed.

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
MOST = 10_000
"""Beyond this many, the oldest answer is forgotten: memory stays flat under load."""

_KEY = "HTTP_IDEMPOTENCY_KEY"


@dataclass(slots=True)
class _Entry:
    fingerprint: bytes
    made: float
    reply: Response | None = None


class IdempotencyKeys:
    """The keys seen in the last 24 hours and what was answered.

    Args:
        clock: the time they age by.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: OrderedDict[tuple[str, ...], _Entry] = OrderedDict()

    def begin(self, request: Request, caller: str) -> tuple[Claim | None, Response | None]:
        """Return a claim on the request's key, to be settled, or the reply to replay; neither if it has no key.

        Refuses a key that is malformed, in use by a request still under way, or used before with another body.
        """
        key = request.header(_KEY)
        if key is None:
            return None, None
        _check(key)
        name = (caller, request.method, request.path, key)
        fingerprint = hashlib.blake2b(request.body, digest_size=16).digest()
        entry = self._entries.get(name)
        now = self._clock.seconds()
        if entry is None or now - entry.made >= LIFETIME:
            entry = self._entries[name] = _Entry(fingerprint, now)
            self._entries.move_to_end(name)
            self._trim(now)
            return Claim(self._entries, name, entry), None
        if entry.fingerprint != fingerprint:
            raise _reused()
        if entry.reply is None:
            raise in_progress()
        return None, _replay(entry.reply)

    def _trim(self, now: float) -> None:
        while self._entries:
            oldest = next(iter(self._entries.values()))
            if len(self._entries) <= MOST and now - oldest.made < LIFETIME:
                return
            self._entries.popitem(last=False)


class Claim:
    """A key in use by one request."""

    def __init__(self, entries: OrderedDict[tuple[str, ...], _Entry], name: tuple[str, ...], entry: _Entry) -> None:
        self._entries = entries
        self._name = name
        self._entry = entry

    def complete(self, reply: Response) -> None:
        """Keep the reply for replays; not a server error or a refused login, so that the call can be tried again."""
        if reply.status >= 500 or reply.status == 401:
            self.release()
        else:
            self._entry.reply = Response(reply.status, list(reply.headers), reply.body)

    def release(self) -> None:
        """Forget the key: the request came to nothing. A later request may hold it by now."""
        if self._entries.get(self._name) is self._entry:
            del self._entries[self._name]


def _check(key: str) -> None:
    if not key.strip():
        raise validation_error({headers.IDEMPOTENCY_KEY: ["Must not be blank."]})
    if len(key) > headers.MAX_VALUE_LENGTH:
        raise validation_error({headers.IDEMPOTENCY_KEY: [f"Must be at most {headers.MAX_VALUE_LENGTH} characters."]})


def in_progress() -> HTTPError:
    """Return the refusal of a key whose first request is under way; a caller may ask again in a moment."""
    return HTTPError(
        409,
        "A request with this idempotency key is still in progress",
        fields={headers.IDEMPOTENCY_KEY: ["Still in progress; try again."]},
        headers=[(headers.RETRY_AFTER, "1")],
    )


def _reused() -> HTTPError:
    return HTTPError(
        422,
        "This idempotency key was used with another body",
        code=str(ApiErrorType.IDEMPOTENCY_KEY_REUSED),
        hint="Use a new key for a new request.",
    )


def _replay(reply: Response) -> Response:
    return Response(reply.status, [*reply.headers, (headers.IDEMPOTENCY_REPLAYED, "true")], reply.body)

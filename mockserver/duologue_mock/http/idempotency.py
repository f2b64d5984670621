"""Idempotency keys: the same request under the same key is handled once, and its response then replayed.

After draft-ietf-httpapi-idempotency-key-header, with the contract's statuses.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from duologue.contract import headers
from duologue_mock.errors import HTTPError, validation_error
from duologue_mock.handler_registry import Progress
from duologue_mock.http.messages import Request, Response
from duologue_mock.store.clock import Clock

LIFETIME = 24 * 3600.0
"""Seconds a key is remembered."""
MAX_KEYS = 10_000
"""Beyond this many, the oldest key is forgotten: memory stays flat under load."""
MAX_SIZE = 64 * 1024 * 1024
"""Bytes that all stored responses may take together; beyond that, the oldest is forgotten."""
NOT_STORED = frozenset({401, 408, 412, 429})
"""Besides 5xx: the caller logs in, waits or gets the resource again, and then repeats the request."""

IDEMPOTENCY_KEY = "HTTP_IDEMPOTENCY_KEY"
_OVERHEAD = 1024
"""Bytes that an entry takes besides its texts, roughly."""


@dataclass(slots=True)
class _Entry:
    fingerprint: bytes
    created_at: float
    response: Response | None = None
    progress: Progress = field(default_factory=Progress)
    size: int = 0


class IdempotencyKeys:
    """The keys of the last 24 hours and their responses.

    Args:
        clock: the time they expire by.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._in_progress: dict[tuple[str, ...], _Entry] = {}
        self._settled: OrderedDict[tuple[str, ...], _Entry] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()  # an application on threads may see the same key twice at the same moment

    def clear(self) -> None:
        """Forget all keys. Requests in progress are finished, and not replayed."""
        with self._lock:
            self._in_progress.clear()
            self._settled.clear()
            self._size = 0

    def claim(self, request: Request, caller: str) -> tuple[Claim | None, Response | None]:
        """Return a claim on the request's key, or the response to replay; neither if the request has no key.

        Args:
            request: the request, its operation known and its body read. What counts is the operation and its
                arguments: paths that are spelled differently and served the same are the same.
            caller: whose key it is.

        Raises:
            HTTPError: the key is malformed, in use by a request in progress, or was used with another body.
        """
        key = request.header(IDEMPOTENCY_KEY)
        if key is None:
            return None, None
        _check(key)
        assert request.operation is not None
        name = (caller, request.operation.id, *request.args.values(), key)
        fingerprint = hashlib.blake2b(request.body, digest_size=16).digest()
        with self._lock:
            entry = self._in_progress.get(name) or self._get_settled(name)
            if entry is not None and entry.fingerprint != fingerprint:
                raise _key_reused()
            if name in self._in_progress:
                raise _in_progress()
            if entry is not None and entry.response is not None:
                return None, _build_replay(entry.response)
            if entry is None:
                entry = _Entry(fingerprint, self._clock.seconds())
            else:
                self._forget(name)  # an attempt that broke off: this one goes on from there
            self._in_progress[name] = entry
            return Claim(self, name, entry), None

    def settle(self, name: tuple[str, ...], entry: _Entry, response: Response | None) -> None:
        """End a claim; `Claim` calls this.

        Args:
            name: the key, with all that belongs to it.
            entry: what is stored under it.
            response: the response to replay; None if there is none to store.
        """
        with self._lock:
            if self._in_progress.get(name) is not entry:
                return  # it is settled
            del self._in_progress[name]
            entry.response = response
            if response is not None or entry.progress.message_id is not None:
                entry.size = _estimate_size(name, response)
                self._size += entry.size
                self._settled[name] = entry
                self._trim()

    def _get_settled(self, name: tuple[str, ...]) -> _Entry | None:
        entry = self._settled.get(name)
        if entry is not None and self._has_expired(entry):
            self._forget(name)
            return None
        return entry

    def _has_expired(self, entry: _Entry) -> bool:
        return self._clock.seconds() - entry.created_at >= LIFETIME

    def _forget(self, name: tuple[str, ...]) -> None:
        self._size -= self._settled.pop(name).size

    def _trim(self) -> None:
        """Forget the oldest, but not the latest: a request in progress is not among them, so none is done twice."""
        while len(self._settled) > 1:
            name, oldest = next(iter(self._settled.items()))
            if len(self._settled) <= MAX_KEYS and self._size <= MAX_SIZE and not self._has_expired(oldest):
                return
            self._forget(name)


class Claim:
    """A key in use by one request."""

    def __init__(self, keys: IdempotencyKeys, name: tuple[str, ...], entry: _Entry) -> None:
        self._keys = keys
        self._name = name
        self._entry = entry

    @property
    def progress(self) -> Progress:
        """What the request has done so far, earlier attempts included."""
        return self._entry.progress

    def complete(self, response: Response) -> None:
        """Store the response for replays, or release the key: the call can be repeated after what passes."""
        if response.status >= 500 or response.status in NOT_STORED:
            self.release()
        else:
            # The error itself refers, by its traceback, to the whole request.
            error = None if response.error is None else response.error.copy()
            stored = Response(response.status, list(response.headers), response.body, error=error)
            self._keys.settle(self._name, self._entry, stored)

    def release(self) -> None:
        """Let the request be repeated, as it has failed. Does nothing once it has completed."""
        self._keys.settle(self._name, self._entry, None)


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
    return HTTPError(422, "This idempotency key was used with another body", hint="Use a new key for a new request.")


def _build_replay(response: Response) -> Response:
    headers_ = [*response.headers, (headers.IDEMPOTENCY_REPLAYED, "true")]
    return Response(response.status, headers_, response.body, error=response.error)


def _estimate_size(name: tuple[str, ...], response: Response | None) -> int:
    texts = sum(map(len, name)) + _OVERHEAD
    if response is None:
        return texts
    return texts + len(response.body) + sum(len(one) + len(value) for one, value in response.headers)

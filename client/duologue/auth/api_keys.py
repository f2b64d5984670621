"""What a chat call is sent with, and `api.api_keys`: validate the API key, and use another one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Final, Literal

from duologue.concurrency import fork_safety
from duologue.concurrency.clock import Clock
from duologue.concurrency.event_emitter import EventEmitter
from duologue.contract.headers import validate_header_value
from duologue.errors import APIError, AuthenticationError

VALIDATION_INTERVAL: Final = 300.0
"""Seconds in which a validated API key is not validated again; the specification's `validationInterval`."""

ApiKeyEventName = Literal["api_key_invalid"]

KeySource = str | Callable[[], str | None] | None
"""An API key, a function that returns the current one, or None to send none."""


class ChatCredentials:
    """Who a chat call comes from.

    Args:
        api_key: the key, or a function that returns it before each request.
        user_id: returns the user's id; called only for a chat call.
    """

    def __init__(self, api_key: KeySource, user_id: Callable[[], str]) -> None:
        self._source = api_key
        self.user_id = user_id

    @property
    def api_key(self) -> str | None:
        """The current key, None to send none."""
        source = self._source
        return source() if callable(source) else source

    def rotate(self, api_key: KeySource) -> None:
        """Send another key from the next request on."""
        self._source = api_key


@dataclass(frozen=True, slots=True, eq=False)
class ApiKeyInvalidEvent:
    """The chat service does not know our API key.

    Args:
        error: its response.
    """

    error: AuthenticationError


@dataclass(frozen=True, slots=True)
class _Key:
    """A key whose repr does not show it."""

    value: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class _Verdict:
    """Whether a key is valid, and since when that is known, in monotonic seconds."""

    api_key: _Key
    valid: bool
    since: float


class APIKeyManager:
    """`api.api_keys`: what the API key is and whether it is valid; the specification's `APIKeyManager`.

    `Client.validate_api_key` validates it.

    Args:
        credentials: sends the key.
        clock: the time.
    """

    def __init__(self, credentials: ChatCredentials, clock: Clock) -> None:
        self._credentials = credentials
        self._clock = clock
        self._validating = threading.RLock()
        fork_safety.watch_locks(self, "_validating")
        self._verdict: _Verdict | None = None
        self._listeners: EventEmitter[ApiKeyInvalidEvent] = EventEmitter(("api_key_invalid",))

    @property
    def current(self) -> str | None:
        """The key that the next request carries, None if it carries none."""
        return self._credentials.api_key

    def rotate(self, api_key: KeySource) -> None:
        """Send another key, from the next request on; the client stays the same.

        Args:
            api_key: the key, or a function that returns it before each request.

        Raises:
            ValueError: a key that no header can carry.
        """
        try:
            if api_key is not None and not callable(api_key):
                validate_header_value("api_key", api_key)
        except ValueError:
            del api_key  # some tools show the variables of a traceback
            raise
        self._credentials.rotate(api_key)

    def on(self, event: ApiKeyEventName, callback: Callable[[ApiKeyInvalidEvent], object]) -> None:
        """Call a function when a validation finds the key invalid. It may use this client, and `rotate` the key.

        Args:
            event: `api_key_invalid`.
            callback: called with the event. What it raises is logged.

        Raises:
            ValueError: there is no such event.
        """
        self._listeners.on(event, callback)

    def off(self, event: ApiKeyEventName, callback: Callable[[ApiKeyInvalidEvent], object]) -> None:
        """Stop calling a function."""
        self._listeners.off(event, callback)

    def _validate(self, request: Callable[[], object], *, cached: bool) -> bool:
        """See `Client.validate_api_key`; `request` is a call that an invalid key fails with 401."""
        rejection = None
        with self._validating if cached else nullcontext():
            api_key = _Key(self.current)
            verdict = self._get_verdict(api_key) if cached else None
            if verdict and self._clock.monotonic() - verdict.since < VALIDATION_INTERVAL:
                return verdict.valid
            try:
                request()
            except AuthenticationError as error:
                rejection = error
            except APIError:
                if not cached:
                    raise
                return verdict is None or verdict.valid
            if _Key(self.current) == api_key:
                self._verdict = _Verdict(api_key, rejection is None, self._clock.monotonic())
            else:  # rotated meanwhile: nothing is known about the new key
                return True
        if rejection:
            self._listeners.emit("api_key_invalid", ApiKeyInvalidEvent(rejection))
        return rejection is None

    def _get_verdict(self, api_key: _Key) -> _Verdict | None:
        verdict = self._verdict
        return verdict if verdict is not None and verdict.api_key == api_key else None

    def __repr__(self) -> str:
        return "<APIKeyManager>"

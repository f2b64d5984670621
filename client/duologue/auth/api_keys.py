"""Who we are on the chat service: an API key, and a user id that is made up once and kept."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from duologue import defaults
from duologue.concurrency import fork_safety
from duologue.concurrency.clock import Clock
from duologue.concurrency.event_emitter import EventEmitter
from duologue.contract import headers
from duologue.errors import APIError, AuthenticationError
from duologue.http.encoding import header_value

_ANONYMOUS = re.compile(r"anon-[0-9]{1,16}-[0-9a-z]{9}")

DATA_DIR_VARIABLE = "DUOLOGUE_DATA_DIR"
"""The environment variable that says where to keep the anonymous user id."""


REQUIRED_HEADERS = (headers.API_KEY, headers.REFERENCE_CODE, headers.USER_ID)
"""What every chat call must carry; the chat document's `requiredKeys`."""

ApiKeyEventName = Literal["api_key_invalid"]

KeySource = str | Callable[[], str | None] | None
"""An API key, a function that returns the one of the moment, or None to send none."""


class ChatCredentials:
    """What a chat call says about its caller.

    Args:
        api_key: the key, or a function that is asked for it before each request.
        user_id: returns the user's id; asked only when a chat call is made.
    """

    def __init__(self, api_key: KeySource, user_id: Callable[[], str]) -> None:
        self._source = api_key
        self.user_id = user_id

    @property
    def api_key(self) -> str | None:
        """The key of this moment, None to send none."""
        source = self._source
        return source() if callable(source) else source

    def rotate(self, api_key: KeySource) -> None:
        """Send another key from the next request on."""
        self._source = api_key


@dataclass(frozen=True, slots=True)
class ApiKeyInvalidEvent:
    """The chat service does not know our API key.

    Args:
        error: what it answered.
    """

    error: AuthenticationError


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What is known of a key, and since when (seconds that only grow)."""

    api_key: str | None = field(repr=False)
    valid: bool
    since: float


class APIKeyManager:
    """`api.api_keys`: is our API key good, and use another one; the chat document's `APIKeyManager`.

    Args:
        identity: sends the key.
        check: asks the chat service how it is, with the key.
        clock: the time.
    """

    def __init__(self, identity: ChatCredentials, check: Callable[[], object], clock: Clock) -> None:
        self._identity = identity
        self._check = check
        self._clock = clock
        self._checking = threading.RLock()
        fork_safety.watch_locks(self, "_checking")
        self._verdict: _Verdict | None = None
        self._listeners: EventEmitter[ApiKeyInvalidEvent] = EventEmitter(("api_key_invalid",))

    @property
    def current(self) -> str | None:
        """The key that the next request carries, None if it carries none."""
        return self._identity.api_key

    def validate(self, *, cached: bool = True) -> bool:
        """Return whether the chat service accepts our API key: it answers 401 to one that it does not know.

        Args:
            cached: return the result of the last check of this key if it is less than five minutes old. A check that
                fails otherwise than with 401 says nothing about the key: the last result still holds, and a key that
                was never checked counts as valid. False checks now, and raises what else goes wrong.

        Raises:
            APIError: with `cached=False`, the check failed otherwise than with 401.
        """
        return self._validate_with(self._check, cached=cached)

    def _validate_with(self, check: Callable[[], object], *, cached: bool = True) -> bool:
        """Validate as `validate` does, by a health check that is given: that of a view with other options."""
        refused = None
        with self._checking:
            api_key = self.current
            known = self._known(api_key) if cached else None
            if known is not None and self._clock.monotonic() - known.since < defaults.API_KEY_VALIDATION:
                return known.valid
            try:
                check()
            except AuthenticationError as error:
                refused = error
            except APIError:
                if not cached:
                    raise
                return known is None or known.valid
            if self.current != api_key:  # replaced meanwhile: the result is about the old one
                return True
            self._verdict = _Verdict(api_key, refused is None, self._clock.monotonic())
        if refused:
            self._listeners.emit("api_key_invalid", ApiKeyInvalidEvent(refused))
        return refused is None

    def rotate(self, api_key: KeySource) -> None:
        """Send another key, from the next request on; nothing has to be made anew.

        Args:
            api_key: the key, or a function that returns the one of the moment: it is asked before each request.

        Raises:
            ValueError: a key that no header can carry.
        """
        self._identity.rotate(checked_key(api_key))

    def on(self, event: ApiKeyEventName, callback: Callable[[ApiKeyInvalidEvent], object]) -> None:
        """Call a function when `validate` finds the key to be unknown; it may call this client, `rotate` for one.

        Args:
            event: `api_key_invalid`.
            callback: called with what the service answered. What it raises is logged.

        Raises:
            ValueError: there is no such event.
        """
        self._listeners.on(event, callback)

    def off(self, event: ApiKeyEventName, callback: Callable[[ApiKeyInvalidEvent], object]) -> None:
        """Stop calling a function."""
        self._listeners.off(event, callback)

    def __repr__(self) -> str:
        return "<APIKeyManager>"

    def _known(self, api_key: str | None) -> _Verdict | None:
        verdict = self._verdict
        return verdict if verdict is not None and verdict.api_key == api_key else None


def checked_key(api_key: KeySource) -> KeySource:
    """Return an API key that a header can carry; of a function, only what it returns can be judged, when it is sent.

    Raises:
        ValueError: it is not printable ASCII; it is not shown.
    """
    return api_key if api_key is None or callable(api_key) else header_value("api_key", api_key)


def validate_headers(sent: Mapping[str, str]) -> bool:
    """Tell whether headers have all that a chat call must carry, none of it blank; the document's `validateHeaders`.

    Args:
        sent: the headers, named in any case.
    """
    present = {name.lower() for name, value in sent.items() if value.strip()}
    return all(name.lower() in present for name in REQUIRED_HEADERS)


class AnonymousUser:
    """A user id of the form `anon-…`, generated once, kept in the user's data folder, and shared by all processes.

    Where the folder cannot be written the id lives as long as this object.

    Args:
        folder: where to keep it, None to keep it in memory only.
        generate: makes a new id.
    """

    def __init__(self, folder: Path | None, generate: Callable[[], str]) -> None:
        self._folder = folder
        self._generate = generate
        self._lock = threading.Lock()
        fork_safety.watch_locks(self, "_lock")
        self._id: str | None = None

    def __call__(self) -> str:
        """Return the id; the first call reads or makes it."""
        with self._lock:
            if self._id is None:
                self._id = self._kept_or_new()
            return self._id

    def _kept_or_new(self) -> str:
        if self._folder is None:
            return self._generate()
        file = self._folder / "user-id"
        kept = _read(file)
        if kept:
            return kept
        made = self._generate()
        with suppress(OSError):
            _write_unless_there(file, made)
        return _read(file) or made


def data_folder(environ: Mapping[str, str]) -> Path | None:
    """Return the folder where this user's programs keep data, None if there is none.

    `DUOLOGUE_DATA_DIR` if it is set; else `duologue` in `%APPDATA%` on Windows, in `~/Library/Application Support` on
    macOS, and in `$XDG_DATA_HOME`, by default `~/.local/share`, elsewhere.
    """
    chosen = environ.get(DATA_DIR_VARIABLE)
    if chosen:
        return Path(chosen)
    try:
        return _platform_folder(environ) / "duologue"
    except RuntimeError:  # no home directory
        return None


def _platform_folder(environ: Mapping[str, str]) -> Path:
    if sys.platform == "win32":
        return Path(environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")


def _read(file: Path) -> str | None:
    try:
        text = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return text if _ANONYMOUS.fullmatch(text) else None


def _write_unless_there(file: Path, text: str) -> None:
    """Write a file that only its owner can read, in one step; of two processes that try, one wins and both know it."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".user-id-")  # mkstemp makes it with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as temporary:
            temporary.write(text + "\n")
        _put_in_place(Path(name), file)
    finally:
        Path(name).unlink(missing_ok=True)


def _put_in_place(made: Path, file: Path) -> None:
    if file.exists() and _read(file) is None:  # damaged: nobody can be using it
        made.replace(file)
        return
    try:
        os.link(made, file)
    except FileExistsError:
        return
    except (OSError, AttributeError):  # a file system without links
        made.replace(file)

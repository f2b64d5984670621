"""Tokens in a file that only its owner can read, shared by all programs of that owner."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import re
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import FileIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from duologue.auth.data_folder import data_folder
from duologue.auth.token_storage import StoredTokens
from duologue.concurrency import fork_safety
from duologue.concurrency.timer import Timer
from duologue.contract.errors import escape_for_log
from duologue.contract.headers import validate_header_value
from duologue.errors import DeadlineExceeded, TokenFileError

if sys.platform != "win32":
    import fcntl

_log = logging.getLogger("duologue")

_TOKEN = re.compile(r"[!-~]+")
_VERSION = 1
_MAX_SIZE = 65_536
_OPEN_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # opening a pipe would wait for a writer
_LOCK_TIMEOUT = 10.0
"""Seconds to wait for another process that changes the file, which takes none."""
_LOCK_PAUSE = 0.02
"""Seconds between two attempts to get a lock."""
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
_Signature = tuple[int, int, int]


class FileTokenStorage:
    """A `TokenStorage` that is a file: a login outlives the program, and other programs of the same user share it.

        with Client(base_url=url, token_storage=FileTokenStorage(url)) as api: ...

    The file has mode 0600, is replaced atomically, and belongs to one base URL: tokens of one server are never sent to
    another. Two programs that load the same expired token refresh it once. A file that others can read, or that belongs
    to another user, is refused; one that is damaged is ignored with a warning, and the next login replaces it. Windows
    has no such modes and locks: there the folder's permissions must protect it.

    Args:
        base_url: the platform whose tokens these are.
        folder: the folder of the file; by default the user's data folder, see `data_folder`.

    Raises:
        TokenFileError: there is no data folder.
    """

    def __init__(self, base_url: str, *, folder: Path | None = None) -> None:
        chosen = folder or data_folder(os.environ)
        if chosen is None:
            raise TokenFileError("There is no folder for the token file. Set DUOLOGUE_DATA_DIR to one")
        self._url = _normalize_url(base_url)
        self.file = chosen / _build_file_name(self._url)
        self._lock = threading.Lock()
        fork_safety.watch_locks(self, "_lock")
        self._lock_files: set[FileIO] = set()
        fork_safety.watch(self)
        self._cached: tuple[_Signature, StoredTokens | None] | None = None

    def load(self) -> StoredTokens | None:
        """Return the stored tokens, None when no user is logged in. The file is read only when it has changed.

        Raises:
            TokenFileError: others can read it, it belongs to another user, or it cannot be read.
        """
        with self._lock, _map_os_errors(self.file):
            try:
                handle = os.open(self.file, os.O_RDONLY | _OPEN_FLAGS)
            except FileNotFoundError:
                return None
            with os.fdopen(handle, "rb") as file:
                status = os.fstat(file.fileno())
                _check_private(self.file, status)
                signature = (status.st_ino, status.st_mtime_ns, status.st_size)
                if self._cached is None or self._cached[0] != signature:
                    self._cached = signature, self._parse(file.read(_MAX_SIZE))
                return self._cached[1]

    def save(self, tokens: StoredTokens | None) -> None:
        """Replace the stored tokens; None removes the file.

        Raises:
            TokenFileError: it cannot be written.
        """
        with self._hold_change_lock(None), _map_os_errors(self.file):
            self._write(tokens)

    def compare_and_swap(self, old: StoredTokens, new: StoredTokens | None, *, timeout: float | None = None) -> bool:
        """Store `new` if `old` is what is stored, atomically; see `SharedTokenStorage`."""
        with self._hold_change_lock(timeout), _map_os_errors(self.file):
            unchanged = self.load() == old
            if unchanged:
                self._write(new)
            return unchanged

    @contextmanager
    def refresh_lock(self, *, timeout: float | None = None) -> Iterator[None]:
        """Hold a lock that one program at a time can hold; the system releases it when the program ends.

        Args:
            timeout: seconds to wait for it; None for no limit.

        Raises:
            DeadlineExceeded: another program held it all that time.
        """
        with self._hold_lock("renewing", timeout) as locked:
            if not locked:
                raise DeadlineExceeded
            yield

    def after_fork(self) -> None:
        """Close the lock files of the parent's threads: the system keeps a lock while any process has its file open."""
        for file in list(self._lock_files):
            file.close()
        self._lock_files.clear()

    def __repr__(self) -> str:
        return f"<FileTokenStorage {self.file}>"

    def _write(self, tokens: StoredTokens | None) -> None:
        if tokens is None:
            self.file.unlink(missing_ok=True)
            return
        handle, name = tempfile.mkstemp(dir=self.file.parent, prefix=".tokens-")  # with mode 0600
        try:
            with os.fdopen(handle, "w", encoding="ascii") as temporary:
                temporary.write(json.dumps(_to_json(self._url, tokens), indent=2))  # no frame of json has the tokens
                temporary.flush()
                os.fsync(temporary.fileno())  # else a crash may leave an empty file, and the login would be lost
            Path(name).replace(self.file)
        finally:
            Path(name).unlink(missing_ok=True)

    def _parse(self, content: bytes) -> StoredTokens | None:
        try:
            return _from_json(self._url, json.loads(content))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            _log.warning("%s is damaged (%s) and ignored; log in again to replace it", self.file, _describe(error))
            return None

    @contextmanager
    def _hold_change_lock(self, timeout: float | None) -> Iterator[None]:
        with self._hold_lock("changing", _LOCK_TIMEOUT if timeout is None else timeout) as locked:
            if not locked:
                raise TokenFileError(f"{self.file} cannot be used", details={"reason": "another process has locked it"})
            yield

    @contextmanager
    def _hold_lock(self, purpose: str, timeout: float | None) -> Iterator[bool]:
        """Exclude other processes, and other storages of this one; yield whether that could be done in time.

        The lock file is beside the token file, because that is replaced. A file system without locks is accepted, and
        one that is full.
        """
        file = self._open_lock_file(purpose)
        if file is None:
            yield True
            return
        with file:
            self._lock_files.add(file)
            try:
                yield _lock(file, Timer(timeout))
            finally:
                self._lock_files.discard(file)

    def _open_lock_file(self, purpose: str) -> FileIO | None:
        with _map_os_errors(self.file):
            try:
                self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                path = self.file.with_suffix(f".{purpose}")
                return FileIO(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
            except OSError as error:
                if error.errno in _FULL:
                    return None
                raise


def _lock(file: FileIO, wait: Timer) -> bool:
    """Lock a file and return True, or False if another process has locked it all the time."""
    if sys.platform == "win32":
        return True
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if wait.left == 0:
                return False
            time.sleep(_LOCK_PAUSE)
        except OSError:  # a file system without locks
            return True
        else:
            return True


@contextmanager
def _map_os_errors(file: Path) -> Iterator[None]:
    """Raise errors of the file system as `TokenFileError`."""
    try:
        yield
    except OSError as error:
        raise TokenFileError(f"{file} cannot be used", details={"reason": error.strerror or str(error)}) from error


def _check_private(file: Path, status: os.stat_result) -> None:
    if sys.platform == "win32":
        return
    if not stat.S_ISREG(status.st_mode):
        raise TokenFileError(f"{file} is not a regular file")
    if status.st_uid != os.geteuid():
        raise TokenFileError(f"{file} belongs to another user")
    if status.st_mode & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        raise TokenFileError(f"Others can read {file} (mode {mode:04o}); log in again to replace it")


def _normalize_url(base_url: str) -> str:
    """Return a URL with scheme and host in lower case, and without a trailing slash."""
    parts = urlsplit(base_url)
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def _build_file_name(url: str) -> str:
    """Return a file name that shows the host and is unique to the URL."""
    host = re.sub(r"[^a-z0-9.-]", "-", urlsplit(url).netloc)[:60]
    return f"tokens-{host}-{hashlib.sha256(url.encode()).hexdigest()[:12]}.json"


def _to_json(url: str, tokens: StoredTokens) -> dict[str, object]:
    def format_time(time: datetime | None) -> str | None:
        return time.isoformat() if time else None

    return {
        "version": _VERSION,
        "baseUrl": url,
        "token": tokens.token,
        "refreshToken": tokens.refresh_token,
        "expiresAt": format_time(tokens.expires_at),
        "refreshAt": format_time(tokens.refresh_at),
        "login": tokens.login,
        "refreshKey": tokens.refresh_key,
    }


def _from_json(url: str, values: Any) -> StoredTokens:
    if values["version"] != _VERSION:
        raise ValueError(f"of version {values['version']!r}")
    if values["baseUrl"] != url:
        raise ValueError("of another server")
    refresh_token = values["refreshToken"]
    return StoredTokens(
        _check_token(values["token"]),
        None if refresh_token is None else _check_token(refresh_token),
        _parse_time(values["expiresAt"]),
        _parse_time(values["refreshAt"]),
        _check_text(values["login"]),
        validate_header_value("refreshKey", values.get("refreshKey", "")),
    )


def _check_token(value: object) -> str:
    """Return a token that can be sent."""
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise ValueError("a token that cannot be sent")
    return value


def _check_text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a string")
    return value


def _parse_time(value: object) -> datetime | None:
    if value is None:
        return None
    time = datetime.fromisoformat(_check_text(value))
    if time.tzinfo is None:
        raise ValueError("a time without a time zone")
    return time


def _describe(error: Exception) -> str:
    """Return what is wrong without showing the file's content."""
    return type(error).__name__ if isinstance(error, json.JSONDecodeError) else escape_for_log(str(error))

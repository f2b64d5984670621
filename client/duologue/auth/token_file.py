"""Tokens kept in a file that only its owner can read, shared by all programs of that owner."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import stat
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from duologue.auth.data_folder import data_folder
from duologue.auth.tokens import StoredTokens
from duologue.concurrency import fork_safety
from duologue.errors import TokenFileError, escape_for_log

if sys.platform != "win32":
    import fcntl

_log = logging.getLogger("duologue")

_VERSION = 1
_MAX_SIZE = 65_536
_Signature = tuple[int, int, int]


class FileTokenStorage:
    """A `TokenStorage` that is a file: a login outlives the program, and other programs of the same user share it.

        with Client(base_url=url, token_storage=FileTokenStorage(url)) as api: ...

    The file has mode 0600, is replaced in one step, and belongs to one base URL: tokens of one server are never sent
    to another. Two programs that find the same stale token renew it once. A file that others can read, or that belongs
    to somebody else, is refused; one that is damaged is ignored with a warning, and the next login replaces it. Windows
    has no such modes and locks: there the folder's own protection has to do.

    Args:
        base_url: the platform whose tokens these are.
        folder: where to keep the file; by default the user's data folder, see `data_folder`.

    Raises:
        TokenFileError: there is no folder to keep it in.
    """

    def __init__(self, base_url: str, *, folder: Path | None = None) -> None:
        found = folder or data_folder(os.environ)
        if found is None:
            raise TokenFileError("There is no folder to keep tokens in; name one with DUOLOGUE_DATA_DIR")
        self._url = _same_for_same(base_url)
        self.file = found / _file_name(self._url)
        self._reading = threading.Lock()
        fork_safety.watch_locks(self, "_reading")
        self._read: tuple[_Signature, StoredTokens | None] | None = None

    def load(self) -> StoredTokens | None:
        """Return what is kept, None when nobody is logged in. The file is read only when it has changed.

        Raises:
            TokenFileError: others can read it, it is not ours, or it cannot be read.
        """
        with self._reading, _refusing(self.file):
            try:
                handle = os.open(self.file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
            except FileNotFoundError:
                return None
            with os.fdopen(handle, "rb") as file:
                found = os.fstat(file.fileno())
                _check_private(self.file, found)
                signature = (found.st_ino, found.st_mtime_ns, found.st_size)
                if self._read is None or self._read[0] != signature:
                    self._read = signature, self._parsed(file.read(_MAX_SIZE))
                return self._read[1]

    def save(self, tokens: StoredTokens | None) -> None:
        """Keep these tokens instead; None removes the file.

        Raises:
            TokenFileError: it cannot be written.
        """
        with self._locked("changing"), _refusing(self.file):
            self._put(tokens)

    def compare_and_swap(self, old: StoredTokens, new: StoredTokens | None) -> bool:
        """Keep `new` if `old` is what is kept, in one step; see `SharedTokenStorage`."""
        with self._locked("changing"), _refusing(self.file):
            unchanged = self.load() == old
            if unchanged:
                self._put(new)
            return unchanged

    @contextmanager
    def refresh_lock(self) -> Iterator[None]:
        """A context that one program at a time is in; the others wait. It ends with the program that is in it."""
        with self._locked("renewing"):
            yield

    def __repr__(self) -> str:
        return f"<FileTokenStorage {self.file}>"

    def _put(self, tokens: StoredTokens | None) -> None:
        if tokens is None:
            self.file.unlink(missing_ok=True)
            return
        handle, name = tempfile.mkstemp(dir=self.file.parent, prefix=".tokens-")  # mkstemp makes it with mode 0600
        try:
            with os.fdopen(handle, "w", encoding="ascii") as temporary:
                json.dump(_written(self._url, tokens), temporary, indent=2)
                temporary.flush()
                os.fsync(
                    temporary.fileno()
                )  # else a crash may leave an empty file in place of a spent token's successor
            Path(name).replace(self.file)
        finally:
            Path(name).unlink(missing_ok=True)

    def _parsed(self, content: bytes) -> StoredTokens | None:
        try:
            return _tokens(self._url, json.loads(content))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            _log.warning("%s is damaged (%s) and ignored; log in again to replace it", self.file, _what(error))
            return None

    @contextmanager
    def _locked(self, purpose: str) -> Iterator[None]:
        """Keep other processes, and other storages of this one, from doing the same meanwhile.

        The lock is beside the file, because the file itself is replaced. A file system without locks is not refused.
        """
        with _refusing(self.file):
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = open(self.file.with_suffix(f".{purpose}"), "ab", opener=_private)  # noqa: SIM115  # the `with` below closes it
        with lock:
            if sys.platform != "win32":
                with suppress(OSError):
                    fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@contextmanager
def _refusing(file: Path) -> Iterator[None]:
    """Translate what the file system says."""
    try:
        yield
    except OSError as error:
        raise TokenFileError(f"{file} cannot be used", details={"reason": error.strerror or str(error)}) from error


def _check_private(file: Path, found: os.stat_result) -> None:
    if sys.platform == "win32":
        return
    if not stat.S_ISREG(found.st_mode):
        raise TokenFileError(f"{file} is not a file")
    if found.st_uid != os.geteuid():
        raise TokenFileError(f"{file} belongs to another user")
    if found.st_mode & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        raise TokenFileError(f"Others can read {file} (mode {mode:04o}); log in again to replace it")


def _same_for_same(base_url: str) -> str:
    """Return an address in one form: scheme and host in lower case, no slash at the end."""
    parts = urlsplit(base_url)
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def _file_name(url: str) -> str:
    """A name that says whose tokens it holds, and that no two addresses share."""
    host = re.sub(r"[^a-z0-9.-]", "-", urlsplit(url).netloc)[:60]
    return f"tokens-{host}-{hashlib.sha256(url.encode()).hexdigest()[:12]}.json"


def _written(url: str, tokens: StoredTokens) -> dict[str, object]:
    def text(moment: datetime | None) -> str | None:
        return moment.isoformat() if moment else None

    return {
        "version": _VERSION,
        "baseUrl": url,
        "token": tokens.token,
        "refreshToken": tokens.refresh_token,
        "expiresAt": text(tokens.expires_at),
        "refreshAt": text(tokens.refresh_at),
        "login": tokens.login,
    }


def _tokens(url: str, kept: Any) -> StoredTokens:
    if kept["version"] != _VERSION:
        raise ValueError(f"of version {kept['version']!r}")
    if kept["baseUrl"] != url:
        raise ValueError("of another server")
    refresh_token = kept["refreshToken"]
    return StoredTokens(
        _text(kept["token"]),
        None if refresh_token is None else _text(refresh_token),
        _moment(kept["expiresAt"]),
        _moment(kept["refreshAt"]),
        _text(kept["login"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not text")
    return value


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError("a time without its zone")
    return moment


def _what(error: Exception) -> str:
    """Say what is wrong without showing what the file holds."""
    return type(error).__name__ if isinstance(error, json.JSONDecodeError) else escape_for_log(str(error))

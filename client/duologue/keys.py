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

_ANONYMOUS = re.compile(r"anon-[0-9]{1,16}-[0-9a-z]{9}")

DATA_DIR_VARIABLE = "DUOLOGUE_DATA_DIR"
"""The environment variable that says where to keep the anonymous user id."""


@dataclass(frozen=True, slots=True)
class ChatIdentity:
    """What a chat call says about its caller.

    Args:
        api_key: the key, None to send none.
        user_id: returns the user's id; asked only when a chat call is made.
    """

    api_key: str | None = field(repr=False)
    user_id: Callable[[], str]


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

"""The user id of a client that was given none: `anon-…`, created once, and stored only if the caller wants it."""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from duologue.auth.data_folder import data_folder
from duologue.concurrency import fork_safety

_ANONYMOUS = re.compile(r"anon-[0-9]{1,16}-[0-9a-z]{9}")


class UserIdStorage(Protocol):
    """Where an anonymous user id outlives its client; `FileUserIdStorage` is one."""

    def load_or_store(self, user_id: str) -> str:
        """Return the stored id; if there is none, store this one and return it."""
        ...


class FileUserIdStorage:
    """A `UserIdStorage` that is a file: all programs of this user are one user of the chat service.

        with Client(user_id_storage=FileUserIdStorage()) as api: ...

    Only its owner can read the file. Where it cannot be written, each client has an id of its own.

    Args:
        folder: where the file is; by default the user's data folder, or `DUOLOGUE_DATA_DIR`.
    """

    def __init__(self, *, folder: Path | None = None) -> None:
        folder = folder or data_folder(os.environ)
        self.file = None if folder is None else folder / "user-id"

    def load_or_store(self, user_id: str) -> str:
        """Return the stored id; if there is none, store this one and return it."""
        if self.file is None:
            return user_id
        stored = _read(self.file)
        if stored is None:
            with suppress(OSError):
                _write_new(self.file, user_id)
            stored = _read(self.file)
        return stored or user_id

    def __repr__(self) -> str:
        return f"<FileUserIdStorage {self.file}>"


class AnonymousUserId:
    """An anonymous user id: created, or loaded from a storage, when it is first needed, then always the same.

    Args:
        generate: returns a new id.
        storage: where it outlives this object; None to keep it in memory only.
    """

    def __init__(self, generate: Callable[[], str], storage: UserIdStorage | None = None) -> None:
        self._generate = generate
        self._storage = storage
        self._lock = threading.Lock()
        fork_safety.watch_locks(self, "_lock")
        self._id: str | None = None

    def __call__(self) -> str:
        """Return the id."""
        with self._lock:
            if self._id is None:
                user_id = self._generate()
                self._id = self._storage.load_or_store(user_id) if self._storage else user_id
            return self._id


def _read(file: Path) -> str | None:
    try:
        text = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return text if _ANONYMOUS.fullmatch(text) else None


def _write_new(file: Path, text: str) -> None:
    """Write a file in one step, unless it is there: of several processes one wins, and all read what it wrote."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".user-id-")  # it has mode 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as temporary:
            temporary.write(text + "\n")
        _move_unless_there(Path(name), file)
    finally:
        Path(name).unlink(missing_ok=True)


def _move_unless_there(temporary: Path, file: Path) -> None:
    if file.exists() and _read(file) is None:  # damaged: no process can be using it
        temporary.replace(file)
        return
    try:
        os.link(temporary, file)
    except FileExistsError:
        return
    except (OSError, AttributeError):  # a file system without links
        temporary.replace(file)

"""Stubs in files, as WireMock writes them: one to a file, or several under `mappings`."""

from __future__ import annotations

import json
import os
import re
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

from duologue.contract import strict_json
from duologue_mock.control.errors import ControlError
from duologue_mock.control.stubs.mapping import StubMapping, read_stub

_MAX_NAME = 60
_SKIPPED = "__files"
"""WireMock's folder of response bodies, beside its folder of mappings."""


class MappingFileError(ValueError):
    """A file of stubs is not valid, or cannot be written; the message names the file and what is wrong with it."""


class MappingFolder:
    """A folder of stub files.

    Nothing outside of it is read or written, whatever a stub is called and wherever a link leads.

    Args:
        path: the folder.

    Raises:
        MappingFileError: it is no folder, or a file in it is not valid.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        if not self._path.is_dir():
            raise MappingFileError(f"{path} is not a folder. Create it, or pass another one.")
        self._files: dict[uuid.UUID, Path] = {}
        self._contents: dict[Path, list[StubMapping]] = {}
        self.stubs: tuple[StubMapping, ...] = tuple(self._load())
        """The stubs in it, the oldest first."""

    def save(self, stubs: Sequence[StubMapping], removed: Sequence[uuid.UUID] = ()) -> None:
        """Write stubs, each to the file that it is from, or to one of its own, with its place among the others.

        Args:
            stubs: the stubs, the oldest first.
            removed: ids of stubs that are gone from the folder.

        Raises:
            MappingFileError: a file cannot be written.
        """
        current = {stub.id: stub for stub in self.stubs if stub.id not in removed}
        current |= {stub.id: stub for stub in stubs}
        places = {id: index for index, id in enumerate(current)}
        for path, previous in list(self._contents.items()):
            remaining = [current[stub.id] for stub in previous if stub.id in current]
            self._write(path, remaining, places, is_list=len(previous) > 1)
        for stub in current.values():
            if stub.id not in self._files:
                self._write(self._path / _choose_name(stub), [stub], places, is_list=False)
        self.stubs = tuple(current.values())

    def _write(self, path: Path, stubs: list[StubMapping], places: dict[uuid.UUID, int], *, is_list: bool) -> None:
        for stub in self._contents.pop(path, []):
            del self._files[stub.id]
        if not stubs:
            path.unlink(missing_ok=True)
            return
        documents = [{**stub.json, "insertionIndex": places[stub.id]} for stub in stubs]
        _replace_file(path, {"mappings": documents} if is_list else documents[0])
        self._note(path, stubs)

    def _note(self, path: Path, stubs: list[StubMapping]) -> None:
        self._contents[path] = stubs
        self._files |= {stub.id: path for stub in stubs}

    def _load(self) -> Iterator[StubMapping]:
        loaded: list[tuple[int, StubMapping]] = []
        for path in self._list_files():
            stubs = list(_read_file(path, str(path.relative_to(self._path))))
            for _, stub in stubs:
                if stub.id in self._files:
                    other = self._files[stub.id]
                    raise MappingFileError(f"{path}: the id {stub.id} is that of a stub in {other} too.")
                self._files[stub.id] = path
            self._contents[path] = [stub for _, stub in stubs]
            loaded += stubs
        for _, stub in sorted(loaded, key=lambda pair: pair[0]):
            yield stub

    def _list_files(self) -> list[Path]:
        root = self._path.resolve()
        files = []
        for path in sorted(self._path.rglob("*.json")):
            parts = path.relative_to(self._path).parts
            if _SKIPPED in parts or any(part.startswith(".") for part in parts):
                continue
            if not path.resolve().is_relative_to(root):
                raise MappingFileError(f"{path} leads out of the folder. Copy the file into it.")
            files.append(path)
        return files


def _read_file(path: Path, name: str) -> Iterator[tuple[int, StubMapping]]:
    """Return the stubs of a file, each with its `insertionIndex`.

    Args:
        path: the file.
        name: its path within the folder.
    """
    try:
        value = strict_json.loads(path.read_bytes())
    except (OSError, strict_json.StrictJSONError) as error:
        raise MappingFileError(f"{path}: {error}") from None
    several = isinstance(value, dict) and "mappings" in value
    documents = value["mappings"] if several else [value]
    if not isinstance(documents, list):
        raise MappingFileError(f"{path}: mappings must be a list.")
    for number, document in enumerate(documents):
        # An id that is the same at each start, so that what is saved replaces what it is from.
        new_id = uuid.UUID(int=Random(f"{name}:{number}").getrandbits(128), version=4)  # noqa: S311  # the same id at every start
        try:
            stub = read_stub(document, f"/mappings/{number}" if several else "", new_id)
        except ControlError as error:
            raise MappingFileError(f"{path}: {error.pointer or '/'}: {error.detail}") from None
        yield _get_index(document), stub.as_persistent()


def _get_index(document: dict[str, Any]) -> int:
    """Return the place that a file says its stub has among the others; those without one come first."""
    index = document.get("insertionIndex")
    return index if isinstance(index, int) else -1


def _choose_name(stub: StubMapping) -> str:
    """Return a file name that says what the stub is, in characters that every system takes."""
    request = stub.pattern.dump()
    urls = (request[name] for name in request if name.startswith("url") or name == "operation")
    label = stub.name or f"{request.get('method', 'any')}-{next(urls, 'always')}"
    slug = re.sub(r"[^a-z0-9]+", "-", str(label).lower()).strip("-")[:_MAX_NAME]
    return f"{slug or 'stub'}-{stub.id}.json"


def _replace_file(path: Path, document: Any) -> None:
    """Write JSON to a file, whole or not at all."""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise MappingFileError(f"{path} cannot be written: {error.strerror}. Check the permissions.") from None

"""Presets: named starting points, each a JSON file with data, settings, stubs and the time."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from marshmallow import ValidationError

from duologue.contract import strict_json
from duologue.contract.fields import Timestamp
from duologue_mock.control.errors import ControlError, invalid, not_found
from duologue_mock.control.global_settings import GlobalSettings
from duologue_mock.control.json_keys import join_pointer, read_object, show
from duologue_mock.control.json_values import read_list
from duologue_mock.control.realtime.message_mappings import MessageMapping, check_number, read_message_mapping
from duologue_mock.control.state.export import TakeTurns
from duologue_mock.control.state.load import load_records
from duologue_mock.control.state.run_time_settings import read_settings
from duologue_mock.control.state.starting_point import StartingPoint
from duologue_mock.control.stubs.mapping import StubMapping, read_stub
from duologue_mock.store import State
from duologue_mock.store.generated_data import GeneratedData
from duologue_mock.store.seed import FixtureError
from duologue_mock.store.state import Capture

KEYS = ("description", "fixtures", "generate", "settings", "globalSettings", "mappings", "messageMappings", "clock")
MAX_RECORDS = 100_000
"""The most users, chats or messages that a preset has generated."""
MAX_SIZE = 32 * 1024 * 1024
"""Bytes of the largest file."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}", re.ASCII)


_MAX_GENERATED = 4
"""Of the generated data, the last ones are kept: generating takes a while."""


class PresetError(FixtureError):
    """A preset is not valid; the message names it and what is wrong."""


@dataclass(frozen=True)
class PresetSummary:
    """What a list of presets says of one."""

    name: str
    description: str
    is_shipped: bool


class Presets:
    """The presets shipped with Duologue, and those of a folder, which come before shipped ones of the same name.

    Args:
        folder: the folder; None for the shipped ones alone.

    Raises:
        PresetError: there is no such folder.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self._folder = None if folder is None else Path(folder).resolve()
        self._generated: dict[tuple[int, int, int], Capture] = {}
        if self._folder is not None and not self._folder.is_dir():
            raise PresetError(f"{folder}: there is no such folder of presets.")

    def list(self) -> list[PresetSummary]:
        """Return all presets by name. A file that is not valid is listed with what is wrong."""
        files = dict(self._iterate_files())
        return [self._summarize(name, *files[name]) for name in sorted(files)]

    def build(self, name: str, base: StartingPoint, take_turns: TakeTurns = lambda: None) -> StartingPoint:
        """Return the starting point that a preset describes.

        Args:
            name: its name.
            base: what is taken of what it leaves out.
            take_turns: called between the records.

        Raises:
            ControlError: there is none of this name (404), or it is not valid (422): the error names record and field.
        """
        fields = read_object(self._read(name), "", KEYS)
        now, is_frozen = _read_clock(fields.get("clock", {}))
        return replace(
            base,
            capture=self._load_data(fields, base.capture, take_turns),
            settings=read_settings(fields.get("settings", {}), "/settings", base.settings),
            now=now,
            is_frozen=is_frozen,
            stubs=_read_stubs(name, fields.get("mappings", [])),
            message_mappings=_read_message_mappings(name, fields.get("messageMappings", [])),
            global_settings=_read_global_settings(fields.get("globalSettings")),
            preset=name,
        )

    def build_first(self, name: str, base: StartingPoint) -> StartingPoint:
        """Return the starting point that a preset describes, as the mock starts.

        Raises:
            PresetError: there is none of this name, or it is not valid.
        """
        try:
            return self.build(name, base)
        except ControlError as error:
            place = f"{error.pointer}: " if error.pointer else ""
            raise PresetError(f"Preset {name!r}: {place}{error.detail or error.title}") from None

    def _load_data(self, fields: Mapping[str, Any], base: Capture, take_turns: TakeTurns) -> Capture:
        if "generate" in fields:
            if "fixtures" in fields:
                raise invalid("/generate", "Must be left out if there are `fixtures`.")
            capture = self._generate(_read_counts(fields["generate"]), take_turns)
        elif "fixtures" in fields:
            state = State()
            records = read_object(fields["fixtures"], "/fixtures", ("users", "chats", "messages"))
            load_records(state, records, "/fixtures", take_turns)
            capture = state.capture()
        else:
            return base
        return replace(capture, ids=base.ids, started=base.started)

    def _generate(self, counts: tuple[int, int, int], take_turns: TakeTurns) -> Capture:
        capture = self._generated.get(counts)
        if capture is None:
            users, chats, messages = counts
            state = State()
            data = GeneratedData(users=users, chats=chats, messages=messages, seed=0)
            for _ in data.add_to(state):
                take_turns()
            capture = state.capture()
            while len(self._generated) >= _MAX_GENERATED:
                del self._generated[next(iter(self._generated))]
            self._generated[counts] = capture
        return capture

    def _read(self, name: str) -> dict[str, Any]:
        """Return the JSON of a preset.

        Raises:
            ControlError: there is none of this name (404), or it is not JSON (422).
        """
        file = self._find(name)
        if file is None:
            names = ", ".join(summary.name for summary in self.list())
            error = not_found(f"preset {name[:100]!r}")
            error.detail = f"There are {names}."
            raise error
        return _read_file(file)

    def _find(self, name: str) -> Traversable | None:
        if not _NAME.fullmatch(name):
            return None
        own, shipped = self._get_own_file(name), _get_shipped_folder() / f"{name}.json"
        return own or (shipped if shipped.is_file() else None)

    def _get_own_file(self, name: str) -> Path | None:
        """Return the file of a preset of the folder; none that a link leads to outside of it."""
        if self._folder is None:
            return None
        file = (self._folder / f"{name}.json").resolve()
        return file if file.is_file() and file.is_relative_to(self._folder) else None

    def _iterate_files(self) -> Iterator[tuple[str, tuple[Traversable, bool]]]:
        for file in _get_shipped_folder().iterdir():
            if file.name.endswith(".json"):
                yield file.name.removesuffix(".json"), (file, True)
        for path in self._folder.glob("*.json") if self._folder is not None else ():
            own = self._get_own_file(path.stem) if _NAME.fullmatch(path.stem) else None
            if own is not None:
                yield path.stem, (own, False)

    def _summarize(self, name: str, file: Traversable, is_shipped: bool) -> PresetSummary:
        try:
            description = str(_read_file(file).get("description", ""))
        except ControlError as error:
            description = f"Not valid: {error}"
        return PresetSummary(name, description, is_shipped)


def _read_counts(value: Any) -> tuple[int, int, int]:
    """Return how many users, chats and messages are generated."""
    counts = read_object(value, "/generate", ("users", "chats", "messages"))
    for kind, count in counts.items():
        if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= MAX_RECORDS:
            raise invalid(f"/generate/{kind}", f"Must be a whole number from 0 to {MAX_RECORDS}, not {show(count)}.")
    users, chats, messages = (counts.get(kind, 0) for kind in ("users", "chats", "messages"))
    if messages and not chats:
        raise invalid("/generate/messages", "Messages need `chats`, which they belong to.")
    return users, chats, messages


def _read_clock(value: Any) -> tuple[Any, bool]:
    """Return the time that the clock is set to, None for the machine's, and whether it stands still."""
    fields = read_object(value, "/clock", ("now", "frozen"))
    frozen = fields.get("frozen", False)
    if not isinstance(frozen, bool):
        raise invalid("/clock/frozen", f"Must be true or false, not {show(frozen)}.")
    try:
        return (Timestamp().deserialize(fields["now"]) if "now" in fields else None), frozen
    except ValidationError as error:
        raise invalid("/clock/now", f"{' '.join(error.messages)} It is {show(fields['now'])}.") from None


def _create_id(name: str, pointer: str) -> uuid.UUID:
    """Return an id for what a preset describes: the same each time, as its probability depends on it."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"preset {name} {pointer}")


def _read_stubs(name: str, value: Any) -> tuple[StubMapping, ...]:
    return tuple(read_stub(one, pointer, _create_id(name, pointer)) for pointer, one in _iterate(value, "/mappings"))


def _read_message_mappings(name: str, value: Any) -> tuple[MessageMapping, ...]:
    mappings = tuple(
        read_message_mapping(one, pointer, _create_id(name, pointer))
        for pointer, one in _iterate(value, "/messageMappings")
    )
    check_number(len(mappings))
    return mappings


def _iterate(value: Any, pointer: str) -> Iterator[tuple[str, Any]]:
    """Yield what is in a list, with its pointer."""
    for number, one in enumerate(read_list(value, pointer)):
        yield join_pointer(pointer, number), one


def _read_global_settings(value: Any) -> Mapping[str, Any] | None:
    if value is not None:
        GlobalSettings().load(value, "/globalSettings")
    settings: Mapping[str, Any] | None = value
    return settings


def _read_file(file: Traversable) -> dict[str, Any]:
    """Return a file's JSON object.

    Raises:
        ControlError: it cannot be read, or it is not a JSON object (422).
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_SIZE + 1)
        if len(data) > MAX_SIZE:
            raise invalid("", f"{file.name} has more than {MAX_SIZE} bytes.", "Invalid preset")
        value = strict_json.loads(data)
    except (OSError, strict_json.StrictJSONError) as error:
        raise invalid("", f"{file.name}: {error}", "Invalid preset") from None
    if not isinstance(value, dict):
        raise invalid("", f"{file.name}: not a JSON object.", "Invalid preset")
    return value


def _get_shipped_folder() -> Traversable:
    return resources.files("duologue_mock.fixtures") / "presets"

"""Seeding a state with the users, sessions and messages of fixture files, which are validated by the contract."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from duologue.contract import strict_json
from duologue.contract.chats import ChatSessionSchema
from duologue.contract.messages import ChatMessageSchema
from duologue.contract.users import UserSchema
from duologue_mock.store.state import State
from duologue_mock.store.users import EmailTakenError

DEFAULT_OWNER = "anonymous-user"
"""The `x-user-id` of fixture sessions that name no owner: the default user of the Smart Chat API specification."""


class FixtureError(ValueError):
    """A fixture file is not valid; the message names the file, the record and the field."""


class UserRecordSchema(UserSchema):
    """A user, with the password if the user can log in."""

    password = fields.String(validate=validate.Length(min=1, max=200))


class ChatRecordSchema(ChatSessionSchema):
    """A chat session, with the user id of its owner."""

    owner = fields.String(data_key="userId", load_default=DEFAULT_OWNER)


class Fixtures:
    """A folder of fixture files. A missing file is taken from those shipped with Duologue.

    Args:
        folder: the folder; None for the shipped files alone.

    Raises:
        FixtureError: there is no such folder.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self._folder = None if folder is None else Path(folder)
        if self._folder is not None and not self._folder.is_dir():
            raise FixtureError(f"{folder}: there is no such folder of fixtures.")

    def seed(self, state: State) -> None:
        """Add all users, sessions and messages to an empty state.

        Raises:
            FixtureError: a file is not valid.
        """
        with state:
            self._seed_users(state)
            self._seed_chats(state)
            self._seed_messages(state)

    def _seed_users(self, state: State) -> None:
        schema = UserRecordSchema()
        for place, record in self._read_records("users.json"):
            password = record.get("password") if isinstance(record, dict) else None
            user = load_record(schema, record, place)
            try:
                state.users.add(user, password)
            except EmailTakenError:
                raise FixtureError(f"{place}.email: {user.email!r} belongs to another user.") from None
            except ValueError as error:
                raise FixtureError(f"{place}.id: {error}") from None

    def _seed_chats(self, state: State) -> None:
        schema = ChatRecordSchema()
        for place, record in self._read_records("chats.json"):
            session = load_record(schema, record, place)
            try:
                state.chats.add(record.get("userId", DEFAULT_OWNER), session)
            except ValueError as error:
                raise FixtureError(f"{place}._id: {error}") from None

    def _seed_messages(self, state: State) -> None:
        schema = ChatMessageSchema()
        ids: set[str] = set()
        for place, record in self._read_records("messages.json"):
            message = load_record(schema, record, place)
            if message.id in ids:
                raise FixtureError(f"{place}._id: There is a message with the id {message.id!r} already.")
            ids.add(message.id)
            try:
                state.chats.add_message(message)
            except KeyError:
                raise FixtureError(f"{place}.sessionId: There is no session {message.session_id!r}.") from None

    def _read_records(self, name: str) -> Iterator[tuple[str, Any]]:
        file, data = self.read(name)
        if not isinstance(data, list):
            raise FixtureError(f"{file}: must hold a list.")
        for index, record in enumerate(data):
            yield f"{file}: [{index}]", record

    def read(self, name: str) -> tuple[str, Any]:
        """Return the path of a fixture file, and its JSON.

        Raises:
            FixtureError: it is not JSON, or a link that leads out of the folder.
        """
        file: Traversable = resources.files("duologue_mock.fixtures") / name
        if self._folder is not None and (self._folder / name).exists():
            file = self._folder / name
            if not (self._folder / name).resolve().is_relative_to(self._folder.resolve()):
                raise FixtureError(f"{file} leads outside of the folder. Copy the file into it.")
        try:
            return str(file), strict_json.loads(file.read_bytes())
        except (strict_json.StrictJSONError, OSError) as error:
            raise FixtureError(f"{file}: {error}") from error


def load_record(schema: Schema, record: Any, place: str) -> Any:
    """Return what a schema loads from a record.

    Args:
        schema: the record's schema.
        record: its JSON.
        place: its file, and where it is in it.

    Raises:
        FixtureError: the record is not valid.
    """
    try:
        return schema.load(record)
    except ValidationError as error:
        raise FixtureError(f"{place}{_format_first(error.messages)}") from error


def _format_first(messages: Any, path: str = "") -> str:
    while isinstance(messages, dict):
        key, messages = next(iter(messages.items()))
        path += f"[{key}]" if isinstance(key, int) else "" if key == "_schema" else f".{key}"
    return f"{path}: {messages[0]}"

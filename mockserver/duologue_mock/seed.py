"""The data a mock starts with, read from fixture files and checked against the contract."""

from __future__ import annotations

import re
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
from duologue_mock.assistant import Rule, Rules
from duologue_mock.store import State
from duologue_mock.store.users import EmailTakenError

DEFAULT_OWNER = "anonymous-user"
"""The `x-user-id` of fixture sessions that name no owner: the chat document's own default user."""


class FixtureError(ValueError):
    """A fixture file is not as it should be; the message names the file and the place in it."""


class _UserRow(UserSchema):
    password = fields.String(validate=validate.Length(min=1, max=200))


class _ChatRow(ChatSessionSchema):
    owner = fields.String(data_key="userId", load_default=DEFAULT_OWNER)


class _RuleRow(Schema):
    pattern = fields.String(required=True)
    replies = fields.List(fields.String(), required=True, validate=validate.Length(min=1))


class _RulesFile(Schema):
    rules = fields.List(fields.Nested(_RuleRow), required=True)
    fallback = fields.List(fields.String(), required=True, validate=validate.Length(min=1))
    common_words = fields.List(fields.String(), data_key="commonWords", load_default=list)


class Fixtures:
    """A folder of fixture files. A file that is not there is taken from those shipped with us.

    Args:
        folder: the folder; None for the shipped files alone.
    """

    def __init__(self, folder: Path | None = None) -> None:
        if folder is not None and not folder.is_dir():
            raise FixtureError(f"{folder}: there is no such folder of fixtures.")
        self._folder = folder

    def seed(self, state: State) -> None:
        """Put all users, sessions and messages into an empty state; raise `FixtureError`."""
        with state:
            self._seed_users(state)
            self._seed_chats(state)
            self._seed_messages(state)

    def rules(self) -> Rules:
        """Return the smart-chat rules; raise `FixtureError`."""
        name, data = self._read("smart_chat.json")
        loaded = _checked(_RulesFile(), data, name)
        rules = []
        for index, row in enumerate(loaded["rules"]):
            try:
                rules.append(Rule(re.compile(row["pattern"], re.IGNORECASE), tuple(row["replies"])))
            except (re.error, OverflowError, RecursionError) as error:
                raise FixtureError(f"{name}: rules[{index}].pattern: Not a regular expression: {error}.") from error
        return Rules(rules, tuple(loaded["fallback"]), frozenset(loaded["common_words"]))

    def _seed_users(self, state: State) -> None:
        schema = _UserRow()
        for place, row in self._rows("users.json"):
            password = row.get("password") if isinstance(row, dict) else None
            user = _checked(schema, row, place)
            try:
                state.users.add(user, password)
            except EmailTakenError:
                raise FixtureError(f"{place}.email: {user.email!r} belongs to another user.") from None
            except ValueError as error:
                raise FixtureError(f"{place}.id: {error}") from None

    def _seed_chats(self, state: State) -> None:
        schema = _ChatRow()
        for place, row in self._rows("chats.json"):
            session = _checked(schema, row, place)
            try:
                state.chats.add(row.get("userId", DEFAULT_OWNER), session)
            except ValueError as error:
                raise FixtureError(f"{place}._id: {error}") from None

    def _seed_messages(self, state: State) -> None:
        schema = ChatMessageSchema()
        ids: set[str] = set()
        for place, row in self._rows("messages.json"):
            message = _checked(schema, row, place)
            if message.id in ids:
                raise FixtureError(f"{place}._id: There is a message with the id {message.id!r} already.")
            ids.add(message.id)
            try:
                state.chats.add_message(message)
            except KeyError:
                raise FixtureError(f"{place}.sessionId: There is no session {message.session_id!r}.") from None

    def _rows(self, name: str) -> Iterator[tuple[str, Any]]:
        where, data = self._read(name)
        if not isinstance(data, list):
            raise FixtureError(f"{where}: must hold a list.")
        for index, row in enumerate(data):
            yield f"{where}: [{index}]", row

    def _read(self, name: str) -> tuple[str, Any]:
        file: Traversable = resources.files("duologue_mock.fixtures") / name
        if self._folder is not None and (self._folder / name).exists():
            file = self._folder / name
        try:
            return str(file), strict_json.loads(file.read_bytes())
        except (strict_json.StrictJSONError, OSError) as error:
            raise FixtureError(f"{file}: {error}") from error


def _checked(schema: Schema, row: Any, place: str) -> Any:
    try:
        return schema.load(row)
    except ValidationError as error:
        raise FixtureError(f"{place}{_first(error.messages)}") from error


def _first(messages: Any, path: str = "") -> str:
    while isinstance(messages, dict):
        key, messages = next(iter(messages.items()))
        path += f"[{key}]" if isinstance(key, int) else "" if key == "_schema" else f".{key}"
    return f"{path}: {messages[0] if isinstance(messages, list) else messages}"

"""Reading the JSON document of a namespace's data: all of it is valid by the contract, or nothing is loaded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from marshmallow import Schema, ValidationError

from duologue.contract.fields import Timestamp
from duologue.contract.messages import ChatMessageSchema
from duologue_mock.control.errors import ControlError, invalid
from duologue_mock.control.json_keys import join_pointer, read_object, show
from duologue_mock.control.json_values import read_list
from duologue_mock.control.state.export import VERSION, TakeTurns
from duologue_mock.store import State
from duologue_mock.store.clock import ClockSetting, IdPosition
from duologue_mock.store.seed import DEFAULT_OWNER, ChatRecordSchema, UserRecordSchema
from duologue_mock.store.sessions import MAX_SESSIONS, MAX_USED_TOKENS, LoginsCapture, LoginSession
from duologue_mock.store.state import Capture
from duologue_mock.store.users import EmailTakenError

KEYS = (
    "version",
    "users",
    "chats",
    "messages",
    "logins",
    "usedRefreshTokens",
    "lastUserId",
    "startedAt",
    "ids",
    "clock",
)
MAX_REASONS = 20
"""Invalid fields of one record that an error names."""

_MAX_DIGITS = 1000
"""Of the numbers that users' ids are counted by."""
_MAX_SECONDS = 10.0**15


@dataclass(frozen=True)
class LoadedState:
    """What a document says. None of what it does not say: that stays as it is."""

    capture: Capture
    clock: ClockSetting | None


def load_state(document: Any, current: Capture, take_turns: TakeTurns = lambda: None) -> LoadedState:
    """Return the data of a JSON document.

    Users, sessions, messages and logins that it leaves out are none; position of ids, start and clock stay as they are.

    Args:
        document: the JSON.
        current: the data that it replaces.
        take_turns: called between the records.

    Raises:
        ControlError: it is not valid (422); the error names the record and its fields.
    """
    fields = read_object(document, "", KEYS)
    if fields.get("version") != VERSION or isinstance(fields.get("version"), bool):
        raise invalid("/version", f"Must be {VERSION}, the version of the document, not {show(fields.get('version'))}.")
    draft = State()
    load_records(draft, fields, "", take_turns)
    users = draft.users.capture()
    last_number = max(users.last_number, _read_last_number(fields.get("lastUserId", "0")))
    capture = Capture(
        users=replace(users, last_number=last_number),
        logins=_load_logins(draft, fields, take_turns),
        chats=draft.chats.capture(),
        ids=_load_ids(fields["ids"]) if "ids" in fields else current.ids,
        started=_read_seconds(fields["startedAt"], "/startedAt") if "startedAt" in fields else current.started,
    )
    return LoadedState(capture, _load_clock(fields["clock"]) if "clock" in fields else None)


def load_records(state: State, fields: Mapping[str, Any], pointer: str, take_turns: TakeTurns) -> None:
    """Add the users, chat sessions and messages of JSON to an empty state.

    Args:
        state: the state.
        fields: lists under `users`, `chats` and `messages`.
        pointer: where they are (RFC 6901).
        take_turns: called between the records.

    Raises:
        ControlError: a record is not valid (422).
    """
    for place, record in _iterate(fields, "users", pointer, take_turns):
        _add_user(state, record, place)
    for place, record in _iterate(fields, "chats", pointer, take_turns):
        _add_chat(state, record, place)
    ids: set[str] = set()
    for place, record in _iterate(fields, "messages", pointer, take_turns):
        message = _load_record(_MESSAGES, record, place)
        if message.id in ids:
            raise invalid(f"{place}/_id", f"There is a message with the id {show(message.id)} already.")
        ids.add(message.id)
        try:
            state.chats.add_message(message)
        except KeyError:
            raise invalid(f"{place}/sessionId", f"There is no session {show(message.session_id)}.") from None


def _add_user(state: State, record: Any, place: str) -> None:
    user = _load_record(_USERS, record, place)
    try:
        state.users.add(user, record.get("password"))
    except EmailTakenError:
        raise invalid(f"{place}/email", f"{show(user.email)} belongs to another user.") from None
    except ValueError as error:
        raise invalid(f"{place}/id", str(error)) from None


def _add_chat(state: State, record: Any, place: str) -> None:
    chat = _load_record(_CHATS, record, place)
    try:
        state.chats.add(record.get("userId", DEFAULT_OWNER), chat)
    except ValueError as error:
        raise invalid(f"{place}/_id", str(error)) from None


def _iterate(fields: Mapping[str, Any], name: str, pointer: str, take_turns: TakeTurns) -> Iterator[tuple[str, Any]]:
    """Yield the records of a list, each with its pointer."""
    for number, record in enumerate(read_list(fields.get(name, []), f"{pointer}/{name}")):
        take_turns()
        yield f"{pointer}/{name}/{number}", record


def _load_record(schema: Schema, record: Any, place: str) -> Any:
    try:
        return schema.load(record)
    except ValidationError as error:
        reasons = [invalid(pointer, reason) for pointer, reason in _list_reasons(error.messages, place)][:MAX_REASONS]
        first, *others = reasons
        raise ControlError(422, first.title, detail=first.detail, pointer=first.pointer, errors=tuple(others)) from None


def _list_reasons(messages: Any, pointer: str) -> Iterator[tuple[str, str]]:
    """Yield each invalid field's pointer, and why it is invalid."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            yield from _list_reasons(inner, pointer if key == "_schema" else join_pointer(pointer, key))
    else:
        yield pointer, " ".join(messages)


def _load_logins(draft: State, fields: Mapping[str, Any], take_turns: TakeTurns) -> LoginsCapture:
    sessions: dict[str, LoginSession] = {}
    tokens: dict[str, str] = {}
    records = list(_iterate(fields, "logins", "", take_turns))
    if len(records) > MAX_SESSIONS:
        raise invalid("/logins", f"Must have at most {MAX_SESSIONS} logins, not {len(records)}.")
    for place, record in records:
        session = _load_login(record, place)
        if draft.users.get(session.user_id) is None:
            raise invalid(f"{place}/userId", f"There is no user {show(session.user_id)}.")
        if session.id in sessions:
            raise invalid(f"{place}/id", f"There is a login with the id {show(session.id)} already.")
        if session.refresh_token in tokens:
            raise invalid(f"{place}/refreshToken", "Another login has the same refresh token.")
        sessions[session.id] = session
        tokens[session.refresh_token] = session.id
    return LoginsCapture(sessions, tokens, _load_used_tokens(fields.get("usedRefreshTokens", {}), sessions, tokens))


def _load_login(record: Any, place: str) -> LoginSession:
    keys = ("id", "userId", "refreshToken", "expiresAt")
    fields = read_object(record, place, keys)
    for key in keys[:3]:
        if not isinstance(fields.get(key), str) or not fields[key]:
            raise invalid(f"{place}/{key}", f"Must be a text that is not empty, not {show(fields.get(key))}.")
    expires_at = _read_seconds(fields["expiresAt"], f"{place}/expiresAt") if "expiresAt" in fields else math.inf
    return LoginSession(fields["id"], fields["userId"], fields["refreshToken"], expires_at)


def _load_used_tokens(value: Any, sessions: Mapping[str, LoginSession], tokens: Mapping[str, str]) -> dict[str, str]:
    place = "/usedRefreshTokens"
    if not isinstance(value, dict):
        raise invalid(place, f"Must be a JSON object of tokens and ids of logins, not {show(value)}.")
    if len(value) > MAX_USED_TOKENS:
        raise invalid(place, f"Must have at most {MAX_USED_TOKENS} tokens, not {len(value)}.")
    for token, session_id in value.items():
        if not isinstance(session_id, str) or session_id not in sessions:
            raise invalid(join_pointer(place, token), f"There is no login {show(session_id)}.")
        if token in tokens:
            raise invalid(join_pointer(place, token), "It is the refresh token of a login: it is not used yet.")
    return dict(value)


def _load_ids(value: Any) -> IdPosition:
    fields = read_object(value, "/ids", ("objects", "notifications", "tokens"))
    for name, number in fields.items():
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 2**63:
            raise invalid(f"/ids/{name}", f"Must be a whole number of at least 0, not {show(number)}.")
    return IdPosition(**fields)


def _load_clock(value: Any) -> ClockSetting:
    fields = read_object(value, "/clock", ("frozenAt", "offsetMilliseconds"))
    offset = fields.get("offsetMilliseconds", 0)
    if not isinstance(offset, int) or isinstance(offset, bool):
        raise invalid("/clock/offsetMilliseconds", f"Must be a whole number of milliseconds, not {show(offset)}.")
    if "frozenAt" not in fields:
        return ClockSetting(offset)
    if offset:
        raise invalid("/clock/offsetMilliseconds", "Must be left out if `frozenAt` is there.")
    try:
        return ClockSetting(frozen_at=Timestamp().deserialize(fields["frozenAt"]))
    except ValidationError as error:
        raise invalid("/clock/frozenAt", f"{' '.join(error.messages)} It is {show(fields['frozenAt'])}.") from None


def _read_seconds(value: Any, pointer: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _MAX_SECONDS:
        raise invalid(pointer, f"Must be seconds since 1970, not {show(value)}.")
    return float(value)


def _read_last_number(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS:
        return int(value)
    raise invalid("/lastUserId", f"Must be the highest number that was a user's id, as a text, not {show(value)}.")


_USERS, _CHATS, _MESSAGES = UserRecordSchema(), ChatRecordSchema(), ChatMessageSchema()

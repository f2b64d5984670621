"""Fixtures: which files are read, and that an error names file, record and field."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from duologue_mock import MockServer
from duologue_mock.assistant import load_rules
from duologue_mock.store import State
from duologue_mock.store.seed import DEFAULT_OWNER, FixtureError, Fixtures
from tests.mockserver.test_assistant import request

USER = {"id": "9", "name": "Ada", "email": "ada@example.com", "role": "admin"}
MOMENT = "2024-05-01T10:00:00.000Z"
CHAT = {
    "_id": "chat-9",
    "title": "Plans",
    "isFavorite": True,
    "lastMessageAt": MOMENT,
    "createdAt": MOMENT,
    "updatedAt": MOMENT,
}
MESSAGE = {"_id": "m-9", "sessionId": "test-session-1", "sender": "user", "content": "Hi", "createdAt": MOMENT}
RULES = {"rules": [{"pattern": "tea", "replies": ["Milk?"]}], "fallback": ["Hm."]}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write fixture files, `users=[…]` to `users.json`; bytes as they are, anything else as JSON."""

    def write(**files: Any) -> Path:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            (tmp_path / f"{name}.json").write_bytes(data)
        return tmp_path

    return write


def seed_state(folder: Path | None = None) -> State:
    state = State()
    Fixtures(folder).seed(state)
    return state


def read_all(fixtures: Fixtures) -> None:
    fixtures.seed(State())
    load_rules(fixtures)


def without(row: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != key}


def test_shipped_fixtures() -> None:
    state = seed_state()
    assert [(user.id, user.email, user.role) for user in state.users] == [
        ("1", "john@example.com", "admin"),
        ("2", "jane@example.com", "user"),
    ]
    assert all(state.users.password_matches(user, "password") for user in state.users)
    session = state.chats.get(DEFAULT_OWNER, "test-session-1")
    assert session is not None
    assert [message.id for message in state.chats.messages(session.id)] == ["test-message-1"]


def test_own_fixtures(write: Write) -> None:
    folder = write(
        users=[{**USER, "password": "sesam"}],
        chats=[{**CHAT, "userId": "ada"}, {**CHAT, "_id": "chat-10"}],
        messages=[
            {**MESSAGE, "sessionId": "chat-9"},
            {**MESSAGE, "sessionId": "chat-9", "_id": "m-10", "context": {"a": [1]}},
        ],
        smart_chat=RULES,
    )
    state = seed_state(folder)
    ada = state.users.get("9")
    assert ada is not None
    assert state.users.password_matches(ada, "sesam")
    assert state.users.next_id() == "10"
    assert state.chats.get("ada", "chat-9") is not None
    assert state.chats.get(DEFAULT_OWNER, "chat-10") is not None
    assert [message.context for message in state.chats.messages("chat-9")] == [None, {"a": [1]}]
    assert load_rules(Fixtures(folder))(request("TEA")) == "Milk?"
    assert load_rules(Fixtures(folder))(request("coffee")) == "Hm."


def test_missing_file(write: Write) -> None:
    folder = write(users=[USER])
    state = seed_state(folder)
    assert [user.id for user in state.users] == ["9"]
    assert state.chats.get(DEFAULT_OWNER, "test-session-1") is not None
    assert load_rules(Fixtures(folder))(request("bye")).startswith("Goodbye")


def test_empty_folder(tmp_path: Path) -> None:
    assert list(seed_state(tmp_path).users) == list(seed_state().users)


def test_empty_lists(write: Write) -> None:
    state = seed_state(write(users=[], chats=[], messages=[], smart_chat={"rules": [], "fallback": ["Hm."]}))
    assert (len(state.users), len(state.chats)) == (0, 0)


def test_other_files_are_ignored(write: Write) -> None:
    assert len(seed_state(write(notes=b"{not json")).users) == 2


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_missing_folder(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "fixtures"
    if kind == "file":
        place.touch()
    with pytest.raises(FixtureError, match=r"fixtures: there is no such folder"):
        Fixtures(place)


RECORDS: list[tuple[str, dict[str, Any]]] = [("users", USER), ("chats", CHAT), ("messages", MESSAGE)]

INVALID_FILES: list[tuple[str, Any, str]] = [
    *[(name, "[]\n{}", "Not JSON") for name in ("users", "chats", "messages", "smart_chat")],
    *[(name, "\xff", "Not UTF-8") for name in ("users", "chats", "messages", "smart_chat")],
    *[(name, "", "Not JSON") for name in ("users", "chats", "messages", "smart_chat")],
    *[(name, '[{"id": 1, "id": 2}]', "'id' occurs twice") for name in ("users", "chats", "messages", "smart_chat")],
    *[(name, "[NaN]", "NaN") for name in ("users", "chats", "messages", "smart_chat")],
    *[(name, {}, "must hold a list") for name, _ in RECORDS],
    *[(name, None, "must hold a list") for name, _ in RECORDS],
    *[(name, [row, 5], r"\[1\]: Invalid input type") for name, row in RECORDS],
    *[(name, [row, []], r"\[1\]: Invalid input type") for name, row in RECORDS],
    *[(name, [row, None], r"\[1\]: Invalid input type") for name, row in RECORDS],
    *[(name, [{**row, "typo": 1}], r"\[0\]\.typo: Unknown field") for name, row in RECORDS],
    *[(name, [without(row, key)], rf"\[0\]\.{key}: Missing data") for name, row in RECORDS for key in row],
    *[(name, [{**row, key: []}], rf"\[0\]\.{key}: ") for name, row in RECORDS for key in row],
    *[(name, [{**row, key: None}], rf"\[0\]\.{key}: .*null") for name, row in RECORDS for key in row],
    ("users", [USER, {**USER, "email": "b@example.com"}], r"\[1\]\.id: .*'9'"),
    ("users", [USER, {**USER, "id": "10", "email": "ADA@example.com"}], r"\[1\]\.email: .*another user"),
    ("users", [{**USER, "password": ""}], r"\[0\]\.password: "),
    ("users", [{**USER, "password": 5}], r"\[0\]\.password: "),
    ("users", [{**USER, "name": "  "}], r"\[0\]\.name: "),
    ("users", [{**USER, "name": "x" * 101}], r"\[0\]\.name: "),
    ("users", [{**USER, "email": "ada"}], r"\[0\]\.email: "),
    ("users", [{**USER, "role": "root"}], r"\[0\]\.role: "),
    ("chats", [CHAT, CHAT], r"\[1\]\._id: .*'chat-9'"),
    ("chats", [{**CHAT, "createdAt": "yesterday"}], r"\[0\]\.createdAt: "),
    ("chats", [{**CHAT, "createdAt": "2024-02-30T00:00:00.000Z"}], r"\[0\]\.createdAt: "),
    ("chats", [{**CHAT, "userId": 5}], r"\[0\]\.userId: "),
    ("chats", [{**CHAT, "isFavorite": "yes"}], r"\[0\]\.isFavorite: "),
    ("messages", [MESSAGE, {**MESSAGE, "_id": "m-10", "sessionId": "chat-9"}], r"\[1\]\.sessionId: .*'chat-9'"),
    ("messages", [{**MESSAGE, "sender": "robot"}], r"\[0\]\.sender: "),
    ("messages", [{**MESSAGE, "context": "text"}], r"\[0\]\.context: "),
    ("messages", [MESSAGE, MESSAGE], r"\[1\]\._id: .*'m-9'"),
    ("smart_chat", [], "Invalid input type"),
    ("smart_chat", None, "Invalid input type"),
    ("smart_chat", {}, r"\.(rules|fallback): Missing data"),
    ("smart_chat", {**RULES, "fallback": []}, r"\.fallback: Shorter than"),
    ("smart_chat", {**RULES, "typo": 1}, r"\.typo: Unknown field"),
    ("smart_chat", {**RULES, "rules": [{"pattern": "a"}]}, r"\.rules\[0\]\.replies: Missing data"),
    ("smart_chat", {**RULES, "rules": [{"pattern": "a", "replies": []}]}, r"\.rules\[0\]\.replies: Shorter"),
    ("smart_chat", {**RULES, "rules": [{"pattern": "a", "replies": ["x", 5]}]}, r"\.rules\[0\]\.replies\[1\]: "),
    ("smart_chat", {**RULES, "rules": [5]}, r"\.rules\[0\]: Invalid"),
    ("smart_chat", {**RULES, "rules": [{"pattern": "(", "replies": ["x"]}]}, r"rules\[0\]\.pattern: "),
    ("smart_chat", {**RULES, "rules": [{"pattern": "a{99999999999}", "replies": ["x"]}]}, r"rules\[0\]\.pattern: "),
    ("smart_chat", {**RULES, "rules": [{"pattern": "a{2,1}", "replies": ["x"]}]}, r"rules\[0\]\.pattern: "),
    ("smart_chat", {**RULES, "commonWords": "the"}, r"\.commonWords: "),
]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    INVALID_FILES,
    ids=[f"{name} {message}".replace("\\", "") for name, _, message in INVALID_FILES],
)
def test_invalid_file(write: Write, name: str, content: Any, message: str) -> None:
    folder = write(**{name: content.encode("latin-1") if isinstance(content, str) else content})
    with pytest.raises(FixtureError, match=message) as caught:
        read_all(Fixtures(folder))
    assert str(folder / f"{name}.json") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_folder_instead_of_file(tmp_path: Path) -> None:
    (tmp_path / "users.json").mkdir()
    with pytest.raises(FixtureError, match=r"users\.json"):
        seed_state(tmp_path)


@pytest.mark.parametrize("name", ["users", "smart_chat"])
def test_server_refuses_invalid_file(write: Write, name: str) -> None:
    with pytest.raises(FixtureError, match=name):
        MockServer(fixtures=write(**{name: b"["})).start()

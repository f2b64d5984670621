"""Fixture data in any amount: users, chats and messages that read like real ones, the same for the same seed.

Each record follows from its number and the seed alone, so that a million of them need no memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import resources
from random import Random
from typing import Any

from duologue.contract import strict_json
from duologue.contract.chats import ChatSession
from duologue.contract.messages import ChatMessage
from duologue.contract.users import User
from duologue_mock.store.seed import DEFAULT_OWNER
from duologue_mock.store.state import State

_START = (2026, 1, 1, 8)
"""Year, month, day and hour of the first chat."""
_LOGINS = ({"name": "John Doe", "email": "john@example.com"}, {"name": "Jane Smith", "email": "jane@example.com"})
"""Those of the shipped fixtures come first, so that what logs in with them still does."""


class GeneratedData:
    """Users, chats and messages.

    Args:
        users: how many users; the first is an administrator, and the first two can log in, as in the shipped fixtures.
        chats: how many chats; every other belongs to the default user of the chat service.
        messages: how many messages, spread evenly over the chats.
        seed: the same number gives the same data.

    Raises:
        ValueError: there would be messages, and no chat.
    """

    def __init__(self, *, users: int, chats: int, messages: int, seed: int) -> None:
        if messages and not chats:
            raise ValueError("Messages need a chat: ask for at least one.")
        self._counts = (users, chats, messages)
        self._seed = seed
        words = resources.files("duologue_mock.fixtures") / "generated_words.json"
        self._words: dict[str, list[str]] = strict_json.loads(words.read_bytes())

    def iterate_users(self) -> Iterator[dict[str, Any]]:
        """Yield the records of `users.json`."""
        for number in range(1, self._counts[0] + 1):
            random = self._create_random("user", number)
            record: dict[str, Any] = {"id": str(number), "role": "admin" if number == 1 else "user"}
            if number <= len(_LOGINS):
                yield {**record, **_LOGINS[number - 1], "password": "password"}
                continue
            first, last = random.choice(self._words["firstNames"]), random.choice(self._words["lastNames"])
            if random.random() < 0.05:
                record["role"] = "admin"
            yield {**record, "name": f"{first} {last}", "email": f"user{number}@example.com"}

    def iterate_chats(self) -> Iterator[dict[str, Any]]:
        """Yield the records of `chats.json`."""
        users, chats, _ = self._counts
        for number in range(chats):
            random = self._create_random("chat", number)
            created = _add(hours=number)
            last = self._build_time(number, self._count_messages(number) - 1)  # if it has none: as it was created
            belongs_to_default = number % 2 == 0 or not users
            yield {
                "_id": _build_chat_id(number),
                "userId": DEFAULT_OWNER if belongs_to_default else str(number // 2 % users + 1),
                "title": random.choice(self._words["titles"]),
                "isFavorite": random.random() < 0.2,
                "lastMessageAt": last,
                "createdAt": _format(created),
                "updatedAt": last,
            }

    def iterate_messages(self) -> Iterator[dict[str, Any]]:
        """Yield the records of `messages.json`, a chat's after another's."""
        for chat in range(self._counts[1]):
            random = self._create_random("messages", chat)
            for number in range(self._count_messages(chat)):
                is_question = number % 2 == 0
                yield {
                    "_id": f"{_build_chat_id(chat)}-{number + 1}",
                    "sessionId": _build_chat_id(chat),
                    "sender": "user" if is_question else "assistant",
                    "content": random.choice(self._words["questions" if is_question else "replies"]),
                    "createdAt": self._build_time(chat, number),
                }

    def add_to(self, state: State) -> Iterator[None]:
        """Add all records to an empty state; yields after each, so that the caller can give others their turn."""
        for record in self.iterate_users():
            user = User(record["id"], record["name"], record["email"], record["role"])
            state.users.add(user, record.get("password"))
            yield
        for record in self.iterate_chats():
            last, created = (datetime.fromisoformat(record[name]) for name in ("lastMessageAt", "createdAt"))
            session = ChatSession(record["_id"], record["title"], record["isFavorite"], last, created, last)
            state.chats.add(record["userId"], session)
            yield
        for record in self.iterate_messages():
            created = datetime.fromisoformat(record["createdAt"])
            message = ChatMessage(record["_id"], record["sessionId"], record["sender"], record["content"], created)
            state.chats.add_message(message)
            yield

    def _count_messages(self, chat: int) -> int:
        _, chats, messages = self._counts
        return messages // chats + (chat < messages % chats)

    @staticmethod
    def _build_time(chat: int, message: int) -> str:
        return _format(_add(hours=chat, seconds=20 * (message + 1)))

    def _create_random(self, kind: str, number: int) -> Random:
        return Random(f"{self._seed} {kind} {number}")  # noqa: S311  # example data


def _build_chat_id(number: int) -> str:
    return f"chat-{number + 1}"


def _add(*, hours: int, seconds: int = 0) -> datetime:
    return datetime(*_START, tzinfo=UTC) + timedelta(hours=hours, seconds=seconds)


def _format(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z")

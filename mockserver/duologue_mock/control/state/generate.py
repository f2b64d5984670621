"""Generating a large amount of data: the same every time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

from duologue.contract.chats import ChatSession
from duologue.contract.messages import SENDERS, ChatMessage
from duologue.contract.users import User
from duologue_mock.control.state.export import TakeTurns
from duologue_mock.store import State
from duologue_mock.store.seed import DEFAULT_OWNER

MAX_RECORDS = 100_000
"""The most users, chats or messages that are generated."""

_FIRST_NAMES = (
    *("Ada", "Alan", "Barbara", "Chidi", "Dorothy", "Edsger", "Fatima", "Grace", "Hedy", "Ivan", "Jun", "Katherine"),
    *("Linus", "Margaret", "Noor", "Ole", "Priya", "Quentin", "Radia", "Sofía", "Tim", "Uma", "Vint", "Wei", "Zoë"),
)
_LAST_NAMES = (
    *("Allen", "Borg", "Codd", "Dijkstra", "Engelbart", "Floyd", "Goldberg", "Hopper", "Iverson", "Johnson", "Knuth"),
    *("Lovelace", "McCarthy", "Naur", "Okafor", "Perlman", "Quist", "Ritchie", "Shannon", "Turing", "Wirth", "Zuse"),
)
_TOPICS = ("travel plans", "a bug in production", "the weekly report", "dinner", "a new logo", "tests", "the roadmap")
_START = datetime(2024, 1, 1, tzinfo=UTC)


def generate_users(state: State, count: int, take_turns: TakeTurns) -> None:
    """Add users to a state; the first is an administrator, and the password of all is `password`."""
    names = list(product(_LAST_NAMES, _FIRST_NAMES))
    for number in range(1, count + 1):
        take_turns()
        last, first = names[number * 7 % len(names)]
        email = f"user{number}@example.com"
        state.users.add(User(str(number), f"{first} {last}", email, "admin" if number == 1 else "user"), "password")


def generate_chats(state: State, chats: int, messages: int, take_turns: TakeTurns) -> None:
    """Add chat sessions of the default user, and messages that are spread over them."""
    for number in range(chats):
        take_turns()
        count = messages // chats + (number < messages % chats)
        begin = _START + timedelta(hours=number)
        end = begin + timedelta(minutes=count)
        title = f"About {_TOPICS[number % len(_TOPICS)]} ({number + 1})"
        session = ChatSession(f"chat-{number + 1}", title, number % 10 == 0, end, begin, end)
        state.chats.add(DEFAULT_OWNER, session)
        for index in range(count):
            take_turns()
            sender = SENDERS[index % 2]
            content = f"{'Question' if sender == 'user' else 'Reply'} {index // 2 + 1} about it."
            message_at = begin + timedelta(minutes=index + 1)
            state.chats.add_message(
                ChatMessage(f"message-{number + 1}-{index + 1}", session.id, sender, content, message_at)
            )

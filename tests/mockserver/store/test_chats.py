"""Sessions and messages: owners and order; compared with a plain list."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, precondition, rule

from duologue.contract.chats import ChatSession
from duologue.contract.messages import ChatMessage
from duologue_mock.store.chats import Chats
from tests.mockserver.clocks import START


def session(id: str, seconds: float = 0, title: str = "Title", *, is_favorite: bool = False) -> ChatSession:
    moment = START + timedelta(seconds=seconds)
    return ChatSession(id, title, is_favorite, moment, START, moment)


def message(session_id: str, content: str = "Hi") -> ChatMessage:
    return ChatMessage(content, session_id, "user", content, START)


def test_session_has_an_owner() -> None:
    chats = Chats()
    chats.add("ann", session("a"))
    assert chats.get("ann", "a") == session("a")
    assert chats.get("bob", "a") is None
    assert chats.get("", "a") is None
    assert chats.page("ann", page=1, limit=None) == ([session("a")], 1)
    assert chats.page("bob", page=1, limit=None) == ([], 0)


def test_session_id_is_unique() -> None:
    chats = Chats()
    chats.add("ann", session("a"))
    with pytest.raises(ValueError, match="'a'"):
        chats.add("bob", session("a"))
    assert chats.page("bob", page=1, limit=None) == ([], 0)


def test_messages_of_session() -> None:
    chats = Chats()
    chats.add("ann", session("a"))
    for text in "123":
        chats.add_message(message("a", text))
    chats.replace(session("a", 5))
    assert [one.content for one in chats.messages("a")] == ["1", "2", "3"]
    chats.remove("a")
    chats.add("ann", session("a"))
    assert chats.messages("a") == []


@pytest.mark.parametrize("act", [lambda c: c.remove("x"), lambda c: c.messages("x"), lambda c: c.replace(session("x"))])
def test_unknown_session(act: Any) -> None:
    with pytest.raises(KeyError):
        act(Chats())


class ChatsMachine(RuleBasedStateMachine):
    """Sessions against a plain list that is sorted for each page."""

    ids = Bundle("ids")
    owners = st.sampled_from(["ann", "bob"])
    moments = st.integers(0, 3)

    def __init__(self) -> None:
        super().__init__()
        self.chats = Chats()
        self.model: list[tuple[str, ChatSession]] = []
        self.count = 0

    @initialize(target=ids)
    def first(self) -> str:
        return self.add("ann", 0, "Alpha", False)

    @rule(target=ids, owner=owners, seconds=moments, title=st.sampled_from(["Alpha", "BETA"]), favorite=st.booleans())
    def add_one(self, owner: str, seconds: int, title: str, favorite: bool) -> str:
        return self.add(owner, seconds, title, favorite)

    def add(self, owner: str, seconds: int, title: str, favorite: bool) -> str:
        self.count += 1
        chat = session(str(self.count), seconds, title, is_favorite=favorite)
        self.chats.add(owner, chat)
        self.model.append((owner, chat))
        return chat.id

    @rule(id=ids, seconds=moments, favorite=st.booleans())
    def change(self, id: str, seconds: int, favorite: bool) -> None:
        moment = START + timedelta(seconds=seconds)
        place, (owner, one) = next(item for item in enumerate(self.model) if item[1][1].id == id)
        changed = replace(one, last_message_at=moment, is_favorite=favorite)
        self.chats.replace(changed)
        self.model[place] = owner, changed
        if changed.last_message_at != one.last_message_at:
            self.model.append(self.model.pop(place))  # the last that moved

    @rule(id=consumes(ids))
    def remove(self, id: str) -> None:
        self.chats.remove(id)
        self.model = [(owner, one) for owner, one in self.model if one.id != id]

    @precondition(lambda self: self.model)
    @rule(
        owner=owners,
        page=st.integers(1, 3),
        limit=st.none() | st.integers(1, 3),
        search=st.sampled_from(["", "alpha", "Eta", "zz"]),
        favorite=st.none() | st.booleans(),
    )
    def look(self, owner: str, page: int, limit: int | None, search: str, favorite: bool | None) -> None:
        def get_sort_key(place: int) -> tuple[datetime, int]:
            return self.model[place][1].last_message_at, place

        newest_first = sorted(range(len(self.model)), key=get_sort_key, reverse=True)
        matching = [
            one
            for whose, one in (self.model[place] for place in newest_first)
            if whose == owner and search.casefold() in one.title.casefold() and favorite in (None, one.is_favorite)
        ]
        start = 0 if limit is None else (page - 1) * limit
        shown = matching if limit is None else matching[start : start + limit]
        result = self.chats.page(owner, page=page, limit=limit, search=search, favorite=favorite)
        assert result == (shown, len(matching))

    @invariant()
    def equals_model(self) -> None:
        assert len(self.chats) == len(self.model)
        assert all(self.chats.get(owner, one.id) == one for owner, one in self.model)


TestChatsModel = ChatsMachine.TestCase

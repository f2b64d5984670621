"""Documents of states, as Hypothesis draws them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from duologue.contract.fields import format_timestamp
from duologue.contract.messages import SENDERS

_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8)
_MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2020, 1, 1, 0, 0, 1)).map(  # often the same
    lambda moment: format_timestamp(moment.replace(tzinfo=None).astimezone())
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Documents in the form in which they are exported: chats in the order of their last messages."""
    users = draw(st.lists(_users(), max_size=4, unique_by=(lambda one: one["id"], lambda one: one["email"])))
    chats = draw(st.lists(_chats(), max_size=5, unique_by=lambda one: one["_id"]))
    chats.sort(key=lambda one: str(one["lastMessageAt"]))
    messages = [
        {**message, "_id": f"m-{number}", "sessionId": chat["_id"]}
        for number, (chat, message) in enumerate((chat, one) for chat in chats for one in draw(_messages()))
    ]
    logins = [
        {"id": f"login-{number}", "userId": user["id"], "refreshToken": f"token-{number}", "expiresAt": expires_at}
        for number, (user, expires_at) in enumerate(
            (user, draw(st.none() | st.floats(0, 1e12))) for user in users if draw(st.booleans())
        )
    ]
    used = {f"used-{number}": login["id"] for number, login in enumerate(logins) if draw(st.booleans())}
    numbers = [int(user["id"]) for user in users if user["id"].isascii() and user["id"].isdigit()]
    return {
        "version": 1,
        "users": users,
        "chats": chats,
        "messages": messages,
        "logins": logins,
        "usedRefreshTokens": used,
        "lastUserId": str(max([draw(st.integers(0, 50)), *numbers])),
        "startedAt": draw(st.floats(0, 1e12)),
        "ids": {name: draw(st.integers(0, 1000)) for name in ("objects", "notifications", "tokens")},
        "clock": draw(
            st.builds(lambda offset: {"offsetMilliseconds": offset}, st.integers(-(10**12), 10**12))
            | st.builds(lambda moment: {"frozenAt": moment}, _MOMENTS)
        ),
    }


def _users() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "id": st.sampled_from(["1", "2", "30", "ada", "007"]),
            "name": _TEXTS,
            "email": st.sampled_from("abcdef").map(lambda letter: f"{letter}@example.com"),
            "role": st.sampled_from(["admin", "user"]),
        },
        optional={"password": _TEXTS},
    )


def _chats() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "_id": st.sampled_from("abcdef"),
            "title": _TEXTS,
            "isFavorite": st.booleans(),
            "lastMessageAt": _MOMENTS,
            "createdAt": _MOMENTS,
            "updatedAt": _MOMENTS,
            "userId": st.sampled_from(["ann", "bob"]),
        }
    )


def _messages() -> st.SearchStrategy[list[dict[str, Any]]]:
    contexts = st.dictionaries(st.text(max_size=3), st.integers() | st.none(), max_size=2)
    message = st.fixed_dictionaries(
        {"sender": st.sampled_from(SENDERS), "content": _TEXTS, "createdAt": _MOMENTS}, optional={"context": contexts}
    )
    return st.lists(message, max_size=3)

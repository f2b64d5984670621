"""The specification's type guards, on the golden examples and on values that only look like them."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources
from typing import Any

import pytest

from duologue import is_api_response, is_chat_message, is_chat_session, is_paginated_response


def golden(name: str) -> Any:
    text = (resources.files("duologue_mock.fixtures") / "wire" / f"{name}.json").read_text("utf-8")
    return json.loads(text)["response"]["body"]


def test_golden_examples() -> None:
    session, page, message = golden("chats.GET"), golden("messages.LIST"), golden("messages.SEND")
    assert is_api_response(session)
    assert is_chat_session(session["data"])
    assert is_paginated_response(page)
    assert all(is_chat_message(one) for one in page["data"])
    assert is_chat_message(message["data"])
    assert not is_paginated_response(session)
    assert not is_chat_message(session["data"])
    assert not is_chat_session(message["data"])


GUARDS = [is_api_response, is_paginated_response, is_chat_session, is_chat_message]


@pytest.mark.parametrize("guard", GUARDS)
@pytest.mark.parametrize("value", [None, True, 0, "data", [], ["data", "pagination"], {}, {"_id": 1}])
def test_other_values(guard: Callable[[object], bool], value: object) -> None:
    assert guard(value) is False


@pytest.mark.parametrize(
    ("guard", "whole", "spoiled"),
    [
        (is_paginated_response, {"data": [], "pagination": {}}, {"data": {}}),
        (is_chat_session, {"_id": "1", "title": "T", "isFavorite": False}, {"isFavorite": 0}),
        (is_chat_session, {"_id": "1", "title": "T", "isFavorite": False}, {"title": None}),
        (is_chat_message, {"_id": "1", "sessionId": "2", "content": "C", "sender": "user"}, {"sender": "robot"}),
        (is_chat_message, {"_id": "1", "sessionId": "2", "content": "C", "sender": "user"}, {"sender": ["user"]}),
        (is_chat_message, {"_id": "1", "sessionId": "2", "content": "C", "sender": "user"}, {"content": 3}),
    ],
)
def test_one_wrong_field(guard: Callable[[object], bool], whole: dict[str, Any], spoiled: dict[str, Any]) -> None:
    assert guard(whole)
    assert not guard({**whole, **spoiled})

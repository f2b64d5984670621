"""The chat document's type guards: whether a JSON value is what it seems to be.

For values that did not come through the client, as from a file or another library. What the client returns has been
checked against the contract already, and `isinstance(value, ChatSession)` tells one from another.
"""

from __future__ import annotations

from typing import Any, TypeGuard

from duologue.contract.messages import SENDERS


def is_api_response(value: object) -> TypeGuard[dict[str, Any]]:
    """Tell whether a value is the chat service's envelope: an object with `data`."""
    return isinstance(value, dict) and "data" in value


def is_paginated_response(value: object) -> TypeGuard[dict[str, Any]]:
    """Tell whether a value is a page: an object with a list of `data` and `pagination`."""
    return isinstance(value, dict) and isinstance(value.get("data"), list) and "pagination" in value


def is_chat_session(value: object) -> TypeGuard[dict[str, Any]]:
    """Tell whether a value is a chat session: an object with `_id`, `title` and a boolean `isFavorite`."""
    return _has_texts(value, "_id", "title") and isinstance(value.get("isFavorite"), bool)


def is_chat_message(value: object) -> TypeGuard[dict[str, Any]]:
    """Tell whether a value is a message: an object with `_id`, `sessionId` and `content`, from one of the senders."""
    return _has_texts(value, "_id", "sessionId", "content") and value.get("sender") in SENDERS


def _has_texts(value: object, *names: str) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict) and all(isinstance(value.get(name), str) for name in names)

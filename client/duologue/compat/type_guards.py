"""The Smart Chat API specification's type guards for JSON values.

For values that do not come from the client, such as the content of a file. What the client returns is validated
against the contract, and `isinstance(value, ChatSession)` is enough.
"""

from __future__ import annotations

from typing import Any, TypeGuard

from duologue.contract.messages import SENDERS


def is_api_response(value: object) -> TypeGuard[dict[str, Any]]:
    """Return whether a value is the chat service's envelope: an object with `data`."""
    return isinstance(value, dict) and "data" in value


def is_paginated_response(value: object) -> TypeGuard[dict[str, Any]]:
    """Return whether a value is a page: an object with a list `data` and `pagination`."""
    return isinstance(value, dict) and isinstance(value.get("data"), list) and "pagination" in value


def is_chat_session(value: object) -> TypeGuard[dict[str, Any]]:
    """Return whether a value is a chat session: an object with `_id`, `title` and a boolean `isFavorite`."""
    return _has_strings(value, "_id", "title") and isinstance(value.get("isFavorite"), bool)


def is_chat_message(value: object) -> TypeGuard[dict[str, Any]]:
    """Return whether a value is a message: an object with `_id`, `sessionId` and `content`, and a known `sender`."""
    return _has_strings(value, "_id", "sessionId", "content") and value.get("sender") in SENDERS


def _has_strings(value: object, *names: str) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict) and all(isinstance(value.get(name), str) for name in names)

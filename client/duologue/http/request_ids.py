"""Ids that the client generates: for a call, for a change, for an anonymous user."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime

_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def create_reference_code(now: datetime) -> str:
    """Return a `Unique-Reference-Code` as the Smart Chat API specification forms it, `urc-<milliseconds>-<random>`."""
    return _build_id("urc", now)


def create_anonymous_user_id(now: datetime) -> str:
    """Return a user id as the Smart Chat API specification forms it, `anon-<milliseconds>-<random>`."""
    return _build_id("anon", now)


def create_idempotency_key() -> str:
    """Return an `Idempotency-Key` that no other change has."""
    return str(uuid.uuid4())


def _build_id(prefix: str, now: datetime) -> str:
    number, characters = secrets.randbelow(36**9), ""  # one call of the system's generator, not nine
    for _ in range(9):
        number, digit = divmod(number, 36)
        characters += _BASE36[digit]
    return f"{prefix}-{round(now.timestamp() * 1000)}-{characters}"

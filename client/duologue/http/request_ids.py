"""Names that the client makes up: for a call, for an attempt at a change, for a user without a name."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime

_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def reference_code(now: datetime) -> str:
    """Return a `Unique-Reference-Code` in the chat document's form, `urc-<milliseconds>-<nine characters>`."""
    return f"urc-{_milliseconds(now)}-{_nine_characters()}"


def anonymous_user_id(now: datetime) -> str:
    """Return a user id in the chat document's form, `anon-<milliseconds>-<nine characters>`."""
    return f"anon-{_milliseconds(now)}-{_nine_characters()}"


def idempotency_key() -> str:
    """Return a key that no other change has."""
    return str(uuid.uuid4())


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _nine_characters() -> str:
    number, made = secrets.randbelow(36**9), ""
    for _ in range(9):
        number, digit = divmod(number, 36)
        made += _BASE36[digit]
    return made

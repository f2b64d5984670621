"""Redaction: text is made safe to show, in errors, hooks and log lines.

Secrets are found in two ways. Those that we sent are known, and masked wherever a server echoes them. Those that a
server issues are recognized by their form (a JSON Web Token) or by the name before them (`"token": …`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

MASK = "***"

_NAMES = (
    r"access[_-]?token|refresh[_-]?token|token|password|secret|api[_-]?key|x-api-key|(?:proxy-)?authorization|cookie"
)
_SECRET_NAME = re.compile(rf"(?:{_NAMES}|set-cookie)", re.IGNORECASE)
_JWT = re.compile(r"eyJ[\w-]{4,}(?:\.[\w-]*){1,2}")
_NAMED = re.compile(
    rf"""(?ix)
    (["']?\b(?:{_NAMES})\b["']?
     \s*[:=]\s*)
    (?: "[^"]*"? | '[^']*'? | (?:(?:Bearer|Basic)\s+)?[^\s,;&}}"']+ )
    """
)
_MIN_LENGTH = 4
_NOT_SECRET = frozenset({"password", "secret", "token"})
"""Masking these words would only make messages unreadable; as passwords they protect nothing."""


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return text with tokens, keys and passwords masked.

    Args:
        text: any text.
        secrets: known secrets, see `collect_secrets`; they are masked wherever they stand.
    """
    for secret in secrets:
        text = text.replace(secret, MASK)
    return _JWT.sub(MASK, _NAMED.sub(rf"\1{MASK}", text))


def collect_secrets(values: Iterable[str | None]) -> tuple[str, ...]:
    """Return the texts to mask for some secrets, the longest first; each secret also as JSON escapes it."""
    secrets = {value for value in values if value and len(value) >= _MIN_LENGTH and value.lower() not in _NOT_SECRET}
    return tuple(sorted(secrets | {json.dumps(secret)[1:-1] for secret in secrets}, key=len, reverse=True))


def redact_value(value: Any, secrets: Iterable[str] = ()) -> Any:
    """Return a JSON value with its secrets masked, also those that only the name of their field gives away."""
    if isinstance(value, str):
        return redact(value, secrets)
    if isinstance(value, Mapping):
        return {redact(str(name), secrets): _redact_field(str(name), item, secrets) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact_value(item, secrets) for item in value]
    return value


def _redact_field(name: str, value: Any, secrets: Iterable[str]) -> Any:
    return MASK if is_secret(name) and isinstance(value, str) else redact_value(value, secrets)


def is_secret(name: str) -> bool:
    """Return whether a field or header of this name holds a secret."""
    return bool(_SECRET_NAME.fullmatch(name))


def redact_headers(headers: Mapping[str, str], secrets: Iterable[str] = ()) -> dict[str, str]:
    """Return headers with their secrets masked."""
    return {name: MASK if is_secret(name) else redact(value, secrets) for name, value in headers.items()}

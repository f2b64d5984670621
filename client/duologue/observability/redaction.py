"""Making text safe to show: secrets are covered.

Secrets are found in two ways. What we sent is known, so it is covered wherever a server echoes it. What a server makes
up is found by its looks (a JSON Web Token) or by the name before it.
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
_TOO_SHORT = 4
_NO_SECRETS = frozenset({"password", "secret", "token"})
"""Covering these would only make messages unreadable; whoever has such a password has none."""


def redact(text: str, known: Iterable[str] = ()) -> str:
    """Return text with tokens, keys and passwords covered.

    Args:
        text: anything.
        known: secrets to cover wherever they stand.
    """
    for secret in known:
        text = text.replace(secret, MASK)
    return _JWT.sub(MASK, _NAMED.sub(rf"\1{MASK}", text))


def known_secrets(values: Iterable[str | None]) -> tuple[str, ...]:
    """Return what to look for, the longest first; with each secret the form that it has inside a JSON text."""
    found = {value for value in values if value and len(value) >= _TOO_SHORT and value.lower() not in _NO_SECRETS}
    return tuple(sorted(found | {json.dumps(value)[1:-1] for value in found}, key=len, reverse=True))


def redact_value(value: Any, known: Iterable[str] = ()) -> Any:
    """Return a JSON value with the secrets in it covered, also those that only a field's name gives away."""
    if isinstance(value, str):
        return redact(value, known)
    if isinstance(value, Mapping):
        return {redact(str(name), known): _field(str(name), item, known) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact_value(item, known) for item in value]
    return value


def _field(name: str, value: Any, known: Iterable[str]) -> Any:
    return MASK if is_secret(name) and isinstance(value, str) else redact_value(value, known)


def is_secret(name: str) -> bool:
    """Tell whether a field or header of this name holds a secret."""
    return bool(_SECRET_NAME.fullmatch(name))


def redact_headers(headers: Mapping[str, str], known: Iterable[str] = ()) -> dict[str, str]:
    """Return headers with the secrets in them covered."""
    return {name: MASK if is_secret(name) else redact(value, known) for name, value in headers.items()}

"""Making text safe to show: what looks like a secret is covered."""

from __future__ import annotations

import re

COVER = "***"

_JWT = re.compile(r"eyJ[\w-]{4,}(?:\.[\w-]*){1,2}")
_NAMED = re.compile(
    r"""(?ix)
    (["']?\b(?:access[_-]?token|refresh[_-]?token|token|password|secret|api[_-]?key|x-api-key|authorization)\b["']?
     \s*[:=]\s*)
    (?: "[^"]*"? | '[^']*'? | (?:Bearer\s+)?[^\s,;&}"']+ )
    """
)


def redact(text: str) -> str:
    """Return text with tokens, keys and passwords covered: JWTs anywhere, other values by the name before them."""
    return _JWT.sub(COVER, _NAMED.sub(rf"\1{COVER}", text))

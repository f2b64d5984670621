"""Redaction: text is made safe to show, in errors, hooks and log lines.

Secrets are found in two ways. Those that we sent are known, and masked wherever a server echoes them. Those that a
server issues are recognized by their form (a JSON Web Token) or by the name before them (`"token": …`).

A server decides how much there is to redact, so what is shown is cut first, and each pattern takes time in proportion
to the length of its text.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"

CUT = "…"
"""Ends a text that was cut; the start of a secret before it is masked."""

MAX_TEXT = 5_000
"""Characters of the longest text that is shown."""

MAX_VALUE = 20_000
"""Characters of all texts of the largest JSON value that is shown."""

_NAMES = (
    r"access[_-]?token|refresh[_-]?token|token|password|secret|api[_-]?key|x-api-key|(?:proxy-)?authorization|cookie"
)
_SECRET_NAME = re.compile(r"(?:token|passw(?:or)?d|passphrase|secret|api[_-]?key|authorization|cookie)$", re.IGNORECASE)
_SECRET_HEADER = re.compile(r"(?:auth|(?<!idempotency-)key|signature|credentials?)$", re.IGNORECASE)
_JWT = re.compile(r"eyJ[\w-]{4,}(?:\.[\w-]+)*")  # nothing must follow, so that no match is attempted twice
_NAMED = re.compile(
    rf"""(?ix)
    (["']?\b(?:{_NAMES})\b["']?
     \s*[:=]\s*)
    (?: "[^"]*"? | '[^']*'? | (?:(?:Bearer|Basic)\s+)?[^\s,;&}}"']+ )
    """
)
_MIN_LENGTH = 4
_MAX_PARTS = 100
_NOT_SECRET = frozenset({"password", "secret", "token", "bearer", "basic"})
"""Masking these words would only make messages unreadable; as passwords they protect nothing."""


def shorten(text: str, limit: int) -> str:
    """Return a text of at most `limit` characters, and `CUT` where some were left out."""
    return text if len(text) <= limit else text[:limit] + CUT


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return text with tokens, keys and passwords masked, at most `MAX_TEXT` characters of it.

    Args:
        text: any text.
        secrets: known secrets, see `collect_secrets`; they are masked wherever they stand.
    """
    text = shorten(text, MAX_TEXT)
    for secret in secrets:
        text = text.replace(secret, MASK)
    if text.endswith(CUT):
        for secret in secrets:
            text = _mask_start(text.removesuffix(CUT), secret) + CUT
    return _JWT.sub(MASK, _NAMED.sub(rf"\1{MASK}", text))


def _mask_start(text: str, secret: str) -> str:
    """Return a text that was cut with the start of a secret masked, if it ends with that."""
    position = max(0, len(text) - len(secret) + 1)
    for _ in range(_MAX_PARTS):
        position = text.find(secret[:_MIN_LENGTH], position)
        if position < 0:
            return text
        if secret.startswith(text[position:]):
            break
        position += 1
    return text[:position] + MASK  # also after so many attempts: better too much


def collect_secrets(values: Iterable[str | None]) -> tuple[str, ...]:
    """Return the texts to mask for some secrets, the longest first; each also as JSON, HTML and URLs escape it."""
    secrets = {value for value in values if value and len(value) >= _MIN_LENGTH and value.lower() not in _NOT_SECRET}
    escaped = {
        text
        for secret in secrets
        for text in (
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
            html.escape(secret),
            quote(secret, safe="", errors="replace"),
            quote_plus(secret, errors="replace"),
        )
    }
    return tuple(sorted(secrets | escaped, key=len, reverse=True))


def redact_value(value: Any, secrets: Iterable[str] = ()) -> Any:
    """Return a JSON value with its secrets masked, also those that only the name of their field gives away.

    Of a large value, what comes after the first `MAX_VALUE` characters is left out.
    """
    return _ValueRedactor(secrets).redact(value)


class _ValueRedactor:
    """Redacts one value, as much of it as is shown."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = tuple(secrets)
        self._left = MAX_VALUE

    def redact(self, value: Any) -> Any:
        self._left -= 1
        if isinstance(value, Mapping):
            return self._redact_object(value)
        if isinstance(value, (list, tuple)):
            return self._redact_array(value)
        return self._redact_text(value) if isinstance(value, str) else value

    def _redact_object(self, value: Mapping[Any, Any]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for name, item in value.items():
            if self._left <= 0:
                result[CUT] = CUT
                break
            name = str(name)
            hidden = isinstance(item, (str, int, float)) and not isinstance(item, bool) and is_secret(name)
            shown = self._redact_text(name)  # before its value, which may use up what is left
            result[shown] = MASK if hidden else self.redact(item)
        return result

    def _redact_array(self, value: list[Any] | tuple[Any, ...]) -> list[Any]:
        result: list[Any] = []
        for item in value:
            if self._left <= 0:
                result.append(CUT)
                break
            result.append(self.redact(item))
        return result

    def _redact_text(self, text: str) -> str:
        text = shorten(text, max(0, min(self._left, MAX_TEXT)))
        self._left -= len(text)
        return redact(text, self._secrets)


def is_secret(name: str) -> bool:
    """Return whether a field or header of this name holds a secret."""
    return bool(_SECRET_NAME.search(name[-20:]))


def is_secret_header(name: str) -> bool:
    """Return whether a header of this name holds a secret: of a header, `key` or `auth` says so too."""
    return is_secret(name) or bool(_SECRET_HEADER.search(name[-20:]))


def redact_headers(headers: Mapping[str, str], secrets: Iterable[str] = ()) -> dict[str, str]:
    """Return headers with their secrets masked."""
    return {name: MASK if is_secret_header(name) else redact(value, secrets) for name, value in headers.items()}


class HiddenFrames:
    """A context that takes its frames off the traceback of an exception: some tools show the variables of frames."""

    __slots__ = ()

    def __enter__(self) -> None:
        return

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is not None:
            hide_frames(error)


def hide_frames(error: BaseException) -> None:
    """Take the frames so far off an exception's traceback, and off what it was raised `from None` of."""
    error.__traceback__ = None
    if error.__suppress_context__:
        error.__context__ = None


class Arguments(dict[str, Any]):
    """Arguments or options by name. Their repr masks secrets: some tools show the variables of a traceback's frames."""

    def __repr__(self) -> str:
        shown = (f"{name!r}: {MASK if is_secret_header(name) else repr(value)}" for name, value in self.items())
        return f"{{{', '.join(shown)}}}"

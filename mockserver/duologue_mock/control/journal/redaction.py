"""Redaction: what the journal shows holds no passwords, tokens or keys. Patterns match what was sent.

A secret is recognized by the name before it, wherever that stands: in a header, a cookie, a query string, a form, JSON
at any depth, JSON within a JSON string, or plain text. A JSON Web Token is recognized by its form. What is a secret in
one part of an entry is one in all of it: a path or an error may repeat it.

Each pattern takes time in proportion to the length of its text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus

import orjson

MASK = "[REDACTED]"

FORM = "application/x-www-form-urlencoded"

_SECRET_NAME = re.compile(
    r"(?:tokens?|passwo?r?ds?|passphrase|pwd|secrets?|apikeys?|accesskey|privatekey|authorization|credentials?|jwt)$"
)
_SECRET_COOKIE = re.compile(r"(?:sess(?:ion)?(?:id)?|sid|auth)$")
_SECRET_HEADER = re.compile(r"(?:auth|signature)$")
_MAY_HOLD_SECRET = re.compile(r"[:=>]|eyJ")
_JWT = re.compile(r"eyJ[\w-]{4,}+(?:\.[\w-]++)*+")
_NAME = re.compile(r"""(?<![\w-])([\w-]++)[\\"'\]]*+\s*+[:=>]\s*+""")
"""A name and what separates it from its value: `password=`, `"password": `, `user[password]=`, `<password>`."""
_VALUE = re.compile(
    r"""
      "(?:[^"\\]|\\.)*+ "? | '(?:[^'\\]|\\.)*+ '?   # a string, which may have been cut
    | (?: \\++ ["'] | [\[{] ) .*+                   # a string in a string, a list, an object: its end is not looked for
    | (?: (?:Bearer|Basic|Token|Digest) [ ]++ )?+ [^\s,;&<}\]"']++
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_PART = re.compile(
    r'(^content-disposition:[^\r\n]*?\bname="?([^";\r\n]++)[^\r\n]*+\r?\n(?:[^\r\n]++\r?\n)*+\r?\n)([^\r\n]*+)',
    re.IGNORECASE | re.MULTILINE,
)
"""A part of a multipart form: its headers and an empty line, its name, its value."""
_PLAIN_WORDS = frozenset({"password", "secret", "token", "bearer", "basic", "null", "true", "false", "undefined"})
"""Masking these wherever they stand would make an entry unreadable; as passwords they protect nothing."""
_MIN_LENGTH = 4
_MAX_DEPTH = 64
_MAX_NAME = 64
"""Characters of a name, from its end, that say whether it is a secret's."""
_MAX_SECRETS = 50


class Redactor:
    """Redacts the parts of one entry. It learns the secrets that it finds, and masks them in what it is given later.

    Args:
        secrets: what is masked wherever it stands, as the mock's API keys.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        for secret in secrets:
            self._learn(secret)
        self._given = len(self._secrets)

    @property
    def has_learned(self) -> bool:
        """Whether a secret was found: what was redacted before it may repeat it."""
        return len(self._secrets) > self._given

    def redact_header(self, name: str, value: str) -> str:
        """Return the value of a header."""
        lowered = name.lower()
        if lowered == "cookie":
            return "; ".join(self._redact_cookie(part.strip()) for part in value.split(";"))
        if lowered == "set-cookie":
            cookie, separator, attributes = value.partition(";")
            return self._redact_cookie(cookie) + separator + attributes
        if is_secret_header(name):
            self._learn(value)
            self._learn(value.rpartition(" ")[2])
            return MASK
        return self.redact_text(value)

    def redact_cookie_value(self, name: str, value: str) -> str:
        """Return the value of a cookie."""
        return self._mask(value) if is_secret_cookie(name) else self.redact_text(value)

    def redact_parameter(self, name: str, value: str) -> str:
        """Return the value of a parameter of a query string or a form, both decoded."""
        return self._mask(value) if is_secret_name(name) else self.redact_document(value)

    def redact_url(self, url: str) -> str:
        """Return a URL, or its path and query string, as it was sent: encoded."""
        path, separator, query = url.partition("?")
        return self._mask_known(_JWT.sub(MASK, path)) + separator + self._redact_encoded(query)

    def redact_body(self, body: bytes, content_type: str) -> str:
        """Return a body as text; bytes that are not UTF-8 become U+FFFD."""
        text = _decode(body)
        if content_type.partition(";")[0].strip().lower() == FORM:
            return self._redact_encoded(text)
        return self.redact_document(text)

    def redact_document(self, text: str) -> str:
        """Return a text that may be JSON; JSON without a secret keeps its spelling."""
        if text.lstrip()[:1] in ("{", "[", '"'):
            try:
                value = orjson.loads(text)
            except ValueError:
                return self.redact_text(text)
            redacted = self._redact_value(value, 0)
            if redacted != value:
                text = orjson.dumps(redacted).decode()
            elif _repeats_name(text):  # of which the value above has only the last
                text = self._mask_named(text)
            return self._mask_known(text)
        return self.redact_text(text)

    def redact_json(self, value: Any) -> Any:
        """Return a JSON value."""
        redacted = self._redact_value(value, 0)
        return self._mask_strings(redacted) if self._secrets else redacted

    def redact_text(self, text: str) -> str:
        """Return a text."""
        return self._mask_known(self._mask_named(text))

    def _redact_value(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self.redact_document(value) if value[:1] in ("{", "[") else self._mask_named(value)
        if depth == _MAX_DEPTH and isinstance(value, (dict, list)):
            return MASK
        if isinstance(value, dict):
            return {
                name: self._mask_all(item) if is_secret_name(name) else self._redact_value(item, depth + 1)
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [self._redact_value(item, depth + 1) for item in value]
        return value

    def _mask_all(self, value: Any) -> Any:
        """Mask all that stands under the name of a secret; `null`, `true` and `false` are none."""
        if isinstance(value, dict):
            return {name: self._mask_all(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._mask_all(item) for item in value]
        return value if value is None or isinstance(value, bool) else self._mask(str(value))

    def _mask_strings(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._mask_known(name): self._mask_strings(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._mask_strings(item) for item in value]
        return self._mask_known(value) if isinstance(value, str) else value

    def _redact_encoded(self, text: str) -> str:
        return self._mask_known("&".join(self._redact_encoded_parameter(part) for part in text.split("&")))

    def _redact_encoded_parameter(self, part: str) -> str:
        name, separator, value = part.partition("=")
        decoded = unquote_plus(value)
        redacted = self.redact_parameter(unquote_plus(name), decoded) if separator else decoded
        return part if redacted == decoded else f"{name}={quote(redacted, safe='[]')}"

    def _redact_cookie(self, cookie: str) -> str:
        name, separator, value = cookie.partition("=")
        return name + separator + self.redact_cookie_value(name.strip(), value) if separator else cookie

    def _mask_named(self, text: str) -> str:
        if len(text) < _MIN_LENGTH or not _MAY_HOLD_SECRET.search(text):
            return text
        return _JWT.sub(MASK, "".join(self._split_named(_PART.sub(self._mask_part, text))))

    def _split_named(self, text: str) -> Iterator[str]:
        position = 0
        for match in _NAME.finditer(text):
            if match.start() < position or not is_secret_name(match[1]):
                continue
            value = _VALUE.match(text, match.end())
            if value is not None:
                self._learn(value[0].strip("\\\"'"))
                yield text[position : match.end()]
                yield f'"{MASK}"' if value[0][0] == '"' else MASK
                position = value.end()
        yield text[position:]

    def _mask_part(self, match: re.Match[str]) -> str:
        return match[1] + self._mask(match[3]) if is_secret_name(match[2]) else match[0]

    def _mask(self, secret: str) -> str:
        self._learn(secret)
        return MASK

    def _learn(self, secret: str) -> None:
        if len(secret) >= _MIN_LENGTH and secret.lower() not in _PLAIN_WORDS and len(self._secrets) < _MAX_SECRETS:
            escaped = quote(secret, safe="", errors="replace"), quote_plus(secret, errors="replace")
            self._secrets.update((secret, json.dumps(secret)[1:-1], *escaped))

    def _mask_known(self, text: str) -> str:
        """Mask the secrets, the longest first: one may be a part of another."""
        for secret in sorted((secret for secret in self._secrets if secret in text), key=len, reverse=True):
            text = text.replace(secret, MASK)
        return text


def is_secret_name(name: str) -> bool:
    """Return whether a field, parameter or header of this name holds a secret; `Idempotency-Key` does not."""
    return _ends_like_secret(name[-_MAX_NAME:])


def is_secret_header(name: str) -> bool:
    """Return whether a header of this name is a secret as a whole; of cookies, the names decide one by one."""
    return is_secret_name(name) or _SECRET_HEADER.search(_normalize(name)) is not None


def is_secret_cookie(name: str) -> bool:
    """Return whether a cookie of this name carries a token or names a session."""
    return is_secret_name(name) or _SECRET_COOKIE.search(_normalize(name)) is not None


@lru_cache(maxsize=512)
def _ends_like_secret(name: str) -> bool:
    return _SECRET_NAME.search(_normalize(name)) is not None


def _normalize(name: str) -> str:
    return "".join(filter(str.isalnum, name[-_MAX_NAME:].lower()))


def _repeats_name(text: str) -> bool:
    """Return whether an object in a JSON text has two members of one name."""
    repeated = False

    def check(members: list[tuple[str, Any]]) -> None:
        nonlocal repeated
        repeated = repeated or len(dict(members)) < len(members)

    json.loads(text, object_pairs_hook=check)
    return repeated


def _decode(body: bytes) -> str:
    """Return a body as text, also if it is JSON in UTF-16 or UTF-32, whose secrets would else not be seen."""
    if b"\x00" in body[:4]:
        try:
            text = body.decode(json.detect_encoding(body))
        except UnicodeDecodeError:
            text = ""
        if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[", '"'):
            return text
    return body.decode("utf-8", "replace")

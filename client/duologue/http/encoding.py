"""From an operation of the contract and its parameters to the parts of a request. Pure functions."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from duologue.contract import Model, Operation


def build_path(operation: Operation[Any], ids: Mapping[str, str]) -> str:
    """Return an operation's path below the base URL, with the ids percent-encoded: `a/b` becomes `a%2Fb`.

    Raises:
        ValueError: an id that no path can carry: empty, `.`, `..`, or with a line break or NUL.
    """
    return operation.path.format_map({name: _quote(name, value) for name, value in ids.items()})


def _quote(name: str, value: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {type(value).__name__}")
    if value in ("", ".", ".."):
        raise ValueError(f"{name} must not be {value!r}: servers and proxies take such a path for another one")
    if re.search(r"[\r\n\0]", value):
        raise ValueError(f"{name} must not contain line breaks or NUL")
    return quote(value, safe="")


def encode_query(operation: Operation[Any], body: Model | None) -> str:
    """Return the query string with its `?`; an empty string where the operation has no query, or all is left out."""
    if operation.query is None or body is None:
        return ""
    pairs = operation.query.dump(body)
    return f"?{urlencode(pairs, quote_via=quote)}" if pairs else ""


def encode_body(operation: Operation[Any], body: Model | None) -> bytes | None:
    """Return the JSON body, None where the operation has none.

    Raises:
        ValueError: a number that JSON cannot represent, or half of a surrogate pair.
        TypeError: a value that JSON cannot represent.
    """
    if operation.body is None or body is None:
        return None
    text = json.dumps(operation.body.dump(body), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        del text  # it may hold a password, and the error holds it too
    raise ValueError("a text holds half of a surrogate pair, which JSON in UTF-8 cannot represent")

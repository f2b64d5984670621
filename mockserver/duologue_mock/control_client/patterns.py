"""Which requests are meant: an operation, a method and a path, or a pattern in WireMock's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from duologue.contract.core import Operation

Target = Operation[Any] | str | Mapping[str, Any]
"""What a caller names requests by: an operation, a text, or a request pattern in WireMock's words."""

_OPERATION = re.compile(r"[a-z_]+\.[A-Z_]+", re.ASCII)
_METHOD_AND_PATH = re.compile(r"(?:(?P<method>[A-Z]+) +)?(?P<url>/\S*)", re.ASCII)

MATCHERS = frozenset(
    {
        "equalTo", "contains", "doesNotContain", "matches", "doesNotMatch", "absent", "anything", "binaryEqualTo",
        "equalToJson", "matchesJsonPath", "matchesJsonSchema", "and", "or", "not", "hasExactly", "includes",
    }
)  # fmt: skip
"""WireMock's words by which a mapping is a matcher and not JSON."""


def build_target(target: Target) -> dict[str, Any]:
    """Return the request pattern of what a caller names.

    Args:
        target: an operation (`users.LIST`), its id (`"users.LIST"`), a method and a path (`"GET /api/users/{id}"`; a
            path alone is any method's), or a request pattern in WireMock's words.

    Raises:
        TypeError: it is none of these.
        ValueError: a text that is none of these.
    """
    if isinstance(target, Mapping):
        return dict(target)
    if isinstance(target, str):
        return _parse_target(target)
    if not isinstance(target, Operation):
        raise TypeError(f"Name an operation, a text like 'GET /api/users' or a request pattern, not {target!r}.")
    return {"operation": target.id}


def _parse_target(text: str) -> dict[str, Any]:
    if _OPERATION.fullmatch(text):
        return {"operation": text}
    match = _METHOD_AND_PATH.fullmatch(text)
    if match is None:
        raise ValueError(
            f"Name an operation like 'users.LIST', or a method and a path like 'GET /api/users', not {text!r}."
        )
    url = match["url"]
    key = "urlPathTemplate" if "{" in url else "url" if "?" in url else "urlPath"
    return {"method": match["method"] or "ANY", key: url}


def build_pattern(
    target: Target,
    *,
    path: Mapping[str, Any] | None = None,
    body: Any = None,
    headers: Mapping[str, Any] | None = None,
    query: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the request pattern of a target and of what else a request must have.

    Args:
        target: see `build_target`.
        path: values of the path's parameters by name; or matchers.
        body: what its body must have: JSON, of which it may have more; a text that it is; or a matcher.
        headers: values by name; or matchers.
        query: values of query parameters by name; or matchers.
    """
    pattern = build_target(target)
    if body is not None:
        pattern["bodyPatterns"] = [*pattern.get("bodyPatterns", ()), build_body_matcher(body)]
    for key, values in (("pathParameters", path), ("headers", headers), ("queryParameters", query)):
        if values:
            pattern[key] = {**pattern.get(key, {}), **{name: build_matcher(value) for name, value in values.items()}}
    return pattern


def build_body_matcher(body: Any) -> dict[str, Any]:
    """Return the matcher of a body: a matcher as it is, a text that it is, or JSON of which it may have more."""
    if is_matcher(body) or isinstance(body, str):
        return build_matcher(body)
    return {"equalToJson": body, "ignoreExtraElements": True}


def build_matcher(value: Any) -> dict[str, Any]:
    """Return the matcher of one value: a matcher as it is, None for one that is absent, anything else for its text."""
    if is_matcher(value):
        return dict(value)
    if value is None:
        return {"absent": True}
    if isinstance(value, bool):
        return {"equalTo": "true" if value else "false"}
    return {"equalTo": str(value)}


def is_matcher(value: Any) -> bool:
    """Return whether a value is a matcher in WireMock's words."""
    return isinstance(value, Mapping) and bool(MATCHERS & value.keys())


def describe_target(target: Target) -> str:
    """Return what a target is called in a sentence: `users.LIST`, `GET /api/users`."""
    if isinstance(target, str):
        return target
    if not isinstance(target, Mapping):
        return target.id
    if "operation" in target:
        return str(target["operation"])
    keys = ("url", "urlPattern", "urlPath", "urlPathPattern", "urlPathTemplate")
    url = next((str(target[key]) for key in keys if key in target), "any URL")
    return f"{target.get('method', 'ANY')} {url}"

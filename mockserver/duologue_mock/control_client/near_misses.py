"""What came near, in words: where a request differs from what was expected of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from duologue_mock.control_client.journal import LoggedRequest, parse_entry
from duologue_mock.control_client.patterns import is_matcher

if TYPE_CHECKING:
    from duologue_mock.control_client.transport import ControlTransport

_MAX_SHOWN = 120
"""Characters of a value that a sentence quotes."""
_MAX_DIFFERENCES = 5
"""Differences that are named of each request."""


def describe_near_misses(
    transport: ControlTransport,
    pattern: Mapping[str, Any],
    *,
    body: Any = None,
    headers: Mapping[str, Any] | None = None,
    query: Mapping[str, Any] | None = None,
) -> str:
    """Return lines about the requests that came nearest to a pattern; one line if none came at all.

    Args:
        transport: to the namespace.
        pattern: the whole pattern.
        body: what the body was expected to have.
        headers: what headers were expected.
        query: what query parameters were expected.

    Raises:
        ControlAPIError: the call failed.
    """
    misses = transport.call("POST", "/near-misses/request-pattern", pattern)["nearMisses"]
    requests = [parse_entry(miss["request"]) for miss in misses]
    if not requests:
        return "No other request came."
    lines = ["What came near:"]
    for request in requests:
        lines.append(f"  {_shorten(str(request))}")
        differences = list(compare(request, pattern, body=body, headers=headers, query=query))
        lines += [f"    {difference}" for difference in differences[:_MAX_DIFFERENCES]]
        if len(differences) > _MAX_DIFFERENCES:
            lines.append(f"    and {len(differences) - _MAX_DIFFERENCES} more differences")
    return "\n".join(lines)


def compare(
    request: LoggedRequest,
    pattern: Mapping[str, Any],
    *,
    body: Any = None,
    headers: Mapping[str, Any] | None = None,
    query: Mapping[str, Any] | None = None,
) -> Iterator[str]:
    """Yield where a request differs from what was expected, a sentence each."""
    operation = pattern.get("operation")
    if operation is not None and request.operation is not None and request.operation != operation:
        yield f"its operation is {request.operation}, not {operation}"
    method = pattern.get("method", "ANY")
    if method not in ("ANY", request.method):
        yield f"its method is {request.method}, not {method}"
    path = pattern.get("urlPath")
    if path is not None and request.path != path:
        yield f"its path is {request.path}, not {path}"
    for name, expected in (headers or {}).items():
        value = request.header(name)
        yield from _compare_texts(f"header {name}", [] if value is None else [value], expected)
    for name, expected in (query or {}).items():
        yield from _compare_texts(f"query parameter {name}", request.query.get(name, []), expected)
    if body is not None:
        yield from _compare_bodies(request, body)


def _compare_texts(what: str, values: Iterable[str], expected: Any) -> Iterator[str]:
    values = list(values)
    if is_matcher(expected):
        yield f"{what} is {_join(values)}; expected {show(expected)}"
    elif expected is None:
        if values:
            yield f"{what} is {_join(values)}; expected none"
    elif _to_text(expected) not in values:
        yield f"{what} is {_join(values)}; expected {show(_to_text(expected))}"


def _compare_bodies(request: LoggedRequest, expected: Any) -> Iterator[str]:
    if is_matcher(expected):
        yield f"body is {show(request.text)}; expected {show(expected)}"
    elif isinstance(expected, str):
        if request.text != expected:
            yield f"body is {show(request.text)}; expected {show(expected)}"
    else:
        try:
            actual = request.json()
        except ValueError:
            yield f"body is {show(request.text)}, which is not JSON; expected {show(expected)}"
            return
        yield from compare_json("body", actual, expected)


def compare_json(where: str, actual: Any, expected: Any) -> Iterator[str]:
    """Yield where JSON lacks what is expected of it, or has something else there; it may have more members.

    Args:
        where: what the value is called: `body.email`.
        actual: the value.
        expected: what is expected of it.
    """
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for name, value in expected.items():
            if name in actual:
                yield from compare_json(f"{where}.{name}", actual[name], value)
            else:
                yield f"{where}.{name} is missing; expected {show(value)}"
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, value in enumerate(expected):
            yield from compare_json(f"{where}[{index}]", actual[index], value)
    elif actual != expected or isinstance(actual, bool) != isinstance(expected, bool):
        yield f"{where} is {show(actual)}; expected {show(expected)}"


def show(value: Any) -> str:
    """Return a value as JSON, cut where it is long."""
    return _shorten(json.dumps(value, ensure_ascii=True, default=repr))


def _join(values: list[str]) -> str:
    return " and ".join(map(show, values)) or "missing"


def _to_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shorten(text: str) -> str:
    printable = text.encode("unicode_escape", "backslashreplace").decode("ascii") if not text.isprintable() else text
    return printable if len(printable) <= _MAX_SHOWN else f"{printable[:_MAX_SHOWN]}…"

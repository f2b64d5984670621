"""What a mock was asked: for the end of a test run, with details where it failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from duologue.contract.errors import escape_for_log

if TYPE_CHECKING:
    from duologue_mock.control_client.control import MockControl

_MAX_LINES = 20
"""Lines of each kind, over all namespaces."""
_MAX_LENGTH = 200
"""Characters of a line."""


def describe_failures(control: MockControl) -> list[str]:
    """Return lines about requests that broke the contract, and those that matched nothing, of all namespaces.

    Args:
        control: of any namespace of the mock.

    Raises:
        ControlAPIError: the mock does not respond.
    """
    namespaces = [control.namespace(name) for name in control.namespaces()]
    violations = [line for each in namespaces for line in _describe_violations(each)]
    unmatched = [line for each in namespaces for line in _describe_unmatched(each)]
    return [
        *_head("Requests that broke the contract:", violations),
        *_head("Requests that matched no operation and no stub:", unmatched),
    ]


def describe_run(control: MockControl) -> list[str]:
    """Return lines about coverage of the contract and its violations, over all namespaces; none if nothing came.

    Args:
        control: of any namespace of the mock.

    Raises:
        ControlAPIError: the mock does not respond.
    """
    from duologue_mock.control_client.summary import Summary

    summary = Summary()
    for namespace in map(control.namespace, control.namespaces()):
        summary.add(namespace.coverage(), namespace.count_violations())
    return [f"duologue: {line}" for line in summary.describe()]


def _head(title: str, lines: list[str]) -> list[str]:
    if not lines:
        return []
    more = len(lines) - _MAX_LINES
    return [title, *lines[:_MAX_LINES], *([f"  and {more} more"] if more > 0 else [])]


def _describe_violations(control: MockControl) -> Iterator[str]:
    for violation in reversed(control.violations()):
        request: Mapping[str, Any] = violation.get("request") or {}
        text = f"{violation.get('message', '')} {violation.get('cure', '')}".strip()
        yield _format(control, f"{request.get('method')} {request.get('url')} {request.get('status', '')}: {text}")


def _describe_unmatched(control: MockControl) -> Iterator[str]:
    for request in control.requests(unmatched=True):
        yield _format(control, f"{request.method} {request.url}")


def _format(control: MockControl, text: str) -> str:
    namespace = "" if control.name == "default" else f"[{control.name}] "
    return f"  {namespace}{escape_for_log(text)[:_MAX_LENGTH]}"

"""Why a request does not match a pattern, in words for people."""

from __future__ import annotations

from typing import Any

from duologue_mock.control.json_keys import show
from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.matching.matchers.body_matchers import BodyText
from duologue_mock.control.matching.matchers.json_matchers import EqualToJson
from duologue_mock.control.matching.parts import Item
from duologue_mock.control.matching.request_pattern import RequestPattern
from duologue_mock.control.received import ReceivedRequest

_MAX_DIFFERENCES = 20


def describe_differences(
    pattern: RequestPattern, request: ReceivedRequest, *, shown: ReceivedRequest | None = None
) -> list[str]:
    """Return a sentence for each value of a request that is not as a pattern has it; [] if the pattern matches.

    Args:
        pattern: the pattern.
        request: the request.
        shown: the request whose values are shown: the same without secrets.
    """
    evaluation = Evaluation()
    items = [item for item in pattern.items if not item.matches(request, evaluation)]
    sentences = [_describe(item, shown or request, evaluation) for item in items[:_MAX_DIFFERENCES]]
    return sentences + evaluation.exceeded


def _describe(item: Item, request: ReceivedRequest, evaluation: Evaluation) -> str:
    value = item.select(request, evaluation)
    reason = _explain(item, request, evaluation)
    return (
        f"The {item.label} is {_show_value(item, value)}; expected: {item.matcher.describe()}"
        + (f" ({reason})" if reason else "")
        + "."
    )


def _explain(item: Item, request: ReceivedRequest, evaluation: Evaluation) -> str:
    """Return where in the body's JSON the difference is."""
    if isinstance(item.matcher, BodyText) and isinstance(item.matcher.matcher, EqualToJson):
        return item.matcher.matcher.explain(request.body_text or None, evaluation)
    return ""


def _show_value(item: Item, value: Any) -> str:
    if isinstance(value, ReceivedRequest):
        return _show_operation(value) if item.label == "operation" else _show_body(value)
    if value is None:
        return "absent"
    return ", ".join(map(show, value)) if isinstance(value, list) else show(value)


def _show_operation(request: ReceivedRequest) -> str:
    name = request.operation.id if request.operation else "no operation"
    return f"{name} ({request.method} {show(request.path)})"


def _show_body(request: ReceivedRequest) -> str:
    return show(request.body_text) if request.body else "absent"

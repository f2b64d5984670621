"""`/violations`: the requests that broke the contract, with the rule and its cure."""

from __future__ import annotations

from typing import Any

from duologue_mock.control.api.endpoints import ControlCall, Endpoints
from duologue_mock.control.errors import ControlError
from duologue_mock.control.watching.rules import RULES

endpoints = Endpoints("violations")


@endpoints.add(
    "GET",
    "/violations",
    query={"rule": "Only violations of this rule.", "limit": "The most violations to return."},
    response={"type": "object"},
)
def list_violations(call: ControlCall) -> dict[str, Any]:
    """List how requests broke the contract, the newest first: rule, message, cure, and the request."""
    rule, limit = call.query.get("rule"), call.integer("limit")
    if rule is not None and rule not in RULES:
        raise ControlError(400, f"There is no rule {rule[:100]!r}", detail=f"The rules are {', '.join(RULES)}.")
    log = call.control.recorder.violations
    by_rule = {name: count for name, count in sorted(log.by_rule.items()) if rule in (None, name)}
    violations = log.list_newest(rule=rule)[:limit]
    return {"violations": violations, "byRule": by_rule, "meta": {"total": sum(by_rule.values())}}

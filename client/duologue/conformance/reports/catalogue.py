"""The rules, for people: a line for each, and one with an example of the exchange that it is about."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from duologue.conformance.rules import NEEDS, Rule
from duologue.conformance.target import golden
from duologue.contract import operations

STAGES = {
    1: "Each response by itself",
    2: "What operations mean",
    3: "Across operations",
    4: "Events",
    5: "Histories and generated requests",
}
"""What the stages are called."""


def render_list(rules: Iterable[Rule]) -> Iterator[str]:
    """Yield a line for each rule, below a title for each stage."""
    rules = tuple(rules)
    width = max((len(rule.id) for rule in rules), default=0)
    for stage, title in STAGES.items():
        members = sorted(rule.id for rule in rules if rule.stage == stage)
        if members:
            yield f"{title}:"
            yield from (f"  {rule.id:<{width}}  {rule.sentence}" for rule in rules if rule.stage == stage)
            yield ""
    yield f"{len(rules)} rules"


def explain_rule(rule: Rule) -> Iterator[str]:
    """Yield what a rule demands, what it takes to judge it, and an example exchange of its operation."""
    yield f"{rule.id}: {rule.sentence}"
    yield f"Source: {rule.source}"
    yield f"Stage {rule.stage}: {STAGES[rule.stage]}"
    yield f"To judge it, the run {'only reads' if rule.reads_only else 'changes data, which it removes'}."
    if rule.needs:
        yield f"It needs {'; '.join(NEEDS[name] for name in sorted(rule.needs))}."
    example = _find_example(rule)
    if example is not None:
        yield ""
        yield "An example:"
        yield from _render_example(example)


def _find_example(rule: Rule) -> Any:
    """Return the golden example of the operation in the rule's id; None if it is about none."""
    operation = next((one for one in operations() if rule.id.startswith(f"{one.id}.")), None)
    return None if operation is None else golden.load(operation.id)


def _render_example(example: dict[str, Any]) -> Iterator[str]:
    request, response = example["request"], example["response"]
    yield f"  {request['method']} {request['path']}"
    yield from _render_message(request)
    yield ""
    yield f"  {response['status']}"
    yield from _render_message(response)


def _render_message(message: dict[str, Any]) -> Iterator[str]:
    yield from (f"  {name}: {value}" for name, value in message.get("headers", {}).items())
    if "body" in message:
        yield from (f"  {line}" for line in json.dumps(message["body"], indent=2).splitlines())

"""Which rules a run judges."""

from __future__ import annotations

import pytest

from duologue.conformance.rules import Rule
from duologue.conformance.running.selection import Selection, SelectionError


def build_rule(id: str, *, reads_only: bool = False, quick: bool = False) -> Rule:
    return Rule(id, "It holds.", source="Platform API specification", reads_only=reads_only, quick=quick)


LIST, WALK, GET = (
    build_rule("users.LIST.total", quick=True),
    build_rule("users.LIST.walk"),
    build_rule("users.GET.ok", reads_only=True),
)
LISTED, CHATS = build_rule("users.LISTED.other"), build_rule("chats.LIST.order")
CHECK = Rule("conditional.tag", "A success has an ETag.", source="RFC 9110", checks_responses=True)
RULES = (LIST, WALK, GET, LISTED, CHATS)


@pytest.mark.parametrize(
    ("selection", "rules"),
    [
        (Selection(), RULES),
        (Selection(only=("users.LIST",)), (LIST, WALK)),
        (Selection(only=("users", "chats.LIST.order")), RULES),
        (Selection(only=("users",), skip=("users.LIST", "users.LISTED.other")), (GET,)),
        (Selection(read_only=True), RULES),
    ],
)
def test_included_rules(selection: Selection, rules: tuple[Rule, ...]) -> None:
    selection.check(RULES)
    assert tuple(filter(selection.includes, RULES)) == rules


def test_obstacles() -> None:
    assert "--read-only" in Selection(read_only=True).get_obstacle(LIST)
    assert Selection(read_only=True).get_obstacle(GET) == ""
    assert "--quick" in Selection(quick=True).get_obstacle(GET)
    assert Selection(quick=True).get_obstacle(LIST) == ""


def test_quick_run_judges_a_rule_by_a_few_cases() -> None:
    cases = range(39)

    assert Selection().thin(cases) == cases
    assert Selection(quick=True).thin(cases[:5]) == cases[:5]
    assert Selection(quick=True).thin(cases) == [0, 7, 15, 23, 31]


@pytest.mark.parametrize(
    ("selection", "sentence"),
    [
        (Selection(only=("user.LIST",)), "No rule is called 'user.LIST'. Did you mean users.LIST"),
        (Selection(skip=("users.LIS",)), "No rule is called 'users.LIS'."),
        (Selection(only=("zzz",)), "No rule is called 'zzz'. duologue check --list"),
        (Selection(only=("users.GET",), skip=("users",)), "No rule is left"),
        (Selection(only=("conditional",)), "conditional.tag is judged by the responses to all tests: name rules"),
    ],
)
def test_names_that_no_rule_has(selection: Selection, sentence: str) -> None:
    with pytest.raises(SelectionError) as caught:
        selection.check((*RULES, CHECK))
    assert sentence in str(caught.value)

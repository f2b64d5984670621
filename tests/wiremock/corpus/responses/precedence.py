"""Which stub answers: priorities, age, scenarios."""

from __future__ import annotations

from typing import Any

from tests.wiremock.cases import Admin, Case, Send, Step, case, header, stub

ID = "00000000-0000-4000-8000-00000000000{}"


def _named(name: str, request: dict[str, Any] | None = None, **beside: Any) -> Admin:
    return stub({} if request is None else request, {"body": name}, **beside)


def _state(name: str, required: str | None, new: str | None, url: str = "/things", **beside: Any) -> Admin:
    states = {"requiredScenarioState": required, "newScenarioState": new}
    return stub(
        {"urlPath": url},
        {"body": f"{required} to {new}"},
        scenarioName=name,
        **{key: value for key, value in states.items() if value is not None},
        **beside,
    )


_SCENARIOS = Admin("GET", "/scenarios")


def _list_priority_cases() -> list[Case]:
    orders: dict[str, tuple[Any, ...]] = {
        "newest": (None, None, None),
        "lowest": (3, 1, 2),
        "default-is-five": (5, None),
        "default-before-six": (None, 6),
        "four-before-default": (4, None),
        "zero": (0, 1),
        "negative": (-1, 0),
        "equal": (2, 2),
        "large": (2147483647, 2147483646),
        "text": ("1", 2),
        "fraction": (1.5, 2),
        "too-large": (99999999999, 2),
        "null": (None, 5, 5),
    }
    return [
        case(
            f"priority/{name}",
            *(
                _named(f"stub {number}", **({} if priority is None else {"priority": priority}))
                for number, priority in enumerate(priorities)
            ),
            Send(),
            Admin("GET", "/mappings"),
        )
        for name, priorities in orders.items()
    ]


def _list_replacement_cases() -> list[Case]:
    first, second = ID.format(1), ID.format(2)
    edited = {"request": {}, "response": {"body": "edited"}}
    read = Admin("GET", "/mappings")
    return [
        case(
            "replace/put-keeps-place",
            _named("1", id=first),
            _named("2", id=second),
            Admin("PUT", f"/mappings/{first}", edited),
            Send(),
            read,
        ),
        case(
            "replace/put-newest",
            _named("1", id=first),
            _named("2", id=second),
            Admin("PUT", f"/mappings/{second}", edited),
            Send(),
            read,
        ),
        case(
            "replace/put-priority",
            _named("1", id=first),
            _named("2", id=second),
            Admin("PUT", f"/mappings/{first}", {**edited, "priority": 1}),
            Send(),
            read,
        ),
        case(
            "replace/delete-newest",
            _named("1", id=first),
            _named("2", id=second),
            Admin("DELETE", f"/mappings/{second}"),
            Send(),
            read,
        ),
        case(
            "replace/specific-older",
            _named("specific", {"urlPath": "/things"}),
            _named("general"),
            Send(),
        ),
        case(
            "replace/specific-newer",
            _named("general"),
            _named("specific", {"urlPath": "/things"}),
            Send(),
            Send("/others"),
        ),
    ]


def _list_scenario_cases() -> list[Case]:
    three: tuple[Step, ...] = (
        _state("s", "Started", "two"),
        _state("s", "two", "three"),
        _state("s", "three", "Started"),
    )
    put = Admin("PUT", "/scenarios/s/state", {"state": "two"})
    scenarios: dict[str, tuple[Step, ...]] = {
        "round": (*three, *[Send()] * 4, _SCENARIOS),
        "listed": (*three, _SCENARIOS),
        "put": (*three, put, Send(), _SCENARIOS),
        "put-no-body": (*three, put, Admin("PUT", "/scenarios/s/state"), _SCENARIOS, Send()),
        "put-empty-object": (*three, put, Admin("PUT", "/scenarios/s/state", {}), _SCENARIOS),
        "put-unknown-state": (*three, Admin("PUT", "/scenarios/s/state", {"state": "nine"}), _SCENARIOS),
        "put-unknown-scenario": (*three, Admin("PUT", "/scenarios/t/state", {"state": "two"}), _SCENARIOS),
        "put-unknown-key": (*three, Admin("PUT", "/scenarios/s/state", {"stat": "two"}), _SCENARIOS),
        "put-malformed": (*three, Admin("PUT", "/scenarios/s/state", b"{"), _SCENARIOS),
        "put-null": (*three, put, Admin("PUT", "/scenarios/s/state", {"state": None}), _SCENARIOS),
        "put-number": (*three, Admin("PUT", "/scenarios/s/state", {"state": 1}), _SCENARIOS),
        "reset": (*three, Send(), Admin("POST", "/scenarios/reset"), Send(), _SCENARIOS),
        "reset-all": (*three, Send(), Admin("POST", "/reset"), _SCENARIOS, Send()),
        "reset-mappings": (*three, Send(), Admin("POST", "/mappings/reset"), _SCENARIOS),
        "delete-mappings": (*three, Send(), Admin("DELETE", "/mappings"), _SCENARIOS),
        "reset-requests": (*three, Send(), Admin("DELETE", "/requests"), _SCENARIOS),
        "no-required-state": (_state("s", None, "two"), _state("s", "two", "three"), *[Send()] * 3, _SCENARIOS),
        "no-new-state": (_state("s", "Started", None), *[Send()] * 2, _SCENARIOS),
        "name-only": (_state("s", None, None), Send(), _SCENARIOS),
        "state-without-name": (stub({}, {}, requiredScenarioState="x"), Send(), _SCENARIOS),
        "new-state-without-name": (stub({}, {}, newScenarioState="x"), Send(), _SCENARIOS),
        "empty-name": (_state("", "Started", "two"), Send(), _SCENARIOS),
        "two-scenarios": (
            _state("s", "Started", "two"), _state("t", "Started", "two", "/others"), Send(), _SCENARIOS,
            Send("/others"), _SCENARIOS,
        ),
        "unreachable-state": (_state("s", "nine", "ten"), Send(), _SCENARIOS),
        "odd-name": (_state("a b/c\u00e9", "Started", "two"), Send(), _SCENARIOS,
                     Admin("PUT", "/scenarios/a%20b%2Fc%C3%A9/state", {"state": "Started"}), _SCENARIOS),
        "fallback": (_named("fallback"), _state("s", "two", "three"), Send(), _SCENARIOS),
        "priority": (_state("s", "Started", "two", priority=9), _named("always"), Send(), _SCENARIOS),
        "stub-added-later": (_state("s", "Started", "two"), Send(), _state("s", "two", "three"), Send(), _SCENARIOS),
        "stub-removed": (
            _state("s", "Started", "two", id=ID.format(1)), Send(), Admin("DELETE", f"/mappings/{ID.format(1)}"),
            _SCENARIOS,
            _state("s", "Started", "two"), _SCENARIOS,
        ),
        "stub-replaced": (
            _state("s", "Started", "two", id=ID.format(1)), Send(),
            Admin("PUT", f"/mappings/{ID.format(1)}", {"scenarioName": "t", "requiredScenarioState": "Started",
            "newScenarioState": "x"}),
            _SCENARIOS, Send(), _SCENARIOS,
        ),
        "by-header": (
            stub({"headers": {"X-A": {"equalTo": "1"}}}, {"body": "1"}, scenarioName="s",
            requiredScenarioState="Started", newScenarioState="two"),
            stub({}, {"body": "2"}, scenarioName="s", requiredScenarioState="two"),
            Send(), Send(headers=header("X-A", "1")), Send(), Send(headers=header("X-A", "1")), _SCENARIOS,
        ),
        "same-state": (_state("s", "Started", "Started"), Send(), Send(), _SCENARIOS),
        "get-unknown": (Admin("GET", "/scenarios/s"),),
    }  # fmt: skip
    return [case(f"scenario/{name}", *steps) for name, steps in scenarios.items()]


CASES = (*_list_priority_cases(), *_list_replacement_cases(), *_list_scenario_cases())

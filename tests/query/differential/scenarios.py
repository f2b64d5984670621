"""Random scenarios: what a program does with a cache, and what the server returns."""

from __future__ import annotations

import json
import random
from typing import Any

KEYS: list[list[Any]] = [["a"], ["a", 1], ["a", {"x": 1, "y": None}], ["b", "é"]]
PREFIXES: list[list[Any]] = [*KEYS, ["a", {"x": 1}], ["a", {}], [], ["nothing"]]
INFINITE: list[Any] = ["pages"]

Scenario = dict[str, Any]


def scenario(seed: int) -> Scenario:
    """Return the scenario of a seed. Times are in ticks of 1/1024 s, which floating-point seconds hold exactly."""
    chance = random.Random(seed)
    settings = _settings(seed, chance)
    return {**settings, "steps": [step(chance, number) for number in range(chance.randint(5, 30))]}


def set_before_observed(seed: int) -> Scenario:
    """Return a scenario in which data is set before the query is observed, as the user is by a login."""
    chance = random.Random(f"set {seed}")
    settings = _settings(seed, chance)
    key = chance.choice(KEYS)
    steps: list[dict[str, Any]] = [{"do": "set", "key": key, "value": 0}]
    for number in range(1, chance.randint(4, 12)):
        kind = chance.choice(["advance", "observe", "observe", "invalidate", "refetch", "reset", "set", "unobserve"])
        details = {**_details(kind, chance, number), **({} if kind in ("advance", "unobserve") else {"key": key})}
        steps.append({"do": kind, **details})
    return {**settings, "steps": steps}


def _settings(seed: int, chance: random.Random) -> Scenario:
    return {
        "seed": seed,
        "stale_time": chance.choice([0, 700, 5000, 300_000]),
        "cache_time": chance.choice([0, 900, 6000, 600_000]),
        "retry": chance.choice([0, 0, 1, 2]),
        "server": {text(key): responses(chance) for key in [*KEYS, INFINITE, ["mutation"]]},
    }


def text(key: list[Any]) -> str:
    """The hash of a key: its JSON, as JavaScript writes it."""
    return json.dumps(key, separators=(",", ":"), ensure_ascii=False, sort_keys=True)


def responses(chance: random.Random) -> list[dict[str, Any]]:
    return [{"ticks": chance.randint(1, 900), "fails": chance.random() < 0.25} for _ in range(7)]


def step(chance: random.Random, number: int) -> dict[str, Any]:
    kinds = {
        "advance": 8,
        "fetch": 4,
        "ensure": 1,
        "set": 2,
        "update": 1,
        "invalidate": 3,
        "refetch": 1,
        "cancel": 1,
        "remove": 1,
        "reset": 1,
        "clear": 0.3,
        "observe": 4,
        "observe_infinite": 1,
        "unobserve": 2,
        "turn": 1,
        "refetch_observer": 1,
        "next": 2,
        "previous": 1,
        "mutate": 1,
    }
    kind = chance.choices([*kinds], [*kinds.values()])[0]
    return {"do": kind, **_details(kind, chance, number)}


def _details(kind: str, chance: random.Random, number: int) -> dict[str, Any]:
    if kind == "advance":
        return {"ticks": chance.choice([1, 100, 500, 1000, 1500, 7000, chance.randint(1, 3000)])}
    if kind in ("fetch", "ensure", "mutate"):
        return {"key": chance.choice(KEYS), "call": f"call {number}"}
    if kind in ("set", "update"):
        return {"key": chance.choice(KEYS), "value": number}
    if kind == "observe":
        return {
            "key": chance.choice(KEYS),
            "id": f"o{chance.randint(1, 3)}.{number}",
            "enabled": chance.random() < 0.85,
        }
    if kind == "observe_infinite":
        return {"key": INFINITE, "id": f"i{number}"}
    if kind in ("unobserve", "turn", "refetch_observer", "next", "previous"):
        chosen = {"pick": chance.random()}
        return {**chosen, "key": chance.choice(KEYS), "keep": chance.random() < 0.5} if kind == "turn" else chosen
    if kind == "invalidate":
        return {"key": chance.choice(PREFIXES), "refetch": chance.choice(["active", "active", "none", "all"])}
    return {"key": chance.choice(PREFIXES)} if kind != "clear" else {}


def name_observers(scenario: Scenario) -> Scenario:
    """Add the observer of each step: one that is open at that moment, of the right kind."""
    open_ids: list[str] = []
    steps = []
    for step in scenario["steps"]:
        if step["do"] in ("observe", "observe_infinite"):
            open_ids.append(step["id"])
        if "pick" in step:
            candidates = [
                id for id in open_ids if step["do"] not in ("next", "previous", "turn") or _fits(step["do"], id)
            ]
            if not candidates:
                continue
            step = {**step, "id": candidates[int(step["pick"] * len(candidates))]}
            if step["do"] == "unobserve":
                open_ids.remove(step["id"])
        steps.append(step)
    return {**scenario, "steps": steps}


def _fits(kind: str, id: str) -> bool:
    return id.startswith("i") == (kind in ("next", "previous"))

"""The same seed and the same calls: the same bytes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duologue_mock.control.responses.faults import Fault
from tests.mockserver.control.steered_mock import SteeredMock

STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("stub"),
            st.fixed_dictionaries(
                {},
                optional={
                    "passThrough": st.just(True),
                    "status": st.sampled_from([200, 404, 503]),
                    "fault": st.sampled_from([str(fault) for fault in Fault if fault is not Fault.HANG]),
                    "delayDistribution": st.just({"type": "lognormal", "median": 5, "sigma": 1}),
                    "headers": st.just({"X-A": "1"}),
                },
            ),
            st.fixed_dictionaries(
                {},
                optional={
                    "probability": st.floats(0, 1),
                    "times": st.integers(1, 3),
                    "priority": st.integers(1, 3),
                    "name": st.text("ab", max_size=2),
                },
            ),
        ),
        st.tuples(
            st.just("request"),
            st.sampled_from(["/x", "/api/users", "/api/users/1"]),
            st.sampled_from(["", "code=418", "fault=MALFORMED_JSON"]),
        ),
    ),
    max_size=14,
)


def run(seed: int, steps: list[tuple[Any, ...]]) -> list[Any]:
    mock, seen = SteeredMock(seed=seed), []
    for kind, first, second in steps:
        if kind == "stub":
            seen.append(mock.control("POST", "/mappings", {"response": first, **second}).data)
            continue
        try:
            response = mock.get(first, **({"Prefer": second} if second else {}))
            seen.append((response.status, list(response.headers), response.data))
        except ConnectionResetError as error:
            seen.append(str(error))
    return [*seen, mock.slept]


def draw_ids(seed: int, namespace: str) -> list[str]:
    """Return the ids of a stub, of imported ones, of a message mapping, and of what is added after a reset."""
    mock = SteeredMock(seed=seed)

    def add(path: str, body: Any) -> str:
        response = mock.control("POST", path, body, X_Mock_Namespace=namespace)
        return str((response.get_json() or {}).get("id"))

    mapping = {"event": "user:created", "action": "drop"}
    ids = [add("/mappings", {"persistent": True}), add("/message-mappings", mapping)]
    add("/mappings/import", {"mappings": [{}, {}]})
    stubs = mock.control("GET", "/mappings", X_Mock_Namespace=namespace).get_json()["mappings"]
    add("/reset", None)
    return [*ids, *(stub["id"] for stub in stubs[:2]), add("/mappings", {})]


def test_ids_of_stubs() -> None:
    """The same for the same seed, namespace and order; no two are the same in different namespaces."""
    names = ("default", "w1", "w2")
    drawn = {name: draw_ids(7, name) for name in names}
    assert drawn == {name: draw_ids(7, name) for name in names}
    per_namespace = [set(ids) for ids in drawn.values()]
    assert [len(ids) for ids in per_namespace] == [4, 4, 4]  # a reset draws those again that are free
    assert len(set.union(*per_namespace)) == 12
    assert not set(draw_ids(8, "w1")) & per_namespace[1]


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=40)
@given(seed=st.integers(0, 2**31), steps=STEPS)
@pytest.mark.slow
def test_same_seed_same_bytes(seed: int, steps: list[tuple[Any, ...]]) -> None:
    """The same stubs and requests give the same responses, faults and delays included."""
    assert run(seed, steps) == run(seed, steps)

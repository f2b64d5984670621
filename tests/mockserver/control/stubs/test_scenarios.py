"""Scenarios: one request changes what the next one gets."""

from __future__ import annotations

import pytest

from tests.mockserver.control.steered_mock import SteeredMock

TWICE = [
    {"requiredScenarioState": "Started", "newScenarioState": "failed once"},
    {"requiredScenarioState": "failed once", "newScenarioState": "recovered"},
    {"requiredScenarioState": "recovered"},
]


def add_steps(mock: SteeredMock, name: str = "s", url: str = "/x") -> list[str]:
    return [
        mock.stub({"body": str(number)}, url=url, scenarioName=name, **step) for number, step in enumerate(TWICE, 1)
    ]


def list_states(mock: SteeredMock) -> dict[str, str]:
    return {one["name"]: one["state"] for one in mock.control("GET", "/scenarios").get_json()["scenarios"]}


def set_state(mock: SteeredMock, name: str, state: str) -> None:
    assert mock.control("PUT", f"/scenarios/{name}/state", {"state": state}).get_json() == {}


def test_requests_walk_through(mock: SteeredMock) -> None:
    add_steps(mock)
    assert [mock.get("/x").text for _ in range(4)] == ["1", "2", "3", "3"]


def test_other_requests_change_nothing(mock: SteeredMock) -> None:
    add_steps(mock)
    mock.get("/y"), mock.get("/api/users"), mock.get("/x", Prefer="code=503")
    assert list_states(mock) == {"s": "Started"}


def test_stub_without_required_state(mock: SteeredMock) -> None:
    mock.stub({"body": "any"}, scenarioName="s", newScenarioState="two")
    add_steps(mock, url="/y")
    assert [mock.get("/x").text for _ in range(2)] == ["any", "any"]
    assert list_states(mock) == {"s": "two"}
    assert mock.get("/y").status_code == 404


def test_scenarios_are_independent(mock: SteeredMock) -> None:
    add_steps(mock, "a", "/a")
    add_steps(mock, "b", "/b")
    assert [mock.get(path).text for path in ("/a", "/a", "/b")] == ["1", "2", "1"]


def test_list_like_wiremock(mock: SteeredMock) -> None:
    ids = add_steps(mock)
    [scenario] = mock.control("GET", "/scenarios").get_json()["scenarios"]
    assert (scenario["id"], scenario["name"], scenario["state"]) == ("s", "s", "Started")
    assert sorted(scenario["possibleStates"]) == ["Started", "failed once", "recovered"]
    assert [stub["id"] for stub in scenario["mappings"]] == ids


def test_reset_of_all(mock: SteeredMock) -> None:
    for name in ("a", "b"):
        add_steps(mock, name, f"/{name}")
        mock.get(f"/{name}")
    assert mock.control("POST", "/scenarios/reset").get_json() == {}
    assert list_states(mock) == {"a": "Started", "b": "Started"}


def test_state_can_be_set(mock: SteeredMock) -> None:
    add_steps(mock)
    set_state(mock, "s", "recovered")
    assert mock.get("/x").text == "3"


def test_put_without_body_resets(mock: SteeredMock) -> None:
    add_steps(mock, "a", "/a")
    add_steps(mock, "b", "/b")
    mock.get("/a"), mock.get("/b")
    assert mock.control("PUT", "/scenarios/a/state").get_json() == {}
    assert list_states(mock) == {"a": "Started", "b": "failed once"}


@pytest.mark.parametrize("body", [{"state": "nope"}, {"state": None}, {}, {"state": ""}, {"state": 5}], ids=str)
def test_unknown_state(mock: SteeredMock, body: object) -> None:
    add_steps(mock)
    refused = mock.control("PUT", "/scenarios/s/state", body)
    assert (refused.status_code, refused.get_json()["errors"][0]["code"]) == (422, 11)
    assert list_states(mock) == {"s": "Started"}


@pytest.mark.parametrize("body", [{"state": "x"}, None], ids=str)
def test_unknown_scenario(mock: SteeredMock, body: object) -> None:
    refused = mock.control("PUT", "/scenarios/none/state", body)
    assert (refused.status_code, refused.get_json()["errors"][0]["code"]) == (404, 404)


@pytest.mark.parametrize("body", [{"foo": 1}, [], {"state": []}], ids=str)
def test_invalid_bodies(mock: SteeredMock, body: object) -> None:
    add_steps(mock)
    refused = mock.control("PUT", "/scenarios/s/state", body)
    assert (refused.status_code, refused.get_json()["errors"][0]["code"]) == (422, 10)


@pytest.mark.parametrize(("name", "path"), [("a b", "a%20b"), ("a/b", "a%2Fb"), ("é", "%C3%A9"), ("%", "%25")])
def test_any_name(mock: SteeredMock, name: str, path: str) -> None:
    add_steps(mock, name)
    set_state(mock, path, "recovered")
    assert list_states(mock) == {name: "recovered"}


def test_scenario_ends_with_its_last_stub(mock: SteeredMock) -> None:
    ids = add_steps(mock)
    mock.get("/x")
    for id in ids[:2]:
        mock.control("DELETE", f"/mappings/{id}")
    assert list_states(mock) == {"s": "failed once"}
    mock.control("DELETE", f"/mappings/{ids[2]}")
    assert list_states(mock) == {}
    add_steps(mock)
    assert list_states(mock) == {"s": "Started"}


def test_changed_stub_keeps_its_scenario(mock: SteeredMock) -> None:
    body = {"request": {"url": "/x"}, "scenarioName": "s", "newScenarioState": "two"}
    id = mock.control("POST", "/mappings", body).get_json()["id"]
    mock.get("/x")
    mock.control("PUT", f"/mappings/{id}", body)
    assert list_states(mock) == {"s": "two"}
    mock.control("PUT", f"/mappings/{id}", {**body, "scenarioName": "other"})
    assert list_states(mock) == {"other": "Started"}


@pytest.mark.parametrize("path", ["/mappings/reset", "/mappings/import"])
def test_persistent_scenario(mock: SteeredMock, path: str) -> None:
    """A reset of stubs puts scenarios back; an import of the same stub does not."""
    stub = {"id": "0d3bb1c0-0000-4000-8000-000000000001", "scenarioName": "s", "newScenarioState": "two"}
    mock.stub(url="/x", persistent=True, **stub)
    mock.get("/x")
    mock.control("POST", path, None if path.endswith("reset") else {"mappings": [{"request": {"url": "/x"}, **stub}]})
    assert list_states(mock) == {"s": "Started" if path.endswith("reset") else "two"}

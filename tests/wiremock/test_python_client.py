"""PyPI's wiremock drives the mock, and the real WireMock, as its documentation shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from wiremock.client import (
    DelayDistribution,
    DelayDistributionMethods,
    GlobalSetting,
    GlobalSettings,
    HttpMethods,
    Mapping,
    MappingRequest,
    MappingResponse,
    Mappings,
    NearMisses,
    NearMissMatchPatternRequest,
    NearMissMatchRequest,
    Requests,
    ResponseFaultType,
    Scenarios,
    WireMockMatchers,
)
from wiremock.constants import Config
from wiremock.exceptions import NotFoundException


@pytest.fixture(params=["mock", pytest.param("real", marks=[pytest.mark.node, pytest.mark.slow])])
def origin(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The origin of a server that the client is told of, without stubs and journal."""
    url = f"http://localhost:{request.getfixturevalue(f'{request.param}_port')}"
    monkeypatch.setattr(Config, "base_url", f"{url}/__admin")
    monkeypatch.setenv("NO_PROXY", "*")
    Mappings.delete_all_mappings()
    Requests.REST_CLIENT.delete("/requests")
    yield url
    Mappings.delete_all_mappings()


def create(url: str = "/hello", status: int = 200, body: str = "hi", **beside: Any) -> Mapping:
    """Add a stub, and return it as the server describes it."""
    mapping = Mapping(
        request=MappingRequest(method=HttpMethods.GET, url=url),
        response=MappingResponse(status=status, body=body),
        **beside,
    )
    created: Mapping = Mappings.create_mapping(mapping=mapping)
    return created


def get(url: str) -> tuple[int, str]:
    response = requests.get(url, timeout=30)
    return response.status_code, response.text


def test_readme_quickstart(origin: str) -> None:
    mapping = Mapping(
        priority=100,
        request=MappingRequest(method=HttpMethods.GET, url="/hello"),
        response=MappingResponse(status=200, body="hi"),
        persistent=False,
    )
    created = Mappings.create_mapping(mapping=mapping)
    assert (created.priority, created.request.url, created.response.body) == (100, "/hello", "hi")
    assert get(f"{origin}/hello") == (200, "hi")


def test_matchers_of_requests(origin: str) -> None:
    mapping = Mapping(
        request=MappingRequest(
            method=HttpMethods.POST,
            url_path="/orders",
            headers={"X-A": {WireMockMatchers.EQUAL_TO: "1"}},
            query_parameters={"q": {WireMockMatchers.MATCHES: "[0-9]+"}},
            body_patterns=[{WireMockMatchers.EQUAL_TO_JSON: '{"a": 1}', "ignoreExtraElements": True}],
        ),
        response=MappingResponse(status=201, json_body={"id": 5}, headers={"Content-Type": "application/json"}),
    )
    Mappings.create_mapping(mapping=mapping)
    body = {"a": 1, "b": 2}
    response = requests.post(f"{origin}/orders?q=12", json=body, headers={"X-A": "1"}, timeout=30)
    assert (response.status_code, response.json()) == (201, {"id": 5})
    assert requests.post(f"{origin}/orders?q=x", json=body, headers={"X-A": "1"}, timeout=30).status_code != 201


def test_reading_and_changing(origin: str) -> None:
    created = create()
    assert Mappings.retrieve_mapping(created).request.url == "/hello"
    created.response.body = "changed"
    assert Mappings.update_mapping(created).response.body == "changed"
    assert get(f"{origin}/hello") == (200, "changed")
    assert Mappings.retrieve_all_mappings().meta.total == 1
    Mappings.delete_mapping(created)
    with pytest.raises(NotFoundException):
        Mappings.retrieve_mapping(created)


def test_deleting_by_metadata(origin: str) -> None:
    create("/a", metadata={"group": "x"})
    create("/b", metadata={"group": "y"})
    Mappings.delete_mapping_by_metadata({"matchesJsonPath": {"expression": "$.group", "equalTo": "x"}})
    assert [one.request.url for one in Mappings.retrieve_all_mappings().mappings] == ["/b"]


def test_resetting_mappings(origin: str) -> None:
    create()
    assert Mappings.reset_mappings().status_code == 200
    assert Mappings.retrieve_all_mappings().meta.total == 0


def test_faults_break_connections(origin: str) -> None:
    mapping = Mapping(
        request=MappingRequest(method=HttpMethods.GET, url="/broken"),
        response=MappingResponse(fault=ResponseFaultType.EMPTY_RESPONSE),
    )
    Mappings.create_mapping(mapping)
    with pytest.raises(requests.ConnectionError):
        get(f"{origin}/broken")


def test_delays_of_responses(origin: str) -> None:
    distribution = DelayDistribution(distribution_type=DelayDistributionMethods.LOG_NORMAL, median=1, sigma=0.1)
    mapping = Mapping(
        request=MappingRequest(method=HttpMethods.GET, url="/slow"),
        response=MappingResponse(status=200, fixed_delay_milliseconds=1, delay_distribution=distribution),
    )
    Mappings.create_mapping(mapping)
    assert get(f"{origin}/slow")[0] == 200


def test_scenario_of_two_states(origin: str) -> None:
    create("/job", 202, scenario_name="job", required_scenario_state="Started", new_scenario_state="done")
    create("/job", 200, scenario_name="job", required_scenario_state="done")
    assert [get(f"{origin}/job")[0] for _ in range(3)] == [202, 200, 200]
    assert Scenarios.reset_all_scenarios().status_code == 200
    assert get(f"{origin}/job")[0] == 202


def test_requests_that_came(origin: str) -> None:
    create()
    get(f"{origin}/hello")
    get(f"{origin}/unknown")
    received = Requests.get_all_received_requests()
    assert [one.request.url for one in received.requests] == ["/unknown", "/hello"]
    assert Requests.get_request(received.requests[0].id).request.url == "/unknown"
    pattern = NearMissMatchPatternRequest(url="/hello", method=HttpMethods.GET)
    assert Requests.get_matching_request_count(pattern).count == 1
    assert [one.url for one in Requests.get_matching_requests(pattern).requests] == ["/hello"]
    assert [one.url for one in Requests.get_unmatched_requests().requests] == ["/unknown"]


def test_near_misses_of_requests(origin: str) -> None:
    create()
    get(f"{origin}/hallo")
    (near,) = Requests.get_unmatched_requests_near_misses().near_misses
    assert 0 < near.match_result.distance < 0.1
    by_request = NearMisses.find_nearest_misses_by_request(NearMissMatchRequest(url="/hell", method=HttpMethods.GET))
    by_pattern = NearMisses.find_nearest_misses_by_request_pattern(
        NearMissMatchPatternRequest(url="/hullo", method=HttpMethods.GET)
    )
    assert [len(by_request.near_misses), len(by_pattern.near_misses)] == [1, 1]


@pytest.mark.parametrize("origin", ["mock"], indirect=True)
def test_delay_for_all_requests(origin: str) -> None:
    """WireMock answers with nothing, which this client does not understand; the mock answers with `{}`."""
    GlobalSettings.update_global_settings(GlobalSetting(fixed_delay=1))
    create()
    assert get(f"{origin}/hello") == (200, "hi")
    GlobalSettings.update_global_settings(GlobalSetting(fixed_delay=0))

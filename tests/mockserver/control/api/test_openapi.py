"""The control API's own OpenAPI document: valid, complete, and true of real responses."""

from __future__ import annotations

import re
from typing import Any

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from duologue_mock.control.api.app import load_endpoints
from duologue_mock.control.api.description import build_document
from duologue_mock.control.api.endpoints import Endpoint
from tests.mockserver.control.state.calls import Calls, create_calls

ENDPOINTS = load_endpoints()
DOCUMENT = build_document(ENDPOINTS)

each_endpoint = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.method} {one.path}")


def test_served_document() -> None:
    assert create_calls().get("/openapi.json") == DOCUMENT


def test_document_is_valid() -> None:
    OPENAPI_31_VALIDATOR.validate(DOCUMENT)


def test_schemas_are_valid() -> None:
    schemas = [
        content["schema"]
        for item in DOCUMENT["paths"].values()
        for operation in item.values()
        for place in (operation.get("requestBody", {}), *operation["responses"].values())
        for content in place.get("content", {}).values()
    ]
    assert len(schemas) > len(ENDPOINTS)
    for schema in schemas:
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


@each_endpoint
def test_endpoint_is_described(endpoint: Endpoint) -> None:
    """A sentence, a schema of the body where there is one, of the response, and of each parameter in the path."""
    operation = DOCUMENT["paths"][endpoint.path][endpoint.method.lower()]
    assert re.fullmatch(r"[A-Z].*\.", operation["summary"])
    assert operation["responses"]["200"]["content"]["application/json"]["schema"]
    in_path = {parameter.get("name") for parameter in operation["parameters"] if parameter.get("in") == "path"}
    assert in_path == set(re.findall(r"{(\w+)}", endpoint.path))
    if endpoint.request is not None:
        assert operation["requestBody"]["content"]["application/json"]["schema"]
    assert endpoint.tag


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values()]
    assert len(set(ids)) == len(ids)


PREPARE: dict[str, list[tuple[str, str, Any]]] = {
    "/snapshots/{name}": [("PUT", "/snapshots/one", None)],
    "/snapshots/{name}/restore": [("PUT", "/snapshots/one", None)],
    "/snapshots/{name}/diff": [("PUT", "/snapshots/one", None)],
    "/namespaces/{name}": [("PUT", "/namespaces/one", None)],
}
"""What is called before."""
BODIES: dict[str, Any] = {
    "PUT /clock": {"now": "2030-01-01T00:00:00Z", "frozen": True},
    "POST /clock/advance": {"milliseconds": 5},
    "PUT /state": {"version": 1},
    "PUT /namespaces/{name}": {"preset": "empty", "settings": {"rate_limit": 3}},
}
NAMES = {"/presets/{name}": "empty"}
OURS = [
    endpoint
    for endpoint in ENDPOINTS
    if endpoint.tag in ("clock", "state", "snapshots", "presets", "reset", "namespaces")
]


@pytest.mark.parametrize("endpoint", OURS, ids=lambda one: f"{one.method} {one.path}")
def test_response_fits_schema(endpoint: Endpoint) -> None:
    calls = create_calls()
    for method, path, body in PREPARE.get(endpoint.path, ()):
        calls.check(method, path, body)
    body = BODIES.get(f"{endpoint.method} {endpoint.path}")
    path = endpoint.path.replace("{name}", NAMES.get(endpoint.path, "one"))
    response = calls.control(endpoint.method, path, body)
    operation = get_operation(endpoint)
    check_fits(operation["responses"][str(response.status_code)], response.json)
    if body is not None:
        check_fits(operation["requestBody"], body)


def test_error_fits_schema() -> None:
    calls = create_calls()
    endpoint = next(one for one in ENDPOINTS if (one.method, one.path) == ("PUT", "/state"))
    response = calls.control("PUT", "/state", {"version": 1, "users": [{"id": "1"}]})
    check_fits(get_operation(endpoint)["responses"]["422"], response.json)


def test_schema_notices_other_responses() -> None:
    endpoint = next(one for one in ENDPOINTS if (one.method, one.path) == ("GET", "/clock"))
    with pytest.raises(jsonschema_rs.ValidationError):
        check_fits(get_operation(endpoint)["responses"]["200"], {"now": 1})


def get_operation(endpoint: Endpoint) -> Any:
    return DOCUMENT["paths"][endpoint.path][endpoint.method.lower()]


def check_fits(described: Any, value: Any) -> None:
    schema = described["content"]["application/json"]["schema"]
    jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(value)


def test_calls_of_all_namespaces(calls: Calls) -> None:
    assert calls.in_namespace("w1").get("/openapi.json") == DOCUMENT

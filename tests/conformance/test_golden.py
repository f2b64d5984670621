"""The golden examples, the contract and the server agree, though none is generated from another."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from duologue.conformance.target import golden
from duologue.conformance.target.examples import each
from duologue.conformance.target.responses import CODES, TIMESTAMP, get_code
from duologue.contract import Event, ModelSchema, Operation, events, operations
from duologue.contract.error_body import ErrorBodySchema, MetadataSchema
from duologue.contract.errors import get_error_type

each_operation = each()
each_event = pytest.mark.parametrize("event", events(), ids=lambda event: event.id)
each_status = pytest.mark.parametrize("status", golden.load(golden.ERRORS))


def test_every_example() -> None:
    expected = {operation.id for operation in operations()} | {event.id for event in events()}

    missing, superfluous = expected - golden.list_names(), golden.list_names() - expected

    assert not missing, f"no golden example for {sorted(missing)}"
    assert not superfluous, f"golden examples for nothing: {sorted(superfluous)}"


@each_operation
def test_request_line_and_status(operation: Operation[Any]) -> None:
    example = golden.load(operation.id)

    assert set(example) == {"request", "response"}
    assert example["request"]["method"] == operation.method
    assert golden.read_parameters(operation).keys() == set(operation.parameters)
    assert example["response"]["status"] == operation.status


@each_operation
def test_request_body(operation: Operation[Any]) -> None:
    body = golden.load(operation.id)["request"].get("body")

    assert (body is not None) == (operation.body is not None)
    if operation.body is not None:
        _check_round_trip(operation.body, body)


@each_operation
def test_query(operation: Operation[Any]) -> None:
    query = golden.load(operation.id)["request"].get("query")
    if query is None:
        return

    assert operation.query is not None
    dumped = operation.query.dump(operation.query.load(query))

    assert {key: str(value) for key, value in dumped.items()} == query


@each_operation
def test_response(operation: Operation[Any]) -> None:
    response = golden.load(operation.id)["response"]
    if operation.response is None:
        assert ("body" in response) == (operation.status >= 400)
        return
    body = dict(response["body"])

    if operation.enveloped:
        assert body.pop("message") == operation.message
        _check_round_trip(MetadataSchema(), body.pop("metadata"))
        body = body if operation.paged else body.pop("data")

    _check_round_trip(operation.response, body)


@each_event
def test_event(event: Event[Any]) -> None:
    example = golden.load(event.id)

    assert example["event"] == event.name
    _check_round_trip(event.payload, example["payload"])


@each_status
def test_error(status: str) -> None:
    body = golden.load(golden.ERRORS)[status]

    assert body["code"] == get_error_type(int(status)) == get_code(int(status))
    _check_round_trip(ErrorBodySchema(), body)


def test_every_code() -> None:
    assert {int(status) for status in golden.load(golden.ERRORS)} >= set(CODES)


def test_every_field() -> None:
    schemas = {type(schema) for operation in operations() for schema in (operation.body, operation.response) if schema}
    schemas |= {type(event.payload) for event in events()}
    keys = _list_keys()

    missing = {
        f"{schema.__name__}.{field.data_key or name}"
        for schema in schemas
        for name, field in schema().fields.items()
        if (field.data_key or name) not in keys
    }

    assert not missing


@each_operation
def test_timestamps(operation: Operation[Any]) -> None:
    text = json.dumps(golden.load(operation.id))

    for key, value in re.findall(r'"(timestamp|\w+At)": "([^"]*)"', text):
        assert TIMESTAMP.fullmatch(value), key


def _list_keys() -> set[str]:
    texts = [json.dumps(golden.load(name)) for name in golden.list_names()]
    return {key for text in texts for key in re.findall(r'"(\w+)":', text)}


def _check_round_trip(schema: ModelSchema[Any], value: dict[str, Any]) -> None:
    model = schema.load(value)
    dumped = schema.dump(model)

    assert dumped == value
    assert schema.load(dumped) == model

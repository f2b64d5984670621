"""The fast way through a schema: it decides nothing that marshmallow would decide otherwise."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError

from duologue.contract import events, operations
from duologue.contract.codec import SchemaCodec
from duologue.contract.core import Model, ModelSchema
from duologue.contract.error_body import ErrorBodySchema
from duologue.contract.users import User, UserCreateSchema

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parents[3] / "fixtures" / "wire"


def list_schemas() -> Iterator[ModelSchema[Any]]:
    """Every schema of the contract."""
    for operation in operations():
        for schema in (operation.body, operation.query, operation.response):
            if schema is not None:
                yield schema
    yield from (event.payload for event in events())
    yield ErrorBodySchema()


SCHEMAS = {type(schema): schema for schema in list_schemas()}
each_schema = pytest.mark.parametrize("schema", SCHEMAS.values(), ids=lambda schema: type(schema).__name__)


def load_slowly(schema: ModelSchema[Any], data: Any) -> Any:
    """Load with marshmallow alone; None for what is invalid."""
    try:
        return Schema.load(schema, data)
    except ValidationError:
        return None


def list_values(value: Any) -> Iterator[Any]:
    """A JSON value and everything in it."""
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from list_values(inner)


OBJECTS = [
    value
    for file in sorted(GOLDEN.glob("*.json"))
    for value in list_values(json.loads(file.read_text("utf-8")))
    if isinstance(value, dict)
]
"""Every object in the golden examples: some are valid for a schema, most are not."""


@each_schema
def test_load_golden(schema: ModelSchema[Any]) -> None:
    codec = SchemaCodec(schema, schema.model)
    for data in OBJECTS:
        model = codec.load(data)
        assert model == load_slowly(schema, data)


@each_schema
def test_dump_golden(schema: ModelSchema[Any]) -> None:
    codec = SchemaCodec(schema, schema.model)
    for data in OBJECTS:
        model = load_slowly(schema, data)
        if model is not None:
            assert list(codec.dump(model).items()) == list(Schema.dump(schema, model).items())


@each_schema
def test_to_dict(schema: ModelSchema[Any]) -> None:
    """It is the JSON, and the caller's own."""
    for model in [load_slowly(schema, data) for data in OBJECTS]:
        if isinstance(model, Model):
            values = model.to_dict()
            assert values == Schema.dump(schema, model)
            values["new"] = 1
            assert "new" not in model.to_dict()


VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=4)
    | st.sampled_from(
        ["", " ", " Ada ", "a\x00b", "a\n", "x" * 101, "ada@example.com", "ada@", "admin", "owner", "1", [], {}, ["a"]]
    )
)


@each_schema
@settings(deadline=None)
@given(st.data())
def test_load_arbitrary(schema: ModelSchema[Any], data: st.DataObject) -> None:
    """Values of any kind, missing fields and unknown ones."""
    keys = [field.data_key or name for name, field in schema.load_fields.items()]
    values = data.draw(st.dictionaries(st.sampled_from([*keys, "unknown", "self"]), VALUES))
    assert SchemaCodec(schema, schema.model).load(values) == load_slowly(schema, values)


@pytest.mark.parametrize("data", [None, [], "text", 1, True, [{}]])
def test_not_an_object(data: Any) -> None:
    assert SchemaCodec(UserCreateSchema(), UserCreateSchema.model).load(data) is None
    with pytest.raises(ValidationError):
        UserCreateSchema().load(data)


def test_errors_are_marshmallows() -> None:
    with pytest.raises(ValidationError) as caught:
        UserCreateSchema().load({"email": "ada", "role": "owner", "nickname": "Ada"})
    assert set(caught.value.messages_dict) == {"name", "email", "role", "nickname"}


def test_partial_and_many() -> None:
    ada = {"name": "Ada", "email": "ada@example.com"}
    model: Any = UserCreateSchema().load(ada)
    several: list[Any] = [UserCreateSchema().load([ada], many=True), UserCreateSchema(many=True).load([ada])]
    assert several == [[model], [model]]
    with pytest.raises(TypeError):
        UserCreateSchema().load({"name": "Ada"}, partial=True)  # as marshmallow, which lets the model miss fields


@each_schema
def test_schema_has_no_hooks(schema: ModelSchema[Any]) -> None:
    """The codec would not call them."""
    hooks, shared = ({kind: names for kind, names in one._hooks.items() if names} for one in (schema, ModelSchema))
    assert hooks == shared
    assert dataclasses.is_dataclass(schema.model)
    assert issubclass(schema.model, Model)


def test_dump_is_stored() -> None:
    user = User(id="1", name="Ada", email="ada@example.com", role="user")
    schema = next(schema for schema in SCHEMAS.values() if schema.model is User)
    assert schema.dump(user) is schema.dump(user)

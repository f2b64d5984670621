"""The JSON schemas of the contract's models, which the OpenAPI and the AsyncAPI document share."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import fields

from duologue.contract.core import ModelSchema
from duologue.contract.fields import QueryBoolean, QueryInteger, Timestamp

_TIMESTAMP = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"


def create_spec(title: str, version: str, **options: Any) -> APISpec:
    """Return an empty document that knows the contract's schemas.

    Args:
        title: what the document describes.
        version: the version of what it describes.
        options: further parts of the document.
    """
    plugin = MarshmallowPlugin(schema_name_resolver=get_schema_name)
    spec = APISpec(title, version, "3.1.0", plugins=[plugin], **options)
    assert plugin.converter is not None
    plugin.converter.add_attribute_function(_describe_field)  # type: ignore[no-untyped-call]  # apispec's own
    return spec


def describe_schemas(spec: APISpec) -> dict[str, Any]:
    """Return the `components.schemas` of a document, each with the sentence that describes it."""
    [plugin] = spec.plugins
    assert isinstance(plugin, MarshmallowPlugin)
    assert plugin.converter is not None
    classes = {name: key[0] for key, name in plugin.converter.refs.items()}
    schemas: dict[str, Any] = spec.to_dict()["components"]["schemas"]
    return {name: {"description": inspect.getdoc(classes[name]), **schema} for name, schema in schemas.items()}


def build_schemas(schemas: Iterable[ModelSchema[Any]]) -> dict[str, Any]:
    """Return `components.schemas` for schemas, and for those that are nested in them."""
    spec = create_spec("", "")
    for schema in schemas:
        if get_schema_name(schema) not in spec.components.schemas:
            spec.components.schema(get_schema_name(schema), schema=type(schema))
    return describe_schemas(spec)


def get_schema_name(schema: Any) -> str:
    """Return what a schema, or its class, is called in the documents."""
    cls = schema if isinstance(schema, type) else type(schema)
    assert issubclass(cls, ModelSchema)
    return cls.__name__.removesuffix("Schema")


def _describe_field(self: Any, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
    """Return what apispec cannot know about the contract's own fields."""
    if isinstance(field, Timestamp):
        return {"type": "string", "format": "date-time", "pattern": _TIMESTAMP}
    if isinstance(field, QueryInteger):
        return {"type": "integer"}
    if isinstance(field, QueryBoolean):
        return {"type": "boolean"}
    return {}

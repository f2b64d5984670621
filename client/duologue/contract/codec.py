"""The fast way in and out of a `ModelSchema`, for values that are surely valid.

marshmallow decides about a body in general: partial loading, hooks, error paths, many objects at once. A plain valid
object needs nothing of that, and loads here in a fifth of the time. Whatever is not plain and valid is left to
marshmallow, which then loads it or says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from marshmallow import Schema, ValidationError, fields, missing


class _Loader(NamedTuple):
    key: str
    name: str
    field: fields.Field[Any]
    is_text: bool
    is_optional: bool
    is_stored: bool
    validators: tuple[Callable[[Any], Any], ...]
    post_load: tuple[Callable[[Any], Any], ...]


class _Dumper(NamedTuple):
    key: str
    name: str
    field: fields.Field[Any]
    is_text: bool


class SchemaCodec:
    """Loads and dumps the models of one schema.

    The schema must have no hooks and no validators of its own besides `ModelSchema`'s: they would not be called.

    Args:
        schema: the schema.
        model: the class of its models.
    """

    def __init__(self, schema: Schema, model: type[Any]) -> None:
        self._model = model
        stored = model.__dataclass_fields__
        self._loaders = tuple(
            _Loader(
                key=name if field.data_key is None else field.data_key,
                name=field.attribute or name,
                field=field,
                is_text=_inherits(field, "_deserialize", "deserialize") and not field.pre_load,
                is_optional=not field.required and field.load_default is missing,
                is_stored=(field.attribute or name) in stored,
                validators=tuple(field.validators),
                post_load=tuple(field.post_load),
            )
            for name, field in schema.load_fields.items()
        )
        self._dumpers = tuple(
            _Dumper(
                key=name if field.data_key is None else field.data_key,
                name=field.attribute or name,
                field=field,
                is_text=_inherits(field, "_serialize", "serialize"),
            )
            for name, field in schema.dump_fields.items()
        )

    def load(self, data: Any) -> Any:
        """Return the model of a valid object; None for anything else, and for an object with unknown fields."""
        if type(data) is not dict:
            return None
        values: dict[str, Any] = {}
        count = 0
        try:
            for key, name, field, is_text, is_optional, is_stored, validators, post_load in self._loaders:
                value = data.get(key, missing)
                if value is not missing:
                    count += 1
                elif is_optional:
                    continue
                if is_text and type(value) is str:
                    for validate in validators:
                        validate(value)
                    for convert in post_load:
                        value = convert(value)
                else:
                    value = field.deserialize(value, key, data)
                if is_stored and value is not missing:
                    values[name] = value
        except ValidationError:
            return None
        return self._model(**values) if count == len(data) else None

    def dump(self, model: Any) -> dict[str, Any]:
        """Return the JSON form of a model; fields that are None are left out."""
        data: dict[str, Any] = {}
        for key, name, field, is_text in self._dumpers:
            value = getattr(model, name)
            if not (is_text and type(value) is str):
                value = field.serialize(name, model, getattr)
            if value is not None:
                data[key] = value
        return data


def _inherits(field: fields.Field[Any], *methods: str) -> bool:
    """Return whether a field treats a text as marshmallow's `String` does: it takes it as it is."""
    return all(getattr(type(field), method) is getattr(fields.String, method) for method in methods)

"""`matchesJsonSchema`: JSON schemas that take a bounded time and refer to nothing outside of themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from duologue_mock.control.json_keys import show
from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.matching.value_matchers import ValueMatcher

if TYPE_CHECKING:
    from jsonschema_rs import Validator

_DRAFTS: Mapping[str, str] = MappingProxyType(
    {
        "V4": "Draft4Validator",
        "V6": "Draft6Validator",
        "V7": "Draft7Validator",
        "V201909": "Draft201909Validator",
        "V202012": "Draft202012Validator",
    }
)
VERSIONS = tuple(_DRAFTS)
"""WireMock's names of the versions of JSON Schema."""
DEFAULT_VERSION = "V202012"
_DECLARED: Mapping[str, str] = MappingProxyType(
    {
        "json-schema.org/draft-04/schema": "V4",
        "json-schema.org/draft-06/schema": "V6",
        "json-schema.org/draft-07/schema": "V7",
        "json-schema.org/draft/2019-09/schema": "V201909",
        "json-schema.org/draft/2020-12/schema": "V202012",
    }
)
"""What `$schema` says, without scheme and fragment."""
_MAX_SIZE = 5_000
"""JSON values of a schema, counted again wherever they are referred to."""
_CHARACTERS = 30
"""Characters that are counted for each value of a schema with each value of a text, and for each character."""
_MAX_BACKTRACKS = 10_000
"""Steps of one regular expression of a schema with one text."""
_MAX_REFERENCES = 30
"""References that lead from one to another."""
_DYNAMIC = ("$dynamicRef", "$recursiveRef")


class SchemaError(ValueError):
    """A schema that is invalid, or not served; the message is a sentence."""


@dataclass(frozen=True)
class MatchesJsonSchema(ValueMatcher):
    """`matchesJsonSchema`.

    Args:
        schema: the schema.
        version: WireMock's name of the version of JSON Schema.

    Raises:
        SchemaError: the schema is invalid, or not served.
    """

    schema: Any = field(compare=False)
    version: str = DEFAULT_VERSION
    _text: str = field(init=False, repr=False)
    _size: int = field(init=False, compare=False, repr=False)
    _validator: Validator = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_text", json.dumps(self.schema, sort_keys=True))
        object.__setattr__(self, "_size", _measure_schema(self.schema, self.version))
        object.__setattr__(self, "_validator", _compile(self.schema, self.version))

    def matches(self, value: str | None, evaluation: Evaluation) -> bool:
        """Whether the text is valid: its JSON; or the text itself, if it is no JSON, or a number or boolean."""
        if value is None:
            return False
        work = self._size * (2 + value.count(",") + value.count(":")) * _CHARACTERS + len(value) * _CHARACTERS
        return evaluation.can_read(work, "The JSON schema", self.schema) and (
            self._validator.is_valid(_load(value, evaluation)) or self._is_valid_text(value, evaluation)
        )

    def measure_distance(self, value: str | None, evaluation: Evaluation) -> float:
        """Return the number of errors in relation to the properties of the schema."""
        overruns = evaluation.overruns
        if self.matches(value, evaluation):
            return 0.0
        properties = _count_properties(self.schema)
        if value is None or evaluation.overruns > overruns or not properties:
            return 1.0
        errors = self._validator.iter_errors(_load(value, evaluation))
        return min(1.0, sum(1 for _ in zip(errors, range(properties), strict=False)) / properties)

    def describe(self) -> str:
        """Return what the text must be."""
        return f"JSON that is valid by the schema {show(self._text)}"

    def _is_valid_text(self, value: str, evaluation: Evaluation) -> bool:
        loaded = _load(value, evaluation)
        is_scalar = loaded is None or isinstance(loaded, bool | int | float)
        return is_scalar and bool(self._validator.is_valid(value))


def choose_version(schema: Any, version: str) -> str:
    """Return the version of a schema: what its `$schema` declares is stronger than what is asked for, as in WireMock.

    Args:
        schema: the schema.
        version: WireMock's name of the version that is asked for.
    """
    uri = schema.get("$schema") if isinstance(schema, dict) else None
    return _DECLARED.get(uri.rstrip("#").partition("://")[2], version) if isinstance(uri, str) else version


def _load(value: str, evaluation: Evaluation) -> Any:
    try:
        return evaluation.load_json(value)
    except ValueError:
        return value


def _compile(schema: Any, version: str) -> Validator:
    import jsonschema_rs  # most mocks have no such matcher

    draft: Any = getattr(jsonschema_rs, _DRAFTS[version])
    options = jsonschema_rs.FancyRegexOptions(backtrack_limit=_MAX_BACKTRACKS)
    try:
        validator: Validator = draft(schema, retriever=_refuse_reference, pattern_options=options)
    except ValueError as error:
        reason = str(error).partition("\n")[0]
        raise SchemaError(f"Not a JSON schema: {reason[:200]}.") from None
    return validator


def _refuse_reference(uri: str) -> Any:
    """Nothing is fetched."""
    raise ValueError("it refers to what is outside of the schema")


def _measure_schema(schema: Any, version: str) -> int:
    """Return how many values a schema has, counted again wherever they are referred to.

    Raises:
        SchemaError: there are too many, or a reference leads outside of the schema or back to itself.
    """
    sizes: dict[str, int] = {}

    def measure(value: Any, path: tuple[str, ...]) -> int:
        children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        size = 1 + sum(measure(child, path) for child in children)
        if isinstance(value, dict):
            _refuse_keywords(value, is_root=value is schema, version=version)
            reference = value.get("$ref")
            size += measure_reference(reference, path) if isinstance(reference, str) else 0
        if size > _MAX_SIZE:
            raise SchemaError(f"A schema may have {_MAX_SIZE:,} values at most, counted wherever they are referred to.")
        return size

    def measure_reference(reference: str, path: tuple[str, ...]) -> int:
        if reference in path or len(path) >= _MAX_REFERENCES:
            raise SchemaError(f"A schema that refers to itself ({show(reference)}) is not supported here.")
        if reference not in sizes:
            sizes[reference] = measure(_resolve(schema, reference), (*path, reference))
        return sizes[reference]

    return measure(schema, ("#",))


def _refuse_keywords(schema: Mapping[str, Any], *, is_root: bool, version: str) -> None:
    if any(key in schema for key in _DYNAMIC):
        raise SchemaError(f"{' and '.join(_DYNAMIC)} are not supported here.")
    if not is_root and isinstance(schema.get("id" if version == "V4" else "$id"), str):
        raise SchemaError("A schema within a schema, with an id of its own, is not supported here.")
    if schema.get("nullable") is True:
        raise SchemaError('`nullable` is not of JSON Schema. Use {"type": ["string", "null"]}.')


def _resolve(schema: Any, reference: str) -> Any:
    if not reference.startswith("#/"):
        raise SchemaError(f"A schema may refer to its own parts only, like #/$defs/name, not to {show(reference)}.")
    value = schema
    for part in reference[2:].split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and key.isascii() and key.isdigit() and len(key) < 6 and int(key) < len(value):
            value = value[int(key)]
        elif isinstance(value, dict) and key in value:
            value = value[key]
        else:
            raise SchemaError(f"The schema has no part {show(reference)}.")
    return value


def _count_properties(schema: Any) -> int:
    """Return how many properties a schema has, those of properties included."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict):
        return 0
    return sum(1 + _count_properties(one) for one in properties.values())

"""`matchesJsonSchema`: keywords, drafts, formats."""

from __future__ import annotations

import json
from typing import Any

from tests.wiremock.cases import Case, body_case

_DOCUMENTS = (
    "1", "1.0", "1.5", "-1", "0", "100", '"a"', '"abc"', '""', '"2024-01-31"', '"a@b.cd"', '"1"', "true", "false",
    "null", "[]", "[1]", "[1, 2]", "[1, 1]", '["a", 1]', "[1, 2, 3]", "{}", '{"a": 1}', '{"a": "x"}', '{"b": 1}',
    '{"a": 1, "b": 2}', '{"a": {"b": 1}}', '{"a": null}', "", "abc", "{", '{"x1": 1}', '"\U0001f600"', '{"a": [1]}',
)  # fmt: skip

_SCHEMAS: dict[str, Any] = {
    "empty": {},
    "true": True,
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "string": {"type": "string"},
    "boolean": {"type": "boolean"},
    "null": {"type": "null"},
    "array": {"type": "array"},
    "object": {"type": "object"},
    "types": {"type": ["integer", "null"]},
    "enum": {"enum": [1, "a", None]},
    "const": {"const": 1},
    "minimum": {"type": "number", "minimum": 1},
    "exclusive-minimum": {"exclusiveMinimum": 1},
    "exclusive-minimum-true": {"minimum": 1, "exclusiveMinimum": True},
    "maximum": {"maximum": 1},
    "multiple": {"multipleOf": 0.5},
    "length": {"minLength": 1, "maxLength": 2},
    "pattern": {"pattern": "^[a-z]$"},
    "pattern-inner": {"pattern": "b"},
    "items": {"items": {"type": "integer"}},
    "item-list": {"items": [{"type": "string"}, {"type": "integer"}]},
    "item-list-only": {"items": [{"type": "integer"}], "additionalItems": False},
    "prefix-items": {"prefixItems": [{"type": "string"}], "items": {"type": "integer"}},
    "contains": {"contains": {"const": 2}},
    "item-count": {"type": "array", "minItems": 1, "maxItems": 2},
    "unique": {"type": "array", "uniqueItems": True},
    "required": {"required": ["a"]},
    "required-object": {"type": "object", "required": ["a"]},
    "properties": {"properties": {"a": {"type": "integer"}}},
    "closed": {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
    "additional": {"additionalProperties": {"type": "integer"}},
    "pattern-properties": {"type": "object", "patternProperties": {"^x": {"type": "integer"}},
    "additionalProperties": False},
    "property-names": {"propertyNames": {"pattern": "^a$"}},
    "property-count": {"type": "object", "minProperties": 1, "maxProperties": 1},
    "dependent": {"dependentRequired": {"a": ["b"]}},
    "dependencies": {"dependencies": {"a": ["b"]}},
    "all-of": {"allOf": [{"type": "integer"}, {"minimum": 1}]},
    "any-of": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
    "one-of": {"oneOf": [{"type": "integer"}, {"minimum": 1}]},
    "not": {"not": {"type": "integer"}},
    "if": {"if": {"type": "integer"}, "then": {"minimum": 1}, "else": {"type": "string"}},
    "reference": {"$ref": "#/definitions/i", "definitions": {"i": {"type": "integer"}}},
    "defs": {"$ref": "#/$defs/i", "$defs": {"i": {"type": "integer"}}},
    "recursive": {"type": ["object", "integer"], "additionalProperties": {"$ref": "#"}},
    "format-date": {"type": "string", "format": "date"},
    "format-email": {"type": "string", "format": "email"},
    "format-unknown": {"type": "string", "format": "nonsense"},
    "unknown-keyword": {"nonsense": 1, "type": "integer"},
    "unevaluated": {"properties": {"a": {}}, "unevaluatedProperties": False},
    "nested": {"type": "object", "properties": {"a": {"type": "object", "required": ["b"]}}, "required": ["a"]},
    "bad-type": {"type": "nonsense"},
    "bad-reference": {"$ref": "#/nothing"},
    "bad-pattern": {"pattern": "["},
    "bad-minimum": {"minimum": "1"},
}  # fmt: skip

_VERSIONS = ("V4", "V6", "V7", "V201909", "V202012")

_OF_VERSIONS = (
    "const", "exclusive-minimum", "exclusive-minimum-true", "item-list", "prefix-items", "contains", "dependent",
    "dependencies", "if", "property-names", "unevaluated", "integer", "defs", "reference", "item-list-only",
    "format-date", "true",
)  # fmt: skip

_DECLARED = {
    "draft-4": "http://json-schema.org/draft-04/schema#",
    "draft-6": "http://json-schema.org/draft-06/schema#",
    "draft-7": "http://json-schema.org/draft-07/schema#",
    "draft-2019": "https://json-schema.org/draft/2019-09/schema",
    "draft-2020": "https://json-schema.org/draft/2020-12/schema",
}


def _list_version_cases() -> list[Case]:
    return [
        body_case(
            f"json-schema-version/{name}-{version.lower()}",
            {"matchesJsonSchema": json.dumps(_SCHEMAS[name]), "schemaVersion": version},
            *_DOCUMENTS,
        )
        for name in _OF_VERSIONS
        for version in _VERSIONS
    ]


def _list_declared_cases() -> list[Case]:
    return [
        body_case(
            f"json-schema-declared/{draft}-{name}",
            {"matchesJsonSchema": {"$schema": uri, **_SCHEMAS[name]}},
            *_DOCUMENTS,
        )
        for draft, uri in _DECLARED.items()
        for name in ("exclusive-minimum-true", "item-list", "dependencies", "const")
    ]


CASES = (
    *(
        body_case(f"json-schema/{name}", {"matchesJsonSchema": schema}, *_DOCUMENTS)
        for name, schema in _SCHEMAS.items()
    ),
    *(
        body_case(f"json-schema-text/{name}", {"matchesJsonSchema": text}, *_DOCUMENTS)
        for name, text in (
            ("integer", '{"type": "integer"}'),
            ("empty", ""),
            ("malformed", "{"),
            ("list", "[]"),
            ("number", "1"),
            ("false", "false"),
        )
    ),
    *_list_version_cases(),
    *_list_declared_cases(),
)

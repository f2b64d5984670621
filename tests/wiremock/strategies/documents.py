"""JSON, what is near it, and patterns of it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from tests.wiremock.strategies.texts import Pattern, text_patterns

_keys = st.sampled_from(["a", "b", "c"])

_scalars = st.sampled_from([None, True, False, 0, 1, 2, 1.0, 1.5, -1, 100, "", "a", "b", "1", "true"])


def _nest(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=3)


values = st.recursive(_scalars, _nest, max_leaves=8)

documents = values.map(json.dumps)

_PLACEHOLDERS = st.sampled_from(
    ["${json-unit.any-string}", "${json-unit.any-number}", "${json-unit.any-boolean}", "${json-unit.ignore}",
    "${json-unit.regex}[a-z]"]
)  # fmt: skip


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """Return a value that differs from another in a place or two, or not at all."""
    kind = draw(st.integers(0, 7))
    if kind == 0:
        return draw(values)
    if isinstance(value, list):
        items = [draw(changed(item)) for item in value]
        if kind == 1:
            items = draw(st.permutations(items))
        return [*items, draw(_scalars)] if kind == 2 else items[1:] if kind == 3 else items
    if isinstance(value, dict):
        entries = {key: draw(changed(item)) for key, item in value.items()}
        return {**entries, draw(_keys): draw(_scalars)} if kind == 1 else dict(reversed(entries.items()))
    return float(value) if kind == 1 and type(value) is int else value


@st.composite
def with_placeholders(draw: st.DrawFn, value: Any) -> Any:
    """Return a value in which some are replaced by placeholders."""
    if draw(st.integers(0, 4)) == 0:
        return draw(_PLACEHOLDERS)
    if isinstance(value, list):
        return [draw(with_placeholders(item)) for item in value]
    if isinstance(value, dict):
        return {key: draw(with_placeholders(item)) for key, item in value.items()}
    return value


_options = st.fixed_dictionaries({}, optional={"ignoreArrayOrder": st.booleans(), "ignoreExtraElements": st.booleans()})


@st.composite
def json_equality(draw: st.DrawFn) -> tuple[Pattern, list[str]]:
    """Return an `equalToJson` and documents near it."""
    value = draw(values)
    expected = draw(with_placeholders(value)) if draw(st.booleans()) else value
    bodies = [json.dumps(draw(changed(value))) for _ in range(5)]
    return {"equalToJson": json.dumps(expected), **draw(_options)}, [json.dumps(value), *bodies]


_steps = st.sampled_from(
    [".a", ".b", ".c", "['a']", "['a','b']", "[0]", "[1]", "[-1]", "[0,1]", "[0:1]", "[1:]", "[:2]", "[*]", ".*",
    "..a", "..b", "..*"]
)  # fmt: skip

_functions = st.sampled_from(["", "", "", ".length()", ".size()", ".min()", ".sum()", ".keys()"])
"""What can be the end of a path; the mock takes it nowhere else."""

_operands = st.sampled_from(["@", "@.a", "@.b", "@.a.b", "@['a']", "$.a"])
_literals = st.sampled_from(["1", "1.0", "'a'", "'1'", "true", "null", "[1, 'a']", "2", "''"])
_comparisons = st.builds(
    "{} {} {}".format, _operands, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), _literals
) | st.builds("{} {} [1, 'a', 'b']".format, _operands, st.sampled_from(["in", "nin"]))
_conditions = (
    _operands
    | _comparisons
    | st.builds("{} =~ /{}/".format, _operands, st.sampled_from(["a", "A", "[ab]", ".*"]))
    | st.builds("{} =~ /{}/i".format, _operands, st.sampled_from(["A", "a.*"]))
    | st.builds("{} && {}".format, _comparisons, _comparisons)
    | st.builds("{} || {}".format, _comparisons, _operands)
    | st.builds("!{}".format, _operands)
)
_filters = st.builds("[?({})]".format, _conditions)

_path_steps = st.lists(_steps | _filters, max_size=3).map("".join)

json_paths = st.builds("${}{}".format, _path_steps, _functions)


@st.composite
def json_path(draw: st.DrawFn) -> tuple[Pattern, list[str]]:
    """Return a `matchesJsonPath` and documents."""
    expression = draw(json_paths)
    if draw(st.booleans()):
        return {"matchesJsonPath": expression}, draw(st.lists(documents, min_size=4, max_size=6))
    pattern = draw(text_patterns | json_equality().map(lambda one: one[0]))
    return {"matchesJsonPath": {"expression": expression, **pattern}}, draw(st.lists(documents, min_size=4, max_size=6))


_types = st.sampled_from(["integer", "number", "string", "boolean", "null", "array", "object"])

_keywords: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "type": _types | st.lists(_types, min_size=1, max_size=2, unique=True),
        "enum": st.lists(_scalars, min_size=1, max_size=3, unique_by=repr),
        "minimum": st.integers(0, 2),
        "maximum": st.integers(0, 2),
        "multipleOf": st.sampled_from([1, 0.5]),
        "minLength": st.integers(0, 2),
        "maxLength": st.integers(0, 2),
        "pattern": st.sampled_from(["a", "^a$", "[0-9]"]),
        "minItems": st.integers(0, 2),
        "maxItems": st.integers(0, 2),
        "uniqueItems": st.booleans(),
        "required": st.lists(_keys, max_size=2, unique=True),
        "minProperties": st.integers(0, 2),
        "additionalProperties": st.booleans(),
    },
)


def _nest_schema(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    several = st.lists(inner, min_size=1, max_size=2)
    nested: dict[str, st.SearchStrategy[Any]] = {
        "items": inner,
        "properties": st.dictionaries(_keys, inner, max_size=2),
        "allOf": several,
        "anyOf": several,
        "oneOf": several,
        "not": inner,
        "contains": inner,
    }
    return st.builds(lambda one, other: {**one, **other}, _keywords, st.fixed_dictionaries({}, optional=nested))


schemas = st.recursive(_keywords, _nest_schema, max_leaves=4)


@st.composite
def json_schema(draw: st.DrawFn) -> tuple[Pattern, list[str]]:
    """Return a `matchesJsonSchema` and documents."""
    versions = st.sampled_from(["V4", "V6", "V7", "V201909", "V202012"])
    version = draw(st.fixed_dictionaries({}, optional={"schemaVersion": versions}))
    return {"matchesJsonSchema": draw(schemas), **version}, draw(st.lists(documents, min_size=4, max_size=8))

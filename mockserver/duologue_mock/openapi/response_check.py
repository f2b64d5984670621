"""Whether a response is one that the OpenAPI document describes: the mock's check of itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from duologue.contract import strict_json
from duologue.contract.core import Operation
from duologue_mock.openapi.openapi import build_document

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

_UNDESCRIBED = frozenset({"content-type", "content-length", "connection", "allow"})
"""What the document does not describe as headers: where a message ends, its media type; and what a 405 alone has."""
_CORS = "access-control-"


def find_faults(operation: Operation[Any], status: int, headers: Sequence[tuple[str, str]], body: bytes) -> list[str]:
    """Return what of a response is not as the document says, a sentence each.

    Args:
        operation: the operation that it is of.
        status: its status.
        headers: its headers.
        body: its body; that of a stream is not looked at.
    """
    responses = _get_responses(operation)
    described = responses.get(str(status), responses.get(f"{status // 100}XX"))
    if described is None:
        return [f"The status {status} is not one of {', '.join(responses)}."]
    return [*_check_headers(described, headers), *_check_body(described, headers, body)]


def _check_headers(described: Mapping[str, Any], headers: Sequence[tuple[str, str]]) -> Iterator[str]:
    sent = {name.lower(): value for name, value in headers if not name.lower().startswith(_CORS)}
    declared = {name.lower(): _resolve(header) for name, header in described["headers"].items()}
    for name, header in declared.items():
        if header["required"] and name not in sent:
            yield f"The header {name} is missing."
    for name, value in sent.items():
        if name in declared:
            yield from (f"The header {name}: {fault}" for fault in _check_header(declared[name]["schema"], value))
        elif name not in _UNDESCRIBED:
            yield f"The header {name} is not described."


def _check_header(schema: Mapping[str, Any], value: str) -> Iterator[str]:
    is_number = schema.get("type") == "integer" and value.isascii() and value.isdigit()
    return _validate(schema, int(value) if is_number else value)


def _check_body(described: Mapping[str, Any], headers: Sequence[tuple[str, str]], body: bytes) -> Iterator[str]:
    content = described.get("content", {})
    media_type = next((value.partition(";")[0] for name, value in headers if name.lower() == "content-type"), None)
    if not content:
        if body:
            yield f"There is a body of {len(body)} bytes, and should be none."
        return
    if media_type not in content:
        yield f"The media type {media_type} is not one of {', '.join(content)}."
    elif media_type == "application/json":
        try:
            yield from _validate(content[media_type]["schema"], strict_json.loads(body))
        except strict_json.StrictJSONError as error:
            yield f"The body: {error}"


def _validate(schema: Mapping[str, Any], value: Any) -> Iterator[str]:
    for error in _create_validator(json.dumps(schema)).iter_errors(value):
        yield f"{'/'.join(map(str, error.instance_path)) or 'The value'}: {error.message}."


@cache
def _create_validator(schema: str) -> Draft202012Validator:
    import jsonschema_rs  # most mocks check nothing

    whole = {**json.loads(schema), "components": _get_document()["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


@cache
def _get_document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(build_document({})))
    return document


def _get_responses(operation: Operation[Any]) -> dict[str, Any]:
    responses = _get_document()["paths"][operation.route][operation.method.lower()]["responses"]
    return {status: _resolve(response) for status, response in responses.items()}


def _resolve(described: Mapping[str, Any]) -> Any:
    """Return what a reference leads to; anything else as it is."""
    if "$ref" not in described:
        return described
    node: Any = _get_document()
    for step in described["$ref"].removeprefix("#/").split("/"):
        node = node[step]
    return node

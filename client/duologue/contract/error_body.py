"""The body of every error of both services, and the metadata that it shares with the chat service's envelope."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from marshmallow import fields, validate

from duologue.contract.core import Model, ModelSchema
from duologue.contract.errors import STATUS_CODES
from duologue.contract.fields import NestedModel, Timestamp


@dataclass(frozen=True, slots=True)
class Metadata(Model):
    """When a response was sent, under which request id, and by which version of the service."""

    timestamp: Any
    request_id: str
    version: str


class MetadataSchema(ModelSchema[Metadata]):
    """`metadata` of the chat service's envelope and of every error."""

    model = Metadata
    timestamp = Timestamp(required=True)
    request_id = fields.String(required=True, data_key="requestId")
    version = fields.String(required=True)


@dataclass(frozen=True, slots=True)
class ErrorDetails(Model):
    """What the Platform API specification's `getErrorMessage` shows, and which fields were invalid."""

    message: str
    fields: dict[str, list[str]] = field(default_factory=dict)


class ErrorDetailsSchema(ModelSchema[ErrorDetails]):
    """`details` of an error body."""

    model = ErrorDetails
    message = fields.String(required=True)
    fields_ = fields.Dict(
        required=True,
        keys=fields.String(),
        values=fields.List(fields.String()),
        data_key="fields",
        attribute="fields",
    )


@dataclass(frozen=True, slots=True)
class ErrorBody(Model):
    """The body of every error of both services."""

    message: str
    code: str
    details: ErrorDetails
    errors: list[str]
    metadata: Metadata


_CODES = tuple(dict.fromkeys(str(code) for code in STATUS_CODES.values()))
"""The codes that a response may have: the others are the client's, for calls without a response that can be used."""


class ErrorBodySchema(ModelSchema[ErrorBody]):
    """A superset of what the two specifications read of an error."""

    model = ErrorBody
    message = fields.String(required=True)
    code = fields.String(required=True, validate=validate.OneOf(_CODES))
    details = NestedModel(ErrorDetailsSchema, required=True)
    errors = fields.List(fields.String(), required=True)
    metadata = NestedModel(MetadataSchema, required=True)

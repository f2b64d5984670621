"""Whether the services are up, and errors on request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from marshmallow import fields

from duologue.contract.core import CHAT, Access, Model, ModelSchema, Operation
from duologue.contract.fields import QueryInteger, Timestamp


@dataclass(frozen=True, slots=True)
class Health(Model):
    """A service that is up; `uptime` is in seconds."""

    status: str
    timestamp: datetime
    version: str | None = None
    uptime: float | None = None


class HealthSchema(ModelSchema[Health]):
    """Response of `GET /health`, without an envelope on both services."""

    model = Health
    status = fields.String(required=True)
    timestamp = Timestamp(required=True)
    version = fields.String()
    uptime = fields.Float()


@dataclass(frozen=True, slots=True)
class ErrorQuery(Model):
    """The status to fail with."""

    status: int = 500


class ErrorQuerySchema(ModelSchema[ErrorQuery]):
    """Query of `GET /error`."""

    model = ErrorQuery
    status = QueryInteger(
        minimum=400, maximum=599, load_default=500, metadata={"description": "The status of the response."}
    )


PLATFORM = Operation(
    "GET", "/health", response=HealthSchema, access=Access.PUBLIC, summary="Check whether the platform is up."
)
CHATS = Operation(
    "GET",
    "/health",
    service=CHAT,
    response=HealthSchema,
    enveloped=False,
    errors=[401],
    access=Access.PUBLIC,
    summary="Check whether the chat service is up; a wrong or blank API key is refused.",
)
ERROR: Operation[None] = Operation(
    "GET",
    "/error",
    query=ErrorQuerySchema,
    status=500,
    errors=range(400, 600),
    access=Access.PUBLIC,
    summary="Fail with the requested status.",
)

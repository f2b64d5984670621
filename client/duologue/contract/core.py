"""What the contract is made of: `Service`, `Operation`, `Event`, `Model` and `ModelSchema`."""

from __future__ import annotations

import enum
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar, cast, final

from marshmallow import RAISE, Schema, post_dump, post_load

from duologue.contract.codec import SchemaCodec

T = TypeVar("T")

Unknown = Literal["exclude", "include", "raise"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Model:
    """Base of every wire object: a frozen dataclass that remembers its own wire form.

    Models never change, so the dictionary made of one can be kept: a mock that answers the same user a thousand
    times dumps it once.
    """

    __slots__ = ("_json",)
    _json: dict[str, Any]


class ModelSchema(Schema, Generic[T]):
    """A marshmallow schema that loads to, and dumps from, one `Model`.

    Unknown fields are refused unless the caller loads with another `unknown` (the client does: an answer may grow).
    A field that is None is left out of the wire form; the wire has no nulls.
    """

    model: ClassVar[type[Any]]

    class Meta:
        unknown = RAISE

    def load(self, data: Any, *, many: bool | None = None, partial: Any = None, unknown: Any = None) -> T:
        """Return the model that `data` describes; raise `marshmallow.ValidationError` naming what is wrong."""
        if unknown is None or unknown == self.unknown:
            if not (many or self.many or partial or self.partial):
                model = self._get_codec().load(data)
                if model is not None:
                    return cast(T, model)
            return cast(T, super().load(data, many=many, partial=partial))
        return self._with_unknown(unknown).load(data, many=many, partial=partial)

    def _with_unknown(self, unknown: Unknown) -> ModelSchema[T]:
        """This schema, but treating unknown fields otherwise at every depth: `load(unknown=…)` stops at the first."""
        variants: dict[Unknown, ModelSchema[T]] = self.__dict__.setdefault("_variants", {})
        if unknown not in variants:
            variants[unknown] = type(self)(unknown=unknown)
        return variants[unknown]

    def dump(self, obj: Any, *, many: bool | None = None) -> dict[str, Any]:
        """Return the JSON form of a model. It is kept with the model and shared: read it, never change it."""
        if not isinstance(obj, Model):
            return cast(dict[str, Any], super().dump(obj, many=many))
        try:
            return obj._json
        except AttributeError:
            data = self._get_codec().dump(obj)
            object.__setattr__(obj, "_json", data)
            return data

    def _get_codec(self) -> SchemaCodec:
        codec: SchemaCodec | None = self.__dict__.get("_codec")
        if codec is None:
            codec = self.__dict__["_codec"] = SchemaCodec(self, self.model)
        return codec

    @post_load
    def _to_model(self, data: Mapping[str, Any], **_: Any) -> Any:
        known = self.model.__dataclass_fields__
        return self.model(**{name: value for name, value in data.items() if name in known})

    @post_dump
    def _without_none(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {key: value for key, value in data.items() if value is not None}


@final
@dataclass(frozen=True)
class Service:
    """One of the two services: where its paths begin and how a request to it identifies itself."""

    name: str
    prefix: str
    port: int
    enveloped: bool
    """Whether success bodies are wrapped as `{data, message, metadata}`."""


PLATFORM = Service("platform", "/api", 3001, enveloped=False)
CHAT = Service("chat", "/chats-service/api/v1", 3002, enveloped=True)


class Access(enum.Enum):
    """Who may make a call, beyond what the service asks of everyone."""

    OPTIONAL = "open"
    """Anyone; a token, where one is sent, must still be good."""
    AUTHENTICATED = "known"
    """Only a caller with a good token."""
    SELF_OR_ADMIN = "self or admin"
    """A known caller must be an administrator or act on itself; an anonymous one is let in unless auth is required."""
    ADMIN = "admin"
    """A known caller must be an administrator; an anonymous one is let in unless auth is required."""
    PUBLIC = "nobody asked"
    """Credentials are never looked at, except a wrong API key on the chat service."""


@final
class Operation(Generic[T]):
    """One call of the wire, written once: the client asks it, the mock answers it, OpenAPI describes it.

    Args:
        method: the HTTP verb.
        path: the path below the service's prefix, with `{name}` for each parameter.
        response: schema of the success body, `None` for a response without a body.
        paged: the answer is a page that brings the envelope's `data` and `pagination` itself.
        body: schema of the request body, `None` where there is none.
        body_required: whether a request without a body is refused.
        query: schema of the query string.
        status: the success status.
        errors: failure statuses of this operation's own; `failures` adds those that follow from its parts.
        service: which of the two services has it.
        access: who may call it.
        documented: whether OpenAPI lists it; a fault on request is not part of what a service promises.
        streams: whether `Accept: text/event-stream` is answered with server-sent events.
        message: what the envelope says on success, for people.
        summary: one sentence for people.
    """

    def __init__(
        self,
        method: Method,
        path: str,
        *,
        response: type[ModelSchema[T]] | None = None,
        paged: bool = False,
        body: type[ModelSchema[Any]] | None = None,
        body_required: bool = True,
        query: type[ModelSchema[Any]] | None = None,
        status: int = 200,
        errors: Iterable[int] = (),
        service: Service = PLATFORM,
        access: Access = Access.OPTIONAL,
        enveloped: bool | None = None,
        documented: bool = True,
        streams: bool = False,
        message: str = "",
        summary: str = "",
    ) -> None:
        self.method: Method = method
        self.path = path
        self.response = response() if response else None
        self.paged = paged
        self.body = body() if body else None
        self.body_required = body_required
        self.query = query() if query else None
        self.status = status
        self.service = service
        self.access = access
        self.enveloped = service.enveloped if enveloped is None else enveloped
        self.documented = documented
        self.streams = streams
        self.message = message
        self.summary = summary
        self.parameters = tuple(name for _, name, _, _ in string.Formatter().parse(path) if name)
        self.failures = frozenset(errors) | self._implied_failures()
        self.resource = ""
        """The contract module that declares it, as `users`; the registry sets it, and `id`."""
        self.id = ""
        """`resource.NAME`, as in `users.CREATE`: the name of its golden example and its OpenAPI operation."""

    @property
    def route(self) -> str:
        """The whole path template, prefix included."""
        return self.service.prefix + self.path

    @property
    def safe(self) -> bool:
        """Whether the call only reads (RFC 9110, section 9.2.1)."""
        return self.method == "GET"

    @property
    def has_etag(self) -> bool:
        """Whether success answers carry an `ETag`: what they show can be asked for again."""
        return self.response is not None and self.access is not Access.PUBLIC

    @property
    def takes_idempotency_key(self) -> bool:
        """Whether the call takes an `Idempotency-Key`."""
        return self.method in ("POST", "PATCH")

    @property
    def supports_if_match(self) -> bool:
        """Whether the call honours `If-Match`."""
        return self.method in ("PUT", "PATCH", "DELETE")

    def _implied_failures(self) -> frozenset[int]:
        implied = {421, 429}
        if self.query or self.body or self.takes_idempotency_key:
            implied.add(400)
        if self.body:
            implied |= {413, 415}
        if self.takes_idempotency_key:
            implied |= {409, 422}
        if self.supports_if_match:
            implied.add(412)
        if self.parameters:
            implied.add(404)
        if self.service is CHAT and self.access is not Access.PUBLIC:
            implied |= {400, 401}
        if self.service is PLATFORM and self.access is not Access.PUBLIC:
            implied.add(401)
        if self.access in (Access.ADMIN, Access.SELF_OR_ADMIN):
            implied.add(403)
        return frozenset(implied)

    def __repr__(self) -> str:
        return f"<Operation {self.id} {self.method} {self.route}>"


class Audience(enum.Enum):
    """Who receives an event."""

    PLATFORM = "everyone on the platform"
    ADMINS_AND_USER = "administrators and the user concerned"
    USER = "the user concerned"


@final
class Event(Generic[T]):
    """One Socket.IO event from server to client.

    Args:
        name: the name on the wire, `user:created`.
        payload: schema of its one argument.
        audience: who receives it.
        summary: one sentence for people.
    """

    def __init__(self, name: str, *, payload: type[ModelSchema[T]], audience: Audience, summary: str = "") -> None:
        self.name = name
        self.payload = payload()
        self.audience = audience
        self.summary = summary
        self.resource = ""
        """The contract module that declares it, as `users`; the registry sets it, and `id`."""
        self.id = ""
        """`resource.NAME`, as in `users.CREATED`."""

    def __repr__(self) -> str:
        return f"<Event {self.id} {self.name}>"

"""What the contract is made of: `Service`, `Operation`, `Event`, `Model` and `ModelSchema`."""

from __future__ import annotations

import copy
import enum
import functools
import string
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar, cast, final, overload
from urllib.parse import urlsplit

from marshmallow import RAISE, Schema, post_dump, post_load

from duologue.contract.lazy_property import lazy_property

if TYPE_CHECKING:
    from duologue.contract.codec import SchemaCodec

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
"""What a schema loads; covariant, so that an operation that returns a page of users is one that returns a page."""

Unknown = Literal["exclude", "include", "raise"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Model:
    """Base of every model: a frozen dataclass that stores its own JSON form.

    Since models never change, the dictionary can be stored: a server that sends the same user a thousand times dumps
    it once.
    """

    __slots__ = ("_json",)
    _json: dict[str, Any]
    _schema_class: ClassVar[type[ModelSchema[Any]]]

    def to_dict(self) -> dict[str, Any]:
        """Return the model as JSON values, under the names that the API uses; a copy, which may be changed."""
        return copy.deepcopy(_get_schema(self._schema_class).dump(self))


@functools.cache
def _get_schema(schema_class: type[ModelSchema[Any]]) -> ModelSchema[Any]:
    return schema_class()


class ModelSchema(Schema, Generic[T_co]):
    """A marshmallow schema that loads one `Model` from JSON values, and dumps it to JSON values.

    Unknown fields are errors unless the caller loads with another `unknown`, as the client does: responses may have
    fields that the contract does not have yet. A field that is None is left out of the JSON, which has no nulls.
    """

    model: ClassVar[type[Any]]

    class Meta:
        unknown = RAISE
        register = False  # schemas are referred to by class, never by name

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "model" in vars(cls):
            cls.model._schema_class = cls

    def load(self, data: Any, *, many: bool | None = None, partial: Any = None, unknown: Any = None) -> T_co:
        """Return the model that JSON values describe.

        Args:
            data: the JSON values.
            many: as in marshmallow.
            partial: as in marshmallow.
            unknown: what to do with unknown fields, at every depth: `exclude`, `include` or `raise`.

        Raises:
            marshmallow.ValidationError: values are invalid; it names the fields.
        """
        if unknown is None or unknown == self.unknown:
            if not (many or self.many or partial or self.partial):
                model = self._get_codec().load(data)
                if model is not None:
                    return cast(T_co, model)
            return cast(T_co, super().load(data, many=many, partial=partial))
        return self._with_unknown(unknown).load(data, many=many, partial=partial)

    def _with_unknown(self, unknown: Unknown) -> ModelSchema[T_co]:
        """Return this schema with another `unknown` at every depth: marshmallow's own argument stops at the first."""
        variants: dict[Unknown, ModelSchema[T_co]] = self.__dict__.setdefault("_variants", {})
        if unknown not in variants:
            variants[unknown] = type(self)(unknown=unknown)
        return variants[unknown]

    def dump(self, obj: Any, *, many: bool | None = None) -> dict[str, Any]:
        """Return the JSON form of a model. It is stored with the model and shared: do not change it."""
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
            from duologue.contract.codec import SchemaCodec  # importing the client needs no schema yet

            codec = self.__dict__["_codec"] = SchemaCodec(self, self.model)
        return codec

    @post_load
    def _create_model(self, data: Mapping[str, Any], **_: Any) -> Any:
        fields = self.model.__dataclass_fields__
        return self.model(**{name: value for name, value in data.items() if name in fields})

    @post_dump
    def _drop_none(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {key: value for key, value in data.items() if value is not None}


class PlainSchema(ModelSchema[Any]):
    """Loads and dumps JSON values as they are."""

    def load(self, data: Any, **_: Any) -> Any:
        """Return the JSON values."""
        return data

    def dump(self, obj: Any, **_: Any) -> Any:
        """Return the JSON values."""
        return obj


@final
@dataclass(frozen=True, eq=False)
class Service:
    """One of the two services.

    Args:
        name: `platform` or `chat`.
        prefix: what all its paths start with.
        port: the port it usually listens on.
        enveloped: whether success bodies are wrapped as `{data, message, metadata}`.
    """

    name: str
    prefix: str
    port: int
    enveloped: bool

    def complete_url(self, url: str) -> str:
        """Return a base URL of this service: `url` without a slash at its end, with the prefix if it has no path."""
        bare = url.rstrip("/")
        return bare if urlsplit(bare).path else bare + self.prefix


PLATFORM = Service("platform", "/api", 3001, enveloped=False)
"""The Platform API: users and login."""

CHAT = Service("chat", "/chats-service/api/v1", 3002, enveloped=True)
"""The Smart Chat API: sessions, messages and the assistant."""


class Access(enum.Enum):
    """Who may call an operation, beyond the headers that its service requires of every call."""

    OPTIONAL = "optional"
    """Anyone; a token, if one is sent, must be valid."""
    AUTHENTICATED = "authenticated"
    """Only callers with a valid token."""
    SELF_OR_ADMIN = "self or admin"
    """Administrators, and users for themselves; anonymous callers too, unless authentication is required."""
    ADMIN = "admin"
    """Administrators; anonymous callers too, unless authentication is required."""
    PUBLIC = "public"
    """Anyone: credentials are ignored, except an invalid API key on the chat service."""


class _Declaration:
    """Something that a module of the contract declares at its top, as `CREATE = Operation(…)` in `users`.

    Args:
        module: the name of the module.
    """

    def __init__(self, module: str) -> None:
        self._module = module

    @property
    def resource(self) -> str:
        """The module of the contract that declares it, as `users`."""
        return self._module.rpartition(".")[2]

    @lazy_property
    def id(self) -> str:
        """`resource.NAME`, as `users.CREATE`: what its golden example and its OpenAPI operation are called."""
        declarations = vars(sys.modules[self._module])
        return f"{self.resource}.{next((name for name, value in declarations.items() if value is self), '')}"


@final
class Operation(_Declaration, Generic[T_co]):
    """One operation of an API, declared once: the client calls it, the mock serves it, OpenAPI documents it.

    Its schemas are instantiated on first use, so that declaring an operation costs next to nothing.

    Args:
        method: the HTTP method.
        path: the path below the service's prefix, with `{name}` for each parameter.
        response: schema of the success body; None for a response without a body.
        paged: whether the response is a page, which has the envelope's `data` and a `pagination` itself.
        body: schema of the request body; None for a request without a body.
        body_required: whether a request must have a body.
        query: schema of the query string; None for an operation without one.
        status: the success status.
        errors: error statuses of this operation's own; `failures` has those too that follow from its other parts.
        service: the service that has it.
        access: who may call it.
        enveloped: whether the success body is wrapped in an envelope; as its service does by default.
        streams: whether `Accept: text/event-stream` gets a response of server-sent events.
        message: the envelope's `message` on success.
        summary: one sentence for people.
    """

    def __init__(
        self,
        method: Method,
        path: str,
        *,
        response: type[ModelSchema[T_co]] | None = None,
        paged: bool = False,
        body: type[ModelSchema[Any]] | None = None,
        body_required: bool = True,
        query: type[ModelSchema[Any]] | None = None,
        status: int = 200,
        errors: Iterable[int] = (),
        service: Service = PLATFORM,
        access: Access = Access.OPTIONAL,
        enveloped: bool | None = None,
        streams: bool = False,
        message: str = "",
        summary: str = "",
    ) -> None:
        super().__init__(sys._getframe(1).f_globals["__name__"])  # as typing.NamedTuple and enum find their module
        self.method: Method = method
        self.path = path
        self._response, self._body, self._query = response, body, query
        self.paged = paged
        self.body_required = body_required
        self.status = status
        self.service = service
        self.access = access
        self.enveloped = service.enveloped if enveloped is None else enveloped
        self.streams = streams
        self.message = message
        self.summary = summary
        self.parameters = tuple(name for _, name, _, _ in string.Formatter().parse(path) if name)
        self.failures = frozenset(errors) | self._get_implied_failures()

    @lazy_property
    def response(self) -> ModelSchema[T_co] | None:
        """The schema of the success body."""
        return self._response() if self._response else None

    @lazy_property
    def body(self) -> ModelSchema[Any] | None:
        """The schema of the request body."""
        return self._body() if self._body else None

    @lazy_property
    def query(self) -> ModelSchema[Any] | None:
        """The schema of the query string."""
        return self._query() if self._query else None

    @property
    def route(self) -> str:
        """The whole path template, prefix included."""
        return self.service.prefix + self.path

    @property
    def safe(self) -> bool:
        """Whether the method is safe: it only reads (RFC 9110, section 9.2.1)."""
        return self.method == "GET"

    @property
    def always_fails(self) -> bool:
        """Whether it exists to fail, with the status that the caller asks for: `GET /error`."""
        return self.status >= 400

    @property
    def has_etag(self) -> bool:
        """Whether success responses carry an `ETag`."""
        return self._response is not None and self.access is not Access.PUBLIC

    @property
    def can_be_not_modified(self) -> bool:
        """Whether 304 is a status of it: it reads what has an `ETag`."""
        return self.safe and self.has_etag

    @property
    def statuses(self) -> frozenset[int]:
        """The statuses that are documented for it, of success and of failure."""
        not_modified = {304} if self.can_be_not_modified else set()
        stream = {200} if self.streams else set()
        return self.failures | {self.status} | not_modified | stream

    @property
    def takes_idempotency_key(self) -> bool:
        """Whether requests may carry an `Idempotency-Key`."""
        return self.method in ("POST", "PATCH")

    @property
    def is_conditional(self) -> bool:
        """Whether `If-Match` and `If-None-Match` apply: it reads or changes what has an `ETag`."""
        return self.has_etag or self.method in ("PUT", "PATCH", "DELETE")

    def _get_implied_failures(self) -> frozenset[int]:
        failures = {421, 429}
        if self._query or self._body or self.takes_idempotency_key:
            failures.add(400)
        if self._body:
            failures |= {413, 415}
        if self.takes_idempotency_key:
            failures |= {409, 422}
        if self.is_conditional:
            failures |= {400, 412}
        if self.parameters:
            failures.add(404)
        if self.service is CHAT and self.access is not Access.PUBLIC:
            failures |= {400, 401}
        if self.service is PLATFORM and self.access is not Access.PUBLIC:
            failures.add(401)
        if self.access in (Access.ADMIN, Access.SELF_OR_ADMIN):
            failures.add(403)
        return frozenset(failures)

    def __repr__(self) -> str:
        return f"<Operation {self.id} {self.method} {self.route}>"


class Audience(enum.Enum):
    """Who receives an event."""

    PLATFORM = "everyone on the platform"
    ADMINS_AND_USER = "administrators and the user concerned"
    USER = "the user concerned"


@final
class Event(_Declaration, Generic[T_co]):
    """One Socket.IO event from server to client.

    An event that the contract does not have can be declared in the same way: `Event("order:shipped")`.

    Args:
        name: its name, as `user:created`.
        payload: schema of its one argument; left out, the payload stays JSON values.
        audience: who receives it.
        summary: one sentence for people.
    """

    @overload
    def __init__(self: Event[Any], name: str, *, audience: Audience = ..., summary: str = ...) -> None: ...
    @overload
    def __init__(
        self, name: str, *, payload: type[ModelSchema[T_co]], audience: Audience = ..., summary: str = ...
    ) -> None: ...
    def __init__(
        self,
        name: str,
        *,
        payload: type[ModelSchema[T_co]] = PlainSchema,
        audience: Audience = Audience.PLATFORM,
        summary: str = "",
    ) -> None:
        super().__init__(sys._getframe(1).f_globals["__name__"])
        self.name = name
        self._payload = payload
        self.audience = audience
        self.summary = summary

    @lazy_property
    def payload(self) -> ModelSchema[T_co]:
        """The schema of its one argument."""
        return self._payload()

    def __repr__(self) -> str:
        return f"<Event {self.id} {self.name}>"

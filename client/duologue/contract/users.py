"""Users of the platform."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from marshmallow import fields, validate

from duologue.contract.core import Access, Audience, Event, Model, ModelSchema, Operation
from duologue.contract.fields import EmailAddress, NestedModel, QueryInteger, StrictBoolean, StrictInteger, Text

Role = Literal["admin", "user"]
"""What a user may do: an administrator, everything."""

ROLES: tuple[Role, ...] = ("admin", "user")


@dataclass(frozen=True, slots=True)
class User(Model):
    """A user of the platform. `id` is text; `email` is unique ignoring case."""

    id: str
    name: str
    email: str
    role: Role


class UserSchema(ModelSchema[User]):
    """Exactly `{id, name, email, role}`."""

    model = User
    id = fields.String(required=True)
    name = Text(required=True, max_length=100)
    email = EmailAddress(required=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))


@dataclass(frozen=True, slots=True)
class UserCreate(Model):
    """A user to create. Without a password the user cannot log in."""

    name: str
    email: str
    role: Role | None = None
    password: str | None = field(default=None, repr=False)


class UserCreateSchema(ModelSchema[UserCreate]):
    """Body of `POST /users`; `role` is `user` when left out."""

    model = UserCreate
    name = Text(required=True, max_length=100)
    email = EmailAddress(required=True)
    role = fields.String(validate=validate.OneOf(ROLES))
    password = fields.String(validate=validate.Length(min=1, max=200))


@dataclass(frozen=True, slots=True)
class UserUpdate(Model):
    """What to change of a user; None leaves a field as it is."""

    name: str | None = None
    email: str | None = None
    role: Role | None = None
    id: str | None = None


class UserUpdateSchema(ModelSchema[UserUpdate]):
    """Body of `PUT /users/{id}`: any of the fields; `id` may be there if it is the one in the path."""

    model = UserUpdate
    name = Text(max_length=100)
    email = EmailAddress()
    role = fields.String(validate=validate.OneOf(ROLES))
    id = fields.String(metadata={"description": "If it is there, it is the id in the path."})


@dataclass(frozen=True, slots=True)
class UserQuery(Model):
    """Which users to list. `search` is a case-insensitive substring of name or email; empty means all."""

    page: int = 1
    limit: int = 10
    search: str | None = None


class UserQuerySchema(ModelSchema[UserQuery]):
    """Query of `GET /users`."""

    model = UserQuery
    page = QueryInteger(
        minimum=1, maximum=1_000_000_000, load_default=1, metadata={"description": "Which page, counted from 1."}
    )
    limit = QueryInteger(minimum=1, maximum=100, load_default=10, metadata={"description": "How many are on a page."})
    search = fields.String(
        validate=validate.Length(max=200),
        metadata={"description": "A part of the name or e-mail address, in upper or lower case; empty for all."},
    )


@dataclass(frozen=True, slots=True)
class UserPage(Model):
    """A page of users, in the order of their creation. `total` counts all matches; `next_page` is None on the last."""

    users: list[User]
    total: int
    page: int
    limit: int
    has_more: bool
    next_page: int | None = None

    @property
    def items(self) -> list[User]:
        """The users, by the name that every page has for what it lists."""
        return self.users


class UserPageSchema(ModelSchema[UserPage]):
    """Response of `GET /users`. `nextPage` is left out on the last page, so that `getNextPageParam` sees undefined."""

    model = UserPage
    users = NestedModel(UserSchema, many=True, required=True)
    total = StrictInteger(required=True)
    page = StrictInteger(required=True)
    limit = StrictInteger(required=True)
    has_more = StrictBoolean(required=True, data_key="hasMore")
    next_page = StrictInteger(data_key="nextPage")


@dataclass(frozen=True, slots=True)
class UserEvent(Model):
    """A user that was created or changed."""

    user_id: str
    user: User


class UserEventSchema(ModelSchema[UserEvent]):
    """Payload of `user:created` and `user:updated`."""

    model = UserEvent
    user_id = fields.String(required=True, data_key="userId")
    user = NestedModel(UserSchema, required=True)


@dataclass(frozen=True, slots=True)
class UserDeleted(Model):
    """A user that was deleted."""

    user_id: str


class UserDeletedSchema(ModelSchema[UserDeleted]):
    """Payload of `user:deleted`."""

    model = UserDeleted
    user_id = fields.String(required=True, data_key="userId")


LIST = Operation("GET", "/users", query=UserQuerySchema, response=UserPageSchema, summary="List users, page by page.")
CREATE = Operation(
    "POST",
    "/users",
    body=UserCreateSchema,
    response=UserSchema,
    status=201,
    errors=[409],
    access=Access.ADMIN,
    summary="Create a user.",
)
GET = Operation("GET", "/users/{id}", response=UserSchema, summary="Get one user.")
UPDATE = Operation(
    "PUT",
    "/users/{id}",
    body=UserUpdateSchema,
    response=UserSchema,
    errors=[409],
    access=Access.SELF_OR_ADMIN,
    summary="Change a user; fields left out stay as they are.",
)
DELETE: Operation[None] = Operation(
    "DELETE", "/users/{id}", status=204, access=Access.ADMIN, summary="Delete a user for good."
)

CREATED = Event("user:created", payload=UserEventSchema, audience=Audience.PLATFORM, summary="A user was created.")
UPDATED = Event("user:updated", payload=UserEventSchema, audience=Audience.PLATFORM, summary="A user was changed.")
DELETED = Event("user:deleted", payload=UserDeletedSchema, audience=Audience.PLATFORM, summary="A user was deleted.")

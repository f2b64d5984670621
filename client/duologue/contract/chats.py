"""Chat sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from marshmallow import fields, validate

from duologue.contract.core import CHAT, Audience, Event, Model, ModelSchema, Operation
from duologue.contract.fields import (
    NestedModel,
    QueryBoolean,
    QueryInteger,
    StrictBoolean,
    StrictInteger,
    Text,
    Timestamp,
)


@dataclass(frozen=True, slots=True)
class ChatSession(Model):
    """A conversation of one user. `last_message_at` orders the list, newest first."""

    id: str
    title: str
    is_favorite: bool
    last_message_at: datetime
    created_at: datetime
    updated_at: datetime


class ChatSessionSchema(ModelSchema[ChatSession]):
    """Exactly `{_id, title, isFavorite, lastMessageAt, createdAt, updatedAt}`."""

    model = ChatSession
    id = fields.String(required=True, data_key="_id")
    title = Text(required=True, max_length=200)
    is_favorite = StrictBoolean(required=True, data_key="isFavorite")
    last_message_at = Timestamp(required=True, data_key="lastMessageAt")
    created_at = Timestamp(required=True, data_key="createdAt")
    updated_at = Timestamp(required=True, data_key="updatedAt")


@dataclass(frozen=True, slots=True)
class ChatTitle(Model):
    """The title of a session to create or rename."""

    title: str


class ChatTitleSchema(ModelSchema[ChatTitle]):
    """Body of `POST /chats` and `PATCH /chats/{id}`."""

    model = ChatTitle
    title = Text(required=True, max_length=200)


@dataclass(frozen=True, slots=True)
class Favorite(Model):
    """The wanted value; None toggles."""

    is_favorite: bool | None = None


class FavoriteSchema(ModelSchema[Favorite]):
    """Optional body of `PATCH /chats/{id}/favorite`."""

    model = Favorite
    is_favorite = StrictBoolean(data_key="isFavorite")


@dataclass(frozen=True, slots=True)
class ChatQuery(Model):
    """Which sessions to list. Without `page` and `limit` all are listed."""

    page: int | None = None
    limit: int | None = None
    search: str | None = None
    favorite: bool | None = None


class ChatQuerySchema(ModelSchema[ChatQuery]):
    """Query of `GET /chats`; `limit` is 50 when only `page` is there."""

    model = ChatQuery
    page = QueryInteger(
        minimum=1,
        maximum=1_000_000_000,
        metadata={"description": "Which page, counted from 1. Without `page` and `limit`, all are listed."},
    )
    limit = QueryInteger(
        minimum=1, maximum=100, metadata={"description": "How many are on a page; 50 with `page` alone."}
    )
    search = fields.String(
        validate=validate.Length(max=200),
        metadata={"description": "A part of the title, in upper or lower case; empty for all."},
    )
    favorite = QueryBoolean(
        metadata={"description": "Only those that are marked as favorite, or only those that are not."}
    )


@dataclass(frozen=True, slots=True)
class Pagination(Model):
    """Where a page stands among all."""

    page: int
    limit: int
    total: int
    total_pages: int
    has_next: bool
    has_prev: bool

    @property
    def next_page(self) -> int | None:
        """The number of the next page, None on the last."""
        return self.page + 1 if self.has_next else None


class PaginationSchema(ModelSchema[Pagination]):
    """The Smart Chat API specification's `PaginatedResponse.pagination`."""

    model = Pagination
    page = StrictInteger(required=True)
    limit = StrictInteger(required=True)
    total = StrictInteger(required=True)
    total_pages = StrictInteger(required=True, data_key="totalPages")
    has_next = StrictBoolean(required=True, data_key="hasNext")
    has_prev = StrictBoolean(required=True, data_key="hasPrev")


@dataclass(frozen=True, slots=True)
class ChatPage(Model):
    """Sessions, newest first. `pagination` is None when all were requested."""

    data: list[ChatSession]
    pagination: Pagination | None = None

    @property
    def items(self) -> list[ChatSession]:
        """The sessions, by the name that every page has for what it lists."""
        return self.data

    @property
    def total(self) -> int:
        """How many sessions there are on all pages."""
        return self.pagination.total if self.pagination else len(self.data)

    @property
    def next_page(self) -> int | None:
        """The number of the next page, None on the last."""
        return self.pagination.next_page if self.pagination else None


class ChatPageSchema(ModelSchema[ChatPage]):
    """Response of `GET /chats`."""

    model = ChatPage
    data = NestedModel(ChatSessionSchema, many=True, required=True)
    pagination = NestedModel(PaginationSchema)


@dataclass(frozen=True, slots=True)
class ChatEvent(Model):
    """A session that was created or changed."""

    session: ChatSession


class ChatEventSchema(ModelSchema[ChatEvent]):
    """Payload of `chat:created` and `chat:updated`."""

    model = ChatEvent
    session = NestedModel(ChatSessionSchema, required=True)


@dataclass(frozen=True, slots=True)
class ChatDeleted(Model):
    """A session that was deleted."""

    session_id: str


class ChatDeletedSchema(ModelSchema[ChatDeleted]):
    """Payload of `chat:deleted`."""

    model = ChatDeleted
    session_id = fields.String(required=True, data_key="sessionId")


LIST = Operation(
    "GET",
    "/chats",
    service=CHAT,
    query=ChatQuerySchema,
    response=ChatPageSchema,
    paged=True,
    message="Sessions retrieved successfully",
    summary="List the user's sessions, newest message first.",
)
CREATE = Operation(
    "POST",
    "/chats",
    service=CHAT,
    body=ChatTitleSchema,
    response=ChatSessionSchema,
    status=201,
    message="Session created successfully",
    summary="Create a session.",
)
GET = Operation(
    "GET",
    "/chats/{id}",
    service=CHAT,
    response=ChatSessionSchema,
    message="Session retrieved successfully",
    summary="Get one session.",
)
RENAME = Operation(
    "PATCH",
    "/chats/{id}",
    service=CHAT,
    body=ChatTitleSchema,
    response=ChatSessionSchema,
    message="Session renamed successfully",
    summary="Change a session's title.",
)
DELETE: Operation[None] = Operation(
    "DELETE", "/chats/{id}", service=CHAT, status=204, summary="Delete a session and its messages."
)
FAVORITE = Operation(
    "PATCH",
    "/chats/{id}/favorite",
    service=CHAT,
    body=FavoriteSchema,
    body_required=False,
    response=ChatSessionSchema,
    message="Favorite updated successfully",
    summary="Toggle a session's favorite mark, or set it to the value in the body.",
)

CREATED = Event("chat:created", payload=ChatEventSchema, audience=Audience.USER, summary="A session was created.")
UPDATED = Event("chat:updated", payload=ChatEventSchema, audience=Audience.USER, summary="A session was changed.")
DELETED = Event("chat:deleted", payload=ChatDeletedSchema, audience=Audience.USER, summary="A session was deleted.")

"""Messages of a chat session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from marshmallow import fields, validate

from duologue.contract.chats import Pagination, PaginationSchema
from duologue.contract.core import CHAT, Audience, Event, Model, ModelSchema, Operation
from duologue.contract.fields import NestedModel, QueryInteger, Text, Timestamp

Sender = Literal["user", "assistant", "system"]
"""Who wrote a message."""

SENDERS: tuple[Sender, ...] = ("user", "assistant", "system")
MAX_CONTENT = 10_000


@dataclass(frozen=True, slots=True)
class ChatMessage(Model):
    """A message of a session. `context` is any JSON object that its sender wants stored with it."""

    id: str
    session_id: str
    sender: Sender
    content: str
    created_at: datetime
    context: dict[str, Any] | None = None


class ChatMessageSchema(ModelSchema[ChatMessage]):
    """Exactly `{_id, sessionId, sender, content, context?, createdAt}`."""

    model = ChatMessage
    id = fields.String(required=True, data_key="_id")
    session_id = fields.String(required=True, data_key="sessionId")
    sender = fields.String(required=True, validate=validate.OneOf(SENDERS))
    content = Text(required=True, max_length=MAX_CONTENT, lines=True)
    context = fields.Dict(keys=fields.String())
    created_at = Timestamp(required=True, data_key="createdAt")


@dataclass(frozen=True, slots=True)
class MessageCreate(Model):
    """A message to store."""

    content: str
    sender: Sender
    context: dict[str, Any] | None = None


class MessageCreateSchema(ModelSchema[MessageCreate]):
    """Body of `POST /chats/{id}/messages`."""

    model = MessageCreate
    content = Text(required=True, max_length=MAX_CONTENT, lines=True)
    sender = fields.String(required=True, validate=validate.OneOf(SENDERS))
    context = fields.Dict(keys=fields.String())


@dataclass(frozen=True, slots=True)
class MessageQuery(Model):
    """Which page of messages."""

    page: int = 1
    limit: int = 50


class MessageQuerySchema(ModelSchema[MessageQuery]):
    """Query of `GET /chats/{id}/messages`."""

    model = MessageQuery
    page = QueryInteger(
        minimum=1, maximum=1_000_000_000, load_default=1, metadata={"description": "Which page, counted from 1."}
    )
    limit = QueryInteger(minimum=1, maximum=100, load_default=50, metadata={"description": "How many are on a page."})


@dataclass(frozen=True, slots=True)
class MessagePage(Model):
    """A page of messages, oldest first."""

    data: list[ChatMessage]
    pagination: Pagination

    @property
    def items(self) -> list[ChatMessage]:
        """The messages, by the name that every page has for what it lists."""
        return self.data

    @property
    def total(self) -> int:
        """How many messages there are on all pages."""
        return self.pagination.total

    @property
    def next_page(self) -> int | None:
        """The number of the next page, None on the last."""
        return self.pagination.next_page


class MessagePageSchema(ModelSchema[MessagePage]):
    """Response of `GET /chats/{id}/messages`."""

    model = MessagePage
    data = NestedModel(ChatMessageSchema, many=True, required=True)
    pagination = NestedModel(PaginationSchema, required=True)


@dataclass(frozen=True, slots=True)
class MessageEvent(Model):
    """A message that was stored."""

    session_id: str
    message: ChatMessage


class MessageEventSchema(ModelSchema[MessageEvent]):
    """Payload of `message:created`."""

    model = MessageEvent
    session_id = fields.String(required=True, data_key="sessionId")
    message = NestedModel(ChatMessageSchema, required=True)


LIST = Operation(
    "GET",
    "/chats/{id}/messages",
    service=CHAT,
    query=MessageQuerySchema,
    response=MessagePageSchema,
    paged=True,
    message="Messages retrieved successfully",
    summary="List a session's messages, oldest first.",
)
SEND = Operation(
    "POST",
    "/chats/{id}/messages",
    service=CHAT,
    body=MessageCreateSchema,
    response=ChatMessageSchema,
    status=201,
    message="Message sent successfully",
    summary="Store a message.",
)

CREATED = Event("message:created", payload=MessageEventSchema, audience=Audience.USER, summary="A message was stored.")

"""Smart chat: an assistant replies to a message, at once or streamed."""

from __future__ import annotations

from dataclasses import dataclass

from marshmallow import fields, validate

from duologue.contract.core import CHAT, Audience, Event, Model, ModelSchema, Operation
from duologue.contract.fields import StrictBoolean, Text
from duologue.contract.messages import MAX_CONTENT, SENDERS, ChatMessageSchema, Sender

SSE_DELTA = "message.delta"
SSE_COMPLETED = "message.completed"
SSE_ERROR = "error"


@dataclass(frozen=True, slots=True)
class SmartChatRequest(Model):
    """A message to the assistant, and text for it to consider."""

    message: str
    context: str | None = None


class SmartChatRequestSchema(ModelSchema[SmartChatRequest]):
    """Body of `POST /chats/{id}/smart-chat`."""

    model = SmartChatRequest
    message = Text(required=True, max_length=MAX_CONTENT, lines=True)
    context = fields.String(validate=validate.Length(max=MAX_CONTENT))


@dataclass(frozen=True, slots=True)
class Delta(Model):
    """A piece of a reply that is being streamed; `id` is that of the message it will become."""

    id: str
    delta: str


class DeltaSchema(ModelSchema[Delta]):
    """Data of the server-sent event `message.delta`."""

    model = Delta
    id = fields.String(required=True)
    delta = fields.String(required=True)


@dataclass(frozen=True, slots=True)
class Typing(Model):
    """Whether the sender is writing in a session."""

    session_id: str
    sender: Sender
    typing: bool


class TypingSchema(ModelSchema[Typing]):
    """Payload of `chat:typing`."""

    model = Typing
    session_id = fields.String(required=True, data_key="sessionId")
    sender = fields.String(required=True, validate=validate.OneOf(SENDERS))
    typing = StrictBoolean(required=True)


@dataclass(frozen=True, slots=True)
class MessageDelta(Model):
    """A piece of a reply, sent to the user's connections."""

    session_id: str
    message_id: str
    delta: str


class MessageDeltaSchema(ModelSchema[MessageDelta]):
    """Payload of `message:delta`."""

    model = MessageDelta
    session_id = fields.String(required=True, data_key="sessionId")
    message_id = fields.String(required=True, data_key="messageId")
    delta = fields.String(required=True)


ASK = Operation(
    "POST",
    "/chats/{id}/smart-chat",
    service=CHAT,
    body=SmartChatRequestSchema,
    response=ChatMessageSchema,
    status=201,
    errors=[502, 504],
    streams=True,
    message="Reply generated successfully",
    summary="Store the user's message and return the assistant's reply.",
)

TYPING = Event(
    "chat:typing", payload=TypingSchema, audience=Audience.USER, summary="The assistant started or stopped writing."
)
DELTA = Event("message:delta", payload=MessageDeltaSchema, audience=Audience.USER, summary="A piece of a reply.")

"""Notifications: sent over Socket.IO only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from marshmallow import fields

from duologue.contract.core import Audience, Event, Model, ModelSchema
from duologue.contract.fields import StrictBoolean, Timestamp


@dataclass(frozen=True, slots=True)
class Notification(Model):
    """A notification of a user."""

    id: str
    type: str
    title: str
    message: str
    created_at: datetime
    read: bool = False


class NotificationSchema(ModelSchema[Notification]):
    """Payload of `notification:new`."""

    model = Notification
    id = fields.String(required=True)
    type = fields.String(required=True)
    title = fields.String(required=True)
    message = fields.String(required=True)
    created_at = Timestamp(required=True, data_key="createdAt")
    read = StrictBoolean(required=True)


NEW = Event(
    "notification:new",
    payload=NotificationSchema,
    audience=Audience.ADMINS_AND_USER,
    summary="A user was created or its role was changed, a smart-chat reply is complete, or one was requested.",
)

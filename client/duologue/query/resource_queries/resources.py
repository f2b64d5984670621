"""What queries and mutations call: the resources of a `Client`."""

from __future__ import annotations

from typing import Protocol

from duologue.concurrency.clock import Clock
from duologue.resources.auth import Auth
from duologue.resources.chats import Chats
from duologue.resources.health import HealthChecks
from duologue.resources.messages import Messages
from duologue.resources.smart_chat import SmartChat
from duologue.resources.users import Users


class Resources(Protocol):
    """A `Client`, as far as the query layer needs it."""

    auth: Auth
    users: Users
    chats: Chats
    messages: Messages
    smart_chat: SmartChat
    health: HealthChecks
    clock: Clock

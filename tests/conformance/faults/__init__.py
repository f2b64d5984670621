"""Faults that servers may have, planted in the mock one at a time; each names the rule that finds it."""

from __future__ import annotations

from tests.conformance.faults import (
    audiences,
    auth,
    chats,
    concurrency,
    connections,
    events,
    http,
    idempotency,
    messages,
    paging,
    preconditions,
    rate_limit,
    shape,
    smart_chat,
    users,
)
from tests.conformance.planting import Fault

FAULTS: tuple[Fault, ...] = (
    *shape.FAULTS,
    *http.FAULTS,
    *users.FAULTS,
    *paging.FAULTS,
    *auth.FAULTS,
    *chats.FAULTS,
    *messages.FAULTS,
    *smart_chat.FAULTS,
    *idempotency.FAULTS,
    *preconditions.FAULTS,
    *rate_limit.FAULTS,
    *events.FAULTS,
    *audiences.FAULTS,
    *connections.FAULTS,
    *concurrency.FAULTS,
)

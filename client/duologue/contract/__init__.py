"""What client and server agree on: operations, events, models, errors and header names.

The client calls the operations, the mock serves them, and neither imports the other. This package needs marshmallow
and the standard library only.
"""

from duologue.contract.core import CHAT, PLATFORM, Event, Model, ModelSchema, Operation, Service
from duologue.contract.registry import RESOURCES, events, operations

__all__ = [
    "CHAT",
    "PLATFORM",
    "RESOURCES",
    "Event",
    "Model",
    "ModelSchema",
    "Operation",
    "Service",
    "events",
    "operations",
]

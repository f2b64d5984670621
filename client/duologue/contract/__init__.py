"""The words both halves speak: operations, events, models, errors and header names.

The client asks the contract, the mock answers it, and neither imports the other. This package needs marshmallow
and the standard library, nothing else.
"""

from duologue.contract.core import CHAT, PLATFORM, Event, Model, ModelSchema, Operation, Service
from duologue.contract.registry import events, operations

__all__ = [
    "CHAT",
    "PLATFORM",
    "Event",
    "Model",
    "ModelSchema",
    "Operation",
    "Service",
    "events",
    "operations",
]

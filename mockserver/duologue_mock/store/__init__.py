"""State: one door, and it knows no HTTP."""

from duologue_mock.store.state import State

__all__ = ["State"]

"""The data of a mock, without HTTP: it imports nothing but the contract."""

from duologue_mock.store.state import State

__all__ = ["State"]

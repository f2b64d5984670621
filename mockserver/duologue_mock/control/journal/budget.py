"""The memory that the journals of all namespaces take together."""

from __future__ import annotations

from typing import Protocol

MAX_TOTAL_SIZE = 64 * 1024 * 1024


class Member(Protocol):
    """A journal that shares a budget."""

    used_at: float
    """When it was last recorded in, in seconds of one clock for all."""

    @property
    def size(self) -> int:
        """Bytes that its entries take, roughly."""

    def drop_all(self) -> None:
        """Drop its entries, for those of other journals."""


class Budget:
    """Bytes that the journals of all namespaces may take together.

    Where there are too many, the journal in which nothing was recorded for the longest time is emptied.

    Args:
        limit: the bytes.
    """

    def __init__(self, limit: int = MAX_TOTAL_SIZE) -> None:
        self.limit = limit
        self.size = 0
        """Bytes that are taken; journals add to it and subtract from it."""
        self._members: dict[int, Member] = {}

    def join(self, member: Member) -> None:
        """Count a journal from now on."""
        self._members[id(member)] = member

    def leave(self, member: Member) -> None:
        """Count a journal no longer."""
        if self._members.pop(id(member), None) is not None:
            self.size -= member.size

    def make_room(self, member: Member) -> None:
        """Empty other journals until the budget suffices for one that has grown."""
        others = sorted(
            (one for one in self._members.values() if one is not member and one.size), key=lambda one: one.used_at
        )
        for other in others:
            if self.size <= self.limit:
                return
            other.drop_all()

"""Ids that are the same in every run with the same seed, and others for each purpose."""

from __future__ import annotations

import uuid
from collections.abc import Container
from random import Random


class UUIDSequence:
    """Draws UUIDs.

    Args:
        seed: what they are drawn from; None draws at random.
        purpose: what they are for: with the same seed, another purpose has other ids.
    """

    def __init__(self, seed: int | None, purpose: str) -> None:
        self._random = Random(None if seed is None else f"{seed} {purpose}")  # noqa: S311  # to be predictable

    def next(self, taken: Container[uuid.UUID]) -> uuid.UUID:
        """Return the next UUID that is not taken: a sequence that starts anew draws those again that are in use."""
        while (id := uuid.UUID(int=self._random.getrandbits(128), version=4)) in taken:
            pass
        return id

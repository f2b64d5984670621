"""One method for each operation, a file for each noun."""

from __future__ import annotations

from typing import TypeVar

from duologue.caller import Caller
from duologue.contract import Model, Operation

T = TypeVar("T")


class Resource:
    """Base of the nouns: what belongs to one client."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def _call(self, operation: Operation[T], sent: Model | None = None, /, **ids: str) -> T:
        return self._caller.call(operation, sent, **ids)

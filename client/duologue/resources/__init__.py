"""One method for each operation, a file for each noun."""

from __future__ import annotations

import copy
from typing import Self, TypeVar

from duologue.contract import Model, Operation
from duologue.http.api_requestor import APIRequestor

T = TypeVar("T")


class Resource:
    """Base of the nouns: what belongs to one client."""

    def __init__(self, requestor: APIRequestor) -> None:
        self._requestor = requestor

    def _with_requestor(self, requestor: APIRequestor) -> Self:
        """Return the same resource with another caller; see `Client.with_options`."""
        made = copy.copy(self)
        made._requestor = requestor
        return made

    def _request(self, operation: Operation[T], body: Model | None = None, /, **ids: str) -> T:
        return self._requestor.request(operation, body, **ids)

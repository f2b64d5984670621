"""`Resource`: the base of the resources."""

from __future__ import annotations

import copy
from typing import Any, Self, TypeVar

from duologue.contract import Model, Operation
from duologue.http.api_requestor import APIRequestor
from duologue.resources.page import Page, PageModel

T = TypeVar("T")


class Resource:
    """Base of the resources of one client.

    Args:
        requestor: makes the calls.
    """

    def __init__(self, requestor: APIRequestor) -> None:
        self._requestor = requestor

    def _with_requestor(self, requestor: APIRequestor) -> Self:
        """Return a view of this resource that calls through another requestor; see `Client.with_options`."""
        view = copy.copy(self)
        view._requestor = requestor
        return view

    def _request(self, operation: Operation[T], body: Model | None = None, /, **parameters: str) -> T:
        return self._requestor.request(operation, body, **parameters)

    def _list(self, operation: Operation[PageModel[T]], query: Any, /, **parameters: str) -> Page[T]:
        return Page.request(self._requestor, operation, query, parameters)

"""Requests on which many tests rely and that none of them changes anything by: each is prepared once in a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import requests

from duologue.conformance.target.caller import Api, Record
from duologue.conformance.target.examples import PreparedRequest, prepare_request
from duologue.conformance.target.server import Server
from duologue.contract import CHAT, Operation
from duologue.contract.core import Access

RESERVE = 20
"""Requests that a caller must have left for another test."""

Share = Callable[[Operation[Any]], PreparedRequest]
"""Returns a valid request for an operation, for a test that sends it only where it is refused, or reads only."""


class SharedRequests:
    """A valid request for each operation, with a resource and a caller of its own.

    A request that is not refused, though it should be, may have changed the resource; the next test has another one.
    """

    def __init__(self) -> None:
        self._requests: dict[str, PreparedRequest] = {}
        self._created: list[tuple[Api, str]] = []

    def get(self, server: Server, operation: Operation[Any]) -> PreparedRequest:
        """Return the request for an operation, as sent by a test.

        Args:
            server: the test's, which records what is sent.
            operation: the operation; where it needs a token, the request is prepared anew, because tokens expire.
        """
        if operation.access is Access.AUTHENTICATED:
            return prepare_request(server, operation)
        if operation.id not in self._requests:
            record = Record(requests=server.record.requests, created=self._created)
            self._requests[operation.id] = prepare_request(replace(server, record=record), operation)
        request = self._requests[operation.id]
        caller = request.api if operation.service is CHAT else server.platform

        def look_at(response: requests.Response) -> None:
            if caller.on_response is not None:
                caller.on_response(response)
            if _changes(response) or _is_nearly_over_limit(response):
                self._requests.pop(operation.id, None)

        return replace(request, api=replace(caller, session=server.session, record=server.record, on_response=look_at))

    def remove_created(self, server: Server) -> list[str]:
        """Delete what was created; return what could not be."""
        for api, path in self._created:
            caller = server.platform if path.startswith("/users/") else api
            server.record.created.append((replace(caller, session=server.session, on_response=None), path))
        server.record.clean_up()
        return server.record.left_over


def _changes(response: requests.Response) -> bool:
    return response.status_code < 400 and response.request.method not in ("GET", "HEAD", "OPTIONS")


def _is_nearly_over_limit(response: requests.Response) -> bool:
    remaining = response.headers.get("RateLimit-Remaining", "")
    return remaining.isdigit() and int(remaining) < RESERVE

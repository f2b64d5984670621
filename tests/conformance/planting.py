"""Planting one fault in the mock of this process: each function here returns a `Plant`, which changes one behaviour.

What is changed are the mock's own functions, so that every mock which is started meanwhile has the fault.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from duologue.contract.core import Event, Operation
from duologue_mock.errors import HTTPError
from duologue_mock.handler_registry import Handler
from duologue_mock.http import dispatch, wsgi
from duologue_mock.http.dispatch import Dispatcher
from duologue_mock.http.messages import Request, Response, json_bytes
from duologue_mock.http.wsgi import WSGIApp
from duologue_mock.realtime import server as realtime
from duologue_mock.realtime.server import SocketIOServer
from duologue_mock.store import State

Plant = Callable[[pytest.MonkeyPatch], None]
"""Changes one behaviour of the mock, until the patch is undone."""

Headers = list[tuple[str, str]]
Change = Callable[[Any], Any]


@dataclass(frozen=True)
class Fault:
    """One mistake of a server.

    Args:
        id: its name, as `users.total-of-page`.
        rule: the id of the rule that finds it.
        sentence: what the server does wrong.
        plant: makes the mock do it.
        settings: of the mock, where it shows with these only.
        met_by: the id of the rule whose test meets it, where the one that finds it is about every response.
    """

    id: str
    rule: str
    sentence: str
    plant: Plant
    settings: Mapping[str, Any] = field(default_factory=dict)
    met_by: str = ""

    @property
    def test(self) -> str:
        """The id of the rule whose test is run."""
        return self.met_by or self.rule


def wrap(owner: object, name: str, wrapper: Callable[..., Any]) -> Plant:
    """Replace a function or method by `wrapper`, which gets the original before its arguments."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        original = getattr(owner, name)

        @functools.wraps(original)
        def wrapped(*args: Any, **options: Any) -> Any:
            return wrapper(original, *args, **options)

        patch.setattr(owner, name, wrapped)

    return plant


def set_value(owner: object, name: str, value: object) -> Plant:
    """Replace an attribute."""
    return lambda patch: patch.setattr(owner, name, value)


def combine(*plants: Plant) -> Plant:
    """Plant several changes that are one fault."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        for one in plants:
            one(patch)

    return plant


def change_handler(operation: Operation[Any], wrapper: Callable[..., Any]) -> Plant:
    """Replace an operation's handler by `wrapper`, which gets the original, and the handler's arguments by name."""

    def get_changed(get_handler: Callable[[Operation[Any]], Handler], wanted: Operation[Any]) -> Handler:
        handler = get_handler(wanted)
        if wanted is not operation:
            return handler
        return replace(handler, function=functools.partial(wrapper, handler.function))

    return wrap(dispatch, "get_handler", get_changed)


def change_response(change: Callable[[Response, Request], Response], *operations: Operation[Any]) -> Plant:
    """Change the responses of these operations that report no error; replays too."""

    def dispatch_changed(original: Any, self: Dispatcher, operation: Operation[Any], request: Request) -> Response:
        response: Response = original(self, operation, request)
        return change(copy_response(response), request) if operation in operations else response

    return wrap(Dispatcher, "dispatch", dispatch_changed)


def copy_response(response: Response) -> Response:
    """Return an equal response whose headers can be changed."""
    return Response(response.status, list(response.headers), response.body, response.stream, response.error)


def change_json(change: Change, *operations: Operation[Any]) -> Plant:
    """Change the JSON body of successes of these operations: `change` gets the value and returns another."""
    return change_response(lambda response, _: _change_body(response, change), *operations)


def change_data(change: Change, *operations: Operation[Any]) -> Plant:
    """Change the `data` in the envelope of these operations of the chat service."""
    return change_json(lambda body: {**body, "data": change(body["data"])}, *operations)


def change_status(status: int, *operations: Operation[Any]) -> Plant:
    """Give successes of these operations another status."""

    def change(response: Response, _: Request) -> Response:
        response.status = status
        return response

    return change_response(change, *operations)


def change_error(change: Change, *statuses: int) -> Plant:
    """Change the body of error responses that have one of these statuses, or any."""

    def change_built(original: Any, self: Dispatcher, error: Any, request: Request) -> Response:
        response: Response = original(self, error, request)
        return _change_body(response, change) if not statuses or error.status in statuses else response

    return wrap(Dispatcher, "error_response", change_built)


def change_error_status(status: int, other: int) -> Plant:
    """Send errors of one status with another."""

    def change(original: Any, self: Dispatcher, error: Any, request: Request) -> Response:
        if error.status == status:
            error = HTTPError(other, error.message, fields=error.fields, hint=error.hint)
        response: Response = original(self, error, request)
        return response

    return wrap(Dispatcher, "error_response", change)


def change_headers(change: Callable[[Headers, Request, Response], Headers]) -> Plant:
    """Change the headers that leave with every response, of errors and preflights too."""

    def add_changed(original: Any, self: WSGIApp, exchange: Any, response: Response) -> Headers:
        return change(original(self, exchange, response), exchange.request, response)

    return wrap(wsgi.WSGIApp, "_add_common_headers", add_changed)


def drop_header(name: str, *, status: int | None = None) -> Plant:
    """Leave out a header, of responses with one status if given."""

    def drop(headers: Headers, _: Request, response: Response) -> Headers:
        if status not in (None, response.status):
            return headers
        return [header for header in headers if header[0].lower() != name.lower()]

    return change_headers(drop)


def set_header(name: str, change: Callable[[str], str]) -> Plant:
    """Change the value of a header wherever it is sent."""

    def set_value(headers: Headers, _: Request, __: Response) -> Headers:
        return [(key, change(value) if key.lower() == name.lower() else value) for key, value in headers]

    return change_headers(set_value)


def change_publishing(event: Event[Any], publish: Callable[..., None]) -> Plant:
    """Publish an event in another way: `publish` gets a function that publishes, the payload, and the user's id."""

    def publish_changed(original: Any, self: State, published: Event[Any], payload: Any, **options: Any) -> None:
        if published is not event:
            original(self, published, payload, **options)
            return
        user_id = options.get("user_id")
        publish(
            lambda payload=payload, user_id=user_id: original(self, event, payload, user_id=user_id), payload, user_id
        )

    return wrap(State, "publish", publish_changed)


def drop_event(event: Event[Any]) -> Plant:
    """Never send an event."""
    return change_publishing(event, lambda *_: None)


def repeat_event(event: Event[Any]) -> Plant:
    """Send an event twice."""

    def publish(send: Callable[[], None], *_: Any) -> None:
        send()
        send()

    return change_publishing(event, publish)


def change_payload(event: Event[Any], change: Change) -> Plant:
    """Change the JSON of an event's payload."""

    def emit(original: Any, self: SocketIOServer, name: str, data: Any, rooms: Any) -> Any:
        return original(self, name, change(data) if name == event.name else data, rooms)

    return wrap(SocketIOServer, "_emit", emit)


def change_rooms(event: Event[Any], select: Callable[[Any, str | None], Any]) -> Plant:
    """Send an event to other rooms; `select` gets the right ones and the user's id. None is every client."""

    def select_changed(original: Any, selected: Event[Any], user_id: str | None) -> Any:
        rooms = original(selected, user_id)
        return select(rooms, user_id) if selected is event else rooms

    return wrap(realtime, "select_rooms", select_changed)


def without(*names: str) -> Change:
    """Return a change that drops fields of an object."""
    return lambda value: {name: item for name, item in value.items() if name not in names}


def with_fields(**fields: Any) -> Change:
    """Return a change that adds fields to an object, or replaces them."""
    return lambda value: {**value, **fields}


def each_item(change: Change) -> Change:
    """Return a change that changes every item of a list."""
    return lambda items: [change(item) for item in items]


def _change_body(response: Response, change: Change) -> Response:
    if response.body:
        response.body = json_bytes(change(json.loads(response.body)))
    return response

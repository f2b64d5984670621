"""Each method calls its operation and returns the model of the response."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import pytest

from duologue import AuthenticationError, Client, NotFoundError, Page, ServerError
from duologue.conformance.target import golden
from duologue.contract import Operation, operations
from tests.client.fakes import SESSION, FakeTransport, enveloped, reply

Talk = Callable[..., tuple[Client, FakeTransport]]

HEALTH = {"status": "ok", "timestamp": "2024-01-01T00:00:00.000Z", "version": "1", "uptime": 3.5}

TESTED_BELOW = {"auth.REFRESH", "health.ERROR"}
"""The one takes its argument from the login, the other returns nothing."""


def find_method(api: Client, operation: Operation[Any]) -> Callable[..., object]:
    """Return the method that calls an operation: it has its name, or else is the one whose code mentions it."""
    resource, name = getattr(api, operation.resource), operation.id.partition(".")[2]
    methods = inspect.getmembers(resource, inspect.ismethod)
    matching = [method for _, method in methods if name in method.__func__.__code__.co_names]
    assert hasattr(resource, name.lower()) or matching, f"api.{operation.resource} has no method for {operation}"
    return cast(Callable[..., object], getattr(resource, name.lower(), None) or matching[0])


def build_arguments(operation: Operation[Any], method: Callable[..., object]) -> dict[str, object]:
    """Return the arguments with which a method makes the request of the operation's golden example."""
    request = golden.load(operation.id)["request"]
    arguments: dict[str, object] = {}
    for schema, part in ((operation.query, "query"), (operation.body, "body")):
        if schema is not None and part in request:
            model = schema.load(request[part])
            arguments |= {field.name: getattr(model, field.name) for field in dataclasses.fields(model)}
    names = list(inspect.signature(method).parameters)
    path = dict(zip(names, golden.read_parameters(operation).values(), strict=False))
    return {name: arguments.get(name, arguments.get(f"is_{name}")) for name in names} | path


def read_result(operation: Operation[Any]) -> object:
    """Return the model in the response of the operation's golden example."""
    body = golden.load(operation.id)["response"].get("body")
    if operation.response is None:
        return None
    if operation.enveloped and not operation.paged:
        body = body["data"]
    return operation.response.load(body, unknown="exclude")  # a page has the envelope's `message` and `metadata`


CALLED = [operation for operation in operations() if operation.id not in TESTED_BELOW]


@pytest.mark.parametrize("operation", CALLED, ids=lambda operation: operation.id)
def test_golden_example(talk: Talk, operation: Operation[Any]) -> None:
    """The method of each operation makes the request of its golden example and returns the model of its response."""
    request, response = (golden.load(operation.id)[part] for part in ("request", "response"))
    api, net = talk(reply(response["status"], response.get("body"), response.get("headers")))
    method = find_method(api, operation)
    result = method(**build_arguments(operation, method))
    assert (result.model if isinstance(result, Page) else result) == read_result(operation)
    url = urlsplit(net.last.url)
    assert (net.last.method, url.path) == (request["method"], request["path"])
    assert dict(parse_qsl(url.query)) == request.get("query", {})
    assert (json.loads(net.last.body) if net.last.body else None) == golden.read_body(operation)
    for name in request["headers"].keys() - {"Authorization"}:
        assert name in net.last.headers


def test_error_on_request(talk: Talk) -> None:
    api, net = talk(reply(500, {"message": "Internal server error"}), reply(404), max_retries=0)
    with pytest.raises(ServerError):
        api.health.error()
    assert net.last.url.endswith("/api/error?status=500")
    with pytest.raises(NotFoundError):
        api.health.error(status=404)


def test_names_and_types(talk: Talk) -> None:
    api, _ = talk(enveloped(SESSION))
    session = api.chats.get("s")
    assert session.id == "test-session-1"
    assert session.is_favorite is False
    assert session.last_message_at == datetime(2024, 1, 1, tzinfo=UTC)


def test_toggle_favorite(talk: Talk) -> None:
    api, net = talk(enveloped({**SESSION, "isFavorite": True}), enveloped(SESSION))
    assert api.chats.toggle_favorite("s").is_favorite is False
    assert net.last.body == b'{"isFavorite":false}'


def test_validate_api_key(talk: Talk) -> None:
    """Uncached, each call requests, and a failure other than 401 is raised."""
    api, net = talk(reply(200, HEALTH), reply(401, {"message": "Unknown key"}), reply(500), max_retries=0)
    assert api.validate_api_key(cached=False) is True
    assert net.last.headers["x-api-key"] == "dev-api-key"
    assert api.with_options(timeout=1).validate_api_key(cached=False) is False
    assert net.last.timeout == 1
    with pytest.raises(ServerError):
        api.validate_api_key(cached=False)
    assert api.validate_api_key() is False
    assert len(net.requests) == 3


def test_no_api_key(talk: Talk) -> None:
    api, net = talk(reply(401), api_key=None)
    with pytest.raises(AuthenticationError):
        api.chats.list()
    assert "x-api-key" not in net.last.headers

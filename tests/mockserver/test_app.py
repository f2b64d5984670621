"""`create_app`: a Flask application that knows every operation."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.cli import FlaskGroup

from duologue.contract import CHAT, Operation, operations
from duologue_mock import create_app
from duologue_mock.context import LazySocketIO, MockContext
from tests.mockserver.clocks import ManualClock
from tests.mockserver.mocks import CHAT_HEADERS, REQUESTS, Mock


def test_flask_routes() -> None:
    """`flask routes` lists every operation by its id."""
    lines = CliRunner().invoke(FlaskGroup(create_app=create_app), ["routes"]).output.splitlines()
    listed = {tuple(line.split()) for line in lines}
    for one in operations():
        assert (one.id, one.method, one.route.replace("{", "<").replace("}", ">")) in listed


def test_url_map() -> None:
    """Besides the operations there are the pages at `/` and `/docs`, and the documents."""
    endpoints = {rule.endpoint for rule in create_app().url_map.iter_rules()}
    assert endpoints == {one.id for one in operations()} | {
        "index",
        "openapi",
        "asyncapi",
        "docs",
        "docs_file",
    }


def test_url_for() -> None:
    app = create_app()
    with app.test_request_context():
        assert app.url_for("users.GET", id="7") == "/api/users/7"


def respond_in_flask(app: Flask, path: str, **sent: Any) -> Any:
    """Let Flask dispatch a request itself, as code does that wraps its `full_dispatch_request`."""
    with app.test_request_context(path, **sent):
        response = app.full_dispatch_request()
        response.get_data()
        return response


VARYING = {"X-Request-Id", "Date"}


@pytest.mark.parametrize("one", operations(), ids=lambda one: one.id)
def test_flask_dispatch(clock: ManualClock, one: Operation[Any]) -> None:
    """An operation that reaches Flask is handled as the one that never does."""
    body, args = REQUESTS[one.id]
    path = one.route.format_map(dict.fromkeys(one.parameters, args))
    sent = {"method": one.method, "json": body, "headers": CHAT_HEADERS if one.service is CHAT else {}}
    directly = Mock(clock).app.test_client().open(path, **sent)
    in_flask = respond_in_flask(Mock(clock).app, path, **sent)
    assert in_flask.status_code == directly.status_code
    assert {name for name, _ in in_flask.headers} == {name for name, _ in directly.headers}
    assert in_flask.headers.get("ETag") == directly.headers.get("ETag")
    if one.method == "GET" and one.service is not CHAT and directly.status_code == 200:
        assert in_flask.get_data() == directly.data or "health" in one.id


def test_unknown_in_flask() -> None:
    response = respond_in_flask(create_app(), "/nowhere")
    assert (response.status_code, response.json["code"]) == (404, "NOT_FOUND_ERROR")


@pytest.mark.parametrize("path", ["//api/users", "/api//users", "/api/users//", "/api/users//1"])
def test_slashes_stay(path: str) -> None:
    """Flask's rules neither merge slashes nor redirect: the mock's routing decides."""
    assert create_app().test_client().get("/", environ_overrides={"PATH_INFO": path}).status_code == 404


def test_context() -> None:
    app = create_app(ports=(1, 2))
    context = app.extensions["duologue"]
    assert isinstance(context, MockContext)
    assert isinstance(context.sockets, LazySocketIO)
    assert context.ports == (1, 2)
    assert "router" not in vars(context.sockets), "it is created for the first client"

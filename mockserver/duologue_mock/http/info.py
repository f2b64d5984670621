"""What the mock serves beside the two services: its own description, and help for who lost the way."""

from __future__ import annotations

from functools import cache

from flask import Flask
from flask import Response as FlaskResponse

from duologue_mock.errors import HTTPError
from duologue_mock.http.messages import JSON, json_bytes
from duologue_mock.http.routing import Routes


def register(app: Flask, routes: Routes) -> None:
    """Add the pages to the application."""

    @app.get("/openapi.json")
    def openapi() -> FlaskResponse:
        return FlaskResponse(_openapi_document(), content_type=JSON)

    @app.get("/")
    def index() -> FlaskResponse:
        served = [f"{operation.method} {operation.route}" for operation in routes.operations]
        return FlaskResponse(json_bytes({"service": "duologue mock", "operations": served}), content_type=JSON)


def nothing_here(routes: Routes, method: str, path: str) -> HTTPError:
    """Return the refusal of an unknown path, which names the operations most like it."""
    nearest = routes.nearest(method, path)
    hint = f"The nearest operations are: {', '.join(nearest)}." if nearest else "GET / lists the operations."
    return HTTPError(404, "There is nothing at this path", hint=hint)


@cache
def _openapi_document() -> bytes:
    from duologue_mock.http.openapi import document  # apispec is only loaded by who asks

    return json_bytes(document())

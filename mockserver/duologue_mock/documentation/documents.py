"""The OpenAPI and the AsyncAPI document as the mock serves them, built when they are first asked for."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask import Flask
from flask import Response as FlaskResponse
from flask import request as flask_request

from duologue_mock.http.info import get_origins
from duologue_mock.http.messages import JSON, REVALIDATE, json_bytes
from duologue_mock.origins import Origins

_MAX_ORIGINS = 16
"""Documents that are kept: each names the origins that it was reached by, as those of a namespace's host."""


def register_documents(app: Flask, *, ports: tuple[int, int] | None) -> None:
    """Add `/openapi.json` and `/asyncapi.json` to the application.

    Args:
        app: the application.
        ports: the ports of the platform and the chat service; None if they are not known.
    """

    @app.get("/openapi.json")
    def openapi() -> FlaskResponse:
        return build_response(_dump_openapi(get_origins(ports)), JSON)

    @app.get("/asyncapi.json")
    def asyncapi() -> FlaskResponse:
        return build_response(_dump_asyncapi(get_origins(ports)), JSON)


def build_response(body: bytes, content_type: str) -> FlaskResponse:
    """Return a response with a body that rarely changes: 304 to a caller who has it."""
    response = FlaskResponse(body, content_type=content_type)
    response.headers.add(*REVALIDATE)
    response.add_etag()
    response.make_conditional(flask_request)
    return response


def build_openapi(origins: Origins) -> dict[str, Any]:
    """Return the OpenAPI document of services at these origins."""
    from duologue_mock.openapi.openapi import build_document  # loads apispec, which nothing else needs

    return build_document(origins.describe_servers())


def build_asyncapi(origins: Origins) -> dict[str, Any]:
    """Return the AsyncAPI document of services at these origins."""
    from duologue_mock.asyncapi.asyncapi import build_document

    return build_document(origins)


@lru_cache(_MAX_ORIGINS)
def _dump_openapi(origins: Origins) -> bytes:
    return json_bytes(build_openapi(origins))


@lru_cache(_MAX_ORIGINS)
def _dump_asyncapi(origins: Origins) -> bytes:
    return json_bytes(build_asyncapi(origins))

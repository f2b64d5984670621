"""The page at `/docs`: Swagger UI with the operations, and beside it the events. It needs no network."""

from __future__ import annotations

import json
import re
from importlib import resources
from types import MappingProxyType
from typing import Any

from flask import Flask, render_template
from flask import Response as FlaskResponse
from flask import request as flask_request
from markupsafe import Markup, escape
from werkzeug.exceptions import NotFound

from duologue._version import __version__
from duologue_mock.documentation.documents import build_asyncapi, build_response
from duologue_mock.http.info import get_origins
from duologue_mock.http.namespaces import get_namespace
from duologue_mock.origins import Origins

_OURS, _SWAGGER_UI = ("duologue_mock", "templates"), ("flask_swagger_ui", "dist")
_FILES = MappingProxyType(
    {
        "docs.css": (*_OURS, "text/css; charset=utf-8"),
        "docs.js": (*_OURS, "text/javascript; charset=utf-8"),
        "swagger-ui.css": (*_SWAGGER_UI, "text/css; charset=utf-8"),
        "swagger-ui-bundle.js": (*_SWAGGER_UI, "text/javascript; charset=utf-8"),
        "favicon-32x32.png": (*_SWAGGER_UI, "image/png"),
    }
)
"""What the page loads: the package and the folder that each file is in, and its media type."""
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' {}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing from elsewhere, and nothing inline. Calls go to the mock itself, on either of its ports."""


def register_docs_page(app: Flask, *, ports: tuple[int, int] | None) -> None:
    """Add the page at `/docs`, and what it loads, to the application.

    Args:
        app: the application.
        ports: the ports of the platform and the chat service; None if they are not known.
    """

    @app.get("/docs")
    def docs() -> FlaskResponse:
        origins = get_origins(ports)
        response = FlaskResponse(_render_page(origins), mimetype="text/html")
        sources = " ".join(origins.describe_servers())
        response.headers["Content-Security-Policy"] = _CONTENT_SECURITY_POLICY.format(sources)
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    @app.get("/docs/<name>")
    def docs_file(name: str) -> FlaskResponse:
        if name not in _FILES:
            raise NotFound
        package, folder, media_type = _FILES[name]
        return build_response((resources.files(package) / folder / name).read_bytes(), media_type)


def _render_page(origins: Origins) -> str:
    namespace = get_namespace(flask_request.environ)
    document = build_asyncapi(origins)
    return render_template(
        "docs.html",
        version=__version__,
        api_key=namespace.settings.values["api_keys"][0],
        about=[_mark_code(paragraph) for paragraph in document["info"]["description"].split("\n\n")],
        servers=document["servers"],
        security={
            name: _mark_code(scheme["description"])
            for name, scheme in document["components"]["securitySchemes"].items()
        },
        events=[_describe_event(document, operation) for operation in document["operations"].values()],
    )


def _describe_event(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    [message_reference] = operation["messages"]
    message = document["components"]["messages"][_get_last_part(message_reference)]
    schema = document["components"]["schemas"][_get_last_part(message["payload"])]
    return {
        "name": message["name"],
        "summary": message["summary"],
        "audience": operation["description"],
        "fields": [
            (name, _describe_type(rules), name in schema["required"]) for name, rules in schema["properties"].items()
        ],
        "examples": [json.dumps(example["payload"], indent=2, ensure_ascii=False) for example in message["examples"]],
    }


def _mark_code(text: str) -> Markup:
    """Return text with what is in backticks as code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704  # the text is escaped


def _get_last_part(reference: dict[str, str]) -> str:
    return reference["$ref"].rpartition("/")[2]


def _describe_type(rules: dict[str, Any]) -> str:
    if "$ref" in rules:
        return _get_last_part(rules)
    return " or ".join(rules.get("enum", ())) or str(rules.get("format") or rules["type"])

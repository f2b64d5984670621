"""What the mock serves besides the two services: a page for people, a list for programs, help for unknown paths."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from itertools import groupby
from typing import Any

from flask import Flask, render_template
from flask import Response as FlaskResponse
from flask import request as flask_request
from markupsafe import Markup

from duologue._version import __version__
from duologue.contract import headers
from duologue.contract.core import Operation
from duologue_mock.errors import HTTPError
from duologue_mock.http.messages import JSON, json_bytes
from duologue_mock.http.namespaces import Namespace, get_namespace
from duologue_mock.http.routing import DOCUMENTS, Routes
from duologue_mock.origins import Origins

_MAX_LOGINS = 8


def register_index(app: Flask, *, routes: Routes, ports: tuple[int, int] | None) -> None:
    """Add the page at `/` to the application.

    Args:
        app: the application.
        routes: the operations.
        ports: the ports of the platform and the chat service; None if they are not known.
    """

    @app.get("/")
    def index() -> FlaskResponse:
        if _prefers_html():
            response = FlaskResponse(
                _render_index(get_namespace(flask_request.environ), routes, get_origins(ports)), mimetype="text/html"
            )
            response.headers["Content-Security-Policy"] = _CONTENT_SECURITY_POLICY.format(_read_style()[1])
            response.headers["Referrer-Policy"] = "no-referrer"
        else:
            served = [f"{operation.method} {operation.route}" for operation in routes.operations]
            body = json_bytes({"service": "duologue mock", "documents": DOCUMENTS, "operations": served})
            response = FlaskResponse(body, content_type=JSON)
        response.headers["Vary"] = "Accept"
        return response


def path_not_found(routes: Routes, method: str, path: str) -> HTTPError:
    """Return the 404 of an unknown path, which names the most similar operations."""
    suggestions = routes.suggest(method, path)
    hint = f"The nearest operations are: {', '.join(suggestions)}." if suggestions else "GET / lists the operations."
    return HTTPError(404, "There is nothing at this path", hint=hint)


def get_origins(ports: tuple[int, int] | None) -> Origins:
    """Return the origins under the host name of the request.

    A request that came through another port than ours, as from a container or a proxy, gets the origin that it used for
    both: each port serves both services.
    """
    host, scheme = flask_request.host, flask_request.scheme
    name, separator, port = host.rpartition(":")
    if not separator or port.endswith("]"):
        name, port = host, "443" if scheme == "https" else "80"
    if ports is None or int(port) not in ports:
        return Origins(f"{scheme}://{host}", f"{scheme}://{host}")
    return Origins(*(f"{scheme}://{name}:{number}" for number in ports))


_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src '{}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page loads nothing: its one style sheet is inside it, and allowed by its hash."""


def _prefers_html() -> bool:
    """Return whether the caller is a browser: programs that accept anything get JSON."""
    return flask_request.accept_mimetypes.best_match([JSON, "text/html"]) == "text/html"


def _render_index(namespace: Namespace, routes: Routes, origins: Origins) -> str:
    api_key = namespace.settings.values["api_keys"][0]
    with namespace.state as state:
        logins = [
            (user, password) for user in state.users if (password := state.users.get_password(user.id)) is not None
        ]
    return render_template(
        "index.html",
        style=Markup(_read_style()[0]),  # noqa: S704  # the package's own file
        version=__version__,
        origins=origins,
        api_key=api_key,
        variables=origins.build_env_variables(api_key),
        headers=headers,
        logins=logins[:_MAX_LOGINS],
        more_logins=len(logins[_MAX_LOGINS:]),
        groups=_group_by_resource(routes.operations),
    )


def _group_by_resource(operations: tuple[Operation[Any], ...]) -> list[tuple[str, list[Operation[Any]]]]:
    groups = groupby(operations, key=lambda operation: operation.resource)
    return [(resource.replace("_", " "), list(members)) for resource, members in groups]


@cache
def _read_style() -> tuple[str, str]:
    """Return the style sheet, and the source expression by which the page's policy allows it (CSP level 3)."""
    style = (resources.files("duologue_mock") / "templates" / "index.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return style, f"sha256-{digest}"

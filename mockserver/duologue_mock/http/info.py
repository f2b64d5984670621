"""What the mock serves besides the two services: a page for people, the OpenAPI document, help for unknown paths."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import groupby, islice
from typing import Any

from flask import Flask, render_template
from flask import Response as FlaskResponse
from flask import request as flask_request
from markupsafe import Markup

from duologue._version import __version__
from duologue.contract import headers
from duologue.contract.core import CHAT, PLATFORM, Operation
from duologue_mock.errors import HTTPError
from duologue_mock.http.messages import JSON, json_bytes
from duologue_mock.http.routing import Routes
from duologue_mock.settings import Settings
from duologue_mock.store import State

_MAX_LOGINS = 8


@dataclass(frozen=True)
class Origins:
    """Where the two services are, as the caller of a request can reach them."""

    platform: str
    chat: str

    @property
    def base_url(self) -> str:
        """Base URL of the platform's API."""
        return self.platform + PLATFORM.prefix

    @property
    def chat_base_url(self) -> str:
        """Base URL of the chat service's API."""
        return self.chat + CHAT.prefix

    def describe_servers(self) -> dict[str, str]:
        """Return what each origin serves."""
        if self.platform == self.chat:
            return {self.platform: "both services"}
        return {self.platform: "the platform", self.chat: "the chat service; both serve both"}

    def build_env_lines(self, api_key: str) -> list[str]:
        """Return the lines of a front end's `.env` file, for Vite."""
        return [
            f"VITE_API_URL={self.base_url}",
            f"VITE_CHAT_API_URL={self.chat_base_url}",
            f"VITE_CHAT_API_KEY={api_key}",
            f"VITE_SOCKET_URL={self.platform}",
        ]


@dataclass(frozen=True)
class _Login:
    email: str
    role: str
    password: str | None


def register_pages(
    app: Flask, *, settings: Settings, state: State, routes: Routes, ports: tuple[int, int] | None
) -> None:
    """Add the page at `/` and the OpenAPI document to the application.

    Args:
        app: the application.
        settings: the API keys.
        state: the users that can log in.
        routes: the operations.
        ports: the ports of the platform and the chat service; None if they are not known.
    """

    @app.get("/openapi.json")
    def openapi() -> FlaskResponse:
        from duologue_mock.http.openapi import build_document  # loads apispec, which nothing else needs

        document = build_document(_get_origins(ports).describe_servers())
        return FlaskResponse(json_bytes(document), content_type=JSON)

    @app.get("/")
    def index() -> FlaskResponse:
        if _prefers_html():
            response = FlaskResponse(_render_index(settings, state, routes, _get_origins(ports)), mimetype="text/html")
            response.headers["Content-Security-Policy"] = _CONTENT_SECURITY_POLICY.format(_read_style()[1])
            response.headers["Referrer-Policy"] = "no-referrer"
        else:
            served = [f"{operation.method} {operation.route}" for operation in routes.operations]
            body = json_bytes({"service": "duologue mock", "operations": served})
            response = FlaskResponse(body, content_type=JSON)
        response.headers["Vary"] = "Accept"
        return response


def path_not_found(routes: Routes, method: str, path: str) -> HTTPError:
    """Return the 404 of an unknown path, which names the most similar operations."""
    suggestions = routes.suggest(method, path)
    hint = f"The nearest operations are: {', '.join(suggestions)}." if suggestions else "GET / lists the operations."
    return HTTPError(404, "There is nothing at this path", hint=hint)


_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src '{}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page loads nothing: its one style sheet is inside it, and allowed by its hash."""


def _get_origins(ports: tuple[int, int] | None) -> Origins:
    """Return the origins under the host name of the request.

    A request that came through another port than ours, as from a container or a proxy, gets the origin that it used for
    both: each port serves both services.
    """
    host, scheme = flask_request.host, flask_request.scheme
    name, separator, port = host.rpartition(":")
    if not separator or port.endswith("]"):
        name, port = host, "80"
    if ports is None or int(port) not in ports:
        return Origins(f"{scheme}://{host}", f"{scheme}://{host}")
    return Origins(*(f"{scheme}://{name}:{number}" for number in ports))


def _prefers_html() -> bool:
    """Return whether the caller is a browser: programs that accept anything get JSON."""
    return flask_request.accept_mimetypes.best_match([JSON, "text/html"]) == "text/html"


def _render_index(settings: Settings, state: State, routes: Routes, origins: Origins) -> str:
    api_key = settings.values["api_keys"][0]
    with state:
        users = list(islice(state.users, _MAX_LOGINS))
        logins = [_Login(user.email, user.role, state.users.get_password(user.id)) for user in users]
        user_count = len(state.users)
    return render_template(
        "index.html",
        style=Markup(_read_style()[0]),  # noqa: S704  # the package's own file
        version=__version__,
        origins=origins,
        api_key=api_key,
        env_lines=origins.build_env_lines(api_key),
        headers=headers,
        logins=logins,
        more_users=user_count - len(logins),
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

"""Before anything is judged: is the server there, is it this API, do the credentials work, is it this contract?"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from duologue._version import __version__
from duologue.conformance.target.target import Login, Target

TIMEOUT = 10.0
"""Seconds to wait for each response."""

_TITLE = "Duologue"
"""What the title of an OpenAPI document starts with that is made from this contract."""


class PreflightError(Exception):
    """The server cannot be judged; the text says why, and what to do."""


def check_target(target: Target, without: Collection[str] = ()) -> None:
    """Check that a server can be judged, in a handful of requests.

    Args:
        target: the server.
        without: what it does not have: `events`.

    Raises:
        PreflightError: it cannot.
    """
    with requests.Session() as session:
        session.trust_env = False
        preflight = _Preflight(session, target)
        preflight.check_platform()
        preflight.check_chat()
        for login in target.logins:
            preflight.check_login(login)
        if "events" not in without:
            preflight.check_events()
        preflight.check_version()


def is_reachable(base_url: str) -> bool:
    """Return whether the platform at a base URL sends any response at all."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            session.get(f"{base_url}/health", timeout=TIMEOUT).close()
        except requests.RequestException:
            return False
    return True


class _Preflight:
    def __init__(self, session: requests.Session, target: Target) -> None:
        self._session = session
        self._target = target

    def check_platform(self) -> None:
        url = f"{self._target.base_url}/health"
        response = self._send("GET", url)
        if not _is_healthy(response):
            raise PreflightError(
                f"{url} is not the health check of the Platform API: {_describe(response)}. "
                "Is the URL right? It is the API's base, as https://staging.example/api."
            )

    def check_chat(self) -> None:
        url = f"{self._target.chat_base_url}/health"
        response = self._send("GET", url)
        if not _is_healthy(response):
            raise PreflightError(
                f"{url} is not the health check of the Smart Chat API: {_describe(response)}. "
                "Pass its base URL with --chat-url, as https://staging.example/chats-service/api/v1."
            )
        if self._send("GET", url, headers={"x-api-key": self._target.api_key}).status_code in (401, 403):
            raise PreflightError(
                f"{url} refuses the API key. Pass the right one with --api-key or in DUOLOGUE_API_KEY."
            )

    def check_login(self, login: Login) -> None:
        url = f"{self._target.base_url}/auth/login"
        response = self._send("POST", url, json={"email": login.email, "password": login.password})
        if response.status_code != 200:
            raise PreflightError(
                f"{url} refuses the login of {login.email}: {_describe(response)}. Pass another with --login."
            )
        if not isinstance(_read_json(response).get("token"), str):
            raise PreflightError(f"{url} accepts the login of {login.email}, but its response has no token.")

    def check_events(self) -> None:
        """Check that there is a Socket.IO server: its handshake needs no credentials until a namespace is joined."""
        parts = urlsplit(self._target.base_url)
        url = f"{parts.scheme}://{parts.netloc}/socket.io/?EIO=4&transport=polling"
        response = self._send("GET", url)
        if response.status_code != 200 or not response.text.startswith("0{"):
            raise PreflightError(
                f"{url} is not a Socket.IO server: {_describe(response)}. "
                "If the server has no events, pass --without events."
            )

    def check_version(self) -> None:
        """Compare versions where the server describes itself; others do not say which contract they implement."""
        parts = urlsplit(self._target.base_url)
        response = self._send("GET", f"{parts.scheme}://{parts.netloc}/openapi.json")
        info = _read_json(response).get("info")
        if response.status_code != 200 or not isinstance(info, Mapping):
            return
        version = str(info.get("version"))
        if str(info.get("title")).startswith(_TITLE) and _get_series(version) != _get_series(__version__):
            raise PreflightError(
                f"The server implements version {version} of the contract, and these rules are of version "
                f"{__version__}. Install the ones that fit: pip install 'duologue[contract]=={version}'"
            )

    def _send(self, method: str, url: str, **options: Any) -> requests.Response:
        headers = {"Unique-Reference-Code": uuid.uuid4().hex, **options.pop("headers", {})}
        try:
            return self._session.request(
                method, url, headers=headers, timeout=TIMEOUT, allow_redirects=False, **options
            )
        except requests.RequestException as error:
            raise PreflightError(_describe_error(error, url)) from None
        except ValueError as error:  # as of a port that is no number
            raise PreflightError(f"{url} is not a URL: {error}.") from None


def _is_healthy(response: requests.Response) -> bool:
    return response.status_code in (200, 503) and isinstance(_read_json(response).get("status"), str)


def _read_json(response: requests.Response) -> Mapping[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, Mapping) else {}


def _describe(response: requests.Response) -> str:
    media_type = response.headers.get("Content-Type", "no media type").partition(";")[0]
    location = response.headers.get("Location")
    message = _read_json(response).get("message")
    details = f"redirects to {location}" if location else message if isinstance(message, str) else media_type
    return f"{response.status_code}, {details}"


def _describe_error(error: requests.RequestException, url: str) -> str:
    host = urlsplit(url).netloc
    if isinstance(
        error, (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema, requests.exceptions.InvalidSchema)
    ):
        return f"{url} is not an HTTP URL. Pass one as https://staging.example/api."
    if isinstance(error, requests.exceptions.SSLError):
        return f"{host} has no certificate that this machine trusts: {_get_cause(error)}."
    if isinstance(error, requests.Timeout):
        return f"{host} does not respond within {TIMEOUT:.0f} s."
    return f"{host} cannot be reached: {_get_cause(error)}. Is the server running, and is the URL right?"


def _get_cause(error: BaseException) -> str:
    """Return the reason at the bottom of an error: requests and urllib3 wrap it several times."""
    while True:
        cause = getattr(error, "reason", None) or error.__cause__ or error.__context__
        if not isinstance(cause, BaseException):
            break
        error = cause
    return str(getattr(error, "strerror", None) or error).strip(". ") or type(error).__name__


def _get_series(version: str) -> tuple[str, ...]:
    """Return what stays the same in compatible versions: the major version, below 1.0 the minor one too."""
    major, minor = [*version.split("."), ""][:2]
    return (major, minor) if major == "0" else (major,)

"""What `duologue serve` prints when it has started: where it listens, and who can log in."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from duologue.contract import headers
from duologue.contract.errors import escape_for_log
from duologue_mock.origins import Origins

if TYPE_CHECKING:
    from duologue_mock.server import MockServer

_MAX_LOGIN_LINES = 2


def print_banner(mock: MockServer, *, exposed: bool = False) -> None:
    """Print at most 17 lines for people."""
    variables = Origins(mock.origin, mock.chat_origin).build_env_variables(mock.api_key)
    lines = [
        f"Duologue mock server: {mock.origin}/   (OpenAPI: {mock.origin}/openapi.json)",
        f"  Platform   {mock.base_url}",
        f"  Chat       {mock.chat_base_url}",
        f"  Socket.IO  {' and '.join(dict.fromkeys((mock.origin, mock.chat_origin)))}",
        *([] if mock.ca_file is None else [f"  HTTPS      clients have to trust {mock.ca_file}"]),
        *_format_control_api(mock, exposed),
        *_format_logins(mock),
        f"  API key    {mock.api_key}   (header {headers.API_KEY}; also {headers.REFERENCE_CODE}, {headers.USER_ID})",
        "  .env of a front end:",
        *(f"{name}={value}" for name, value in variables.items()),
    ]
    print("\n".join(lines), flush=True)


def print_json(mock: MockServer) -> None:
    """Print one JSON object, in one line, for scripts."""
    server = {
        "origin": mock.origin,
        "chat_origin": mock.chat_origin,
        "base_url": mock.base_url,
        "chat_base_url": mock.chat_base_url,
        "api_key": mock.api_key,
        "ca_file": None if mock.ca_file is None else str(mock.ca_file.absolute()),
        "control_url": mock.control_url,
        "admin_token": mock.settings.values["admin_token"],
        "logins": _list_logins(mock),
        "pid": os.getpid(),
    }
    print(json.dumps(server), flush=True)


def _format_control_api(mock: MockServer, exposed: bool) -> list[str]:
    """Return the line about the control API. Where other machines reach it, it is a warning with the token."""
    url, token = mock.control_url, mock.settings.values["admin_token"]
    access = "off" if url is None else f"{url}   (Authorization: Token {token})" if token else url
    warning = "WARNING: other machines can reach this server; no data in it is secret. " if exposed else ""
    return [f"  {warning}Control    {access}"]


def _list_logins(mock: MockServer) -> list[dict[str, str]]:
    """Return the users who have a password."""
    with mock.state as state:
        return [
            {"id": user.id, "email": user.email, "password": password, "role": user.role}
            for user in state.users
            if (password := state.users.get_password(user.id)) is not None
        ]


def _format_logins(mock: MockServer) -> list[str]:
    logins = [
        f"{login['email']} / {escape_for_log(login['password'])} ({login['role']})" for login in _list_logins(mock)
    ]
    logins = logins or ["no user has a password"]
    if len(logins) > _MAX_LOGIN_LINES:  # several on a line
        size = -(-len(logins) // _MAX_LOGIN_LINES)
        logins = [", ".join(logins[start : start + size]) for start in range(0, len(logins), size)]
    return [f"  {'Log in' if number == 0 else '':<9}  {line}" for number, line in enumerate(logins)]

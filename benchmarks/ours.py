"""How our own server is started, and how its users are created."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

from benchmarks import data
from benchmarks.process import find_free_port, send_request

# Only this module knows our command line. `{fixtures}` and the option before it are removed where the server starts
# with its built-in fixtures.
COMMAND = shlex.join([sys.executable, "-m", "duologue", "serve", "--port"]) + (
    " {port} --chat-port {chat_port} --rate-limit off --quiet --fixtures {fixtures}"
)


def build_command(template: str, port: int, fixtures: Path | None = None) -> list[str]:
    """Return the command that starts our server on `port`."""
    arguments = shlex.split(template)
    if fixtures is None and "{fixtures}" in arguments:
        index = arguments.index("{fixtures}")
        del arguments[index - 1 if arguments[index - 1].startswith("-") else index : index + 1]
    values = {"{port}": str(port), "{chat_port}": str(find_free_port()), "{fixtures}": str(fixtures)}
    for placeholder, value in values.items():
        arguments = [argument.replace(placeholder, value) for argument in arguments]
    return arguments


def write_fixtures(folder: Path, count: int) -> Path:
    """Write a fixtures folder with `count` users, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "users.json").write_text(json.dumps(data.build_users(count)))
    return folder


def create_users(port: int) -> None:
    """Create the users that the peers start with and our server, with its built-in fixtures, does not."""
    for number in range(data.FIXTURE_USERS + 1, data.USERS + 1):
        user = {key: value for key, value in data.build_user(number).items() if key != "id"}
        status, body = send_request(port, "POST", data.POST_ONE.path, json.dumps(user))
        if status != data.POST_ONE.status:
            raise RuntimeError(f"user {number} could not be created: status {status}: {body[:200]!r}")

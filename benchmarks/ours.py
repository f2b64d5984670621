"""How our own server is started and filled."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

from benchmarks import data
from benchmarks.process import free_ports, request

# The one place that knows our command line. `{fixtures}` is left out, with the option it belongs to, where the server's
# own fixtures are wanted.
COMMAND = shlex.join([sys.executable, "-m", "duologue", "serve", "--port"]) + (
    " {port} --chat-port {chat_port} --rate-limit off --quiet --fixtures {fixtures}"
)


def command(template: str, port: int, fixtures: Path | None = None) -> list[str]:
    """The words to start our server with, listening on `port`."""
    words = shlex.split(template)
    if fixtures is None and "{fixtures}" in words:
        at = words.index("{fixtures}")
        del words[at - 1 if words[at - 1].startswith("-") else at : at + 1]
    [chat_port] = free_ports(1)
    values = {"{port}": str(port), "{chat_port}": str(chat_port), "{fixtures}": str(fixtures)}
    return [_filled(word, values) for word in words]


def _filled(word: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(name, value)
    return word


def write_fixtures(folder: Path, count: int) -> Path:
    """A fixtures folder with `count` users."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "users.json").write_text(json.dumps(data.users(count)))
    return folder


def fill(port: int) -> None:
    """Create the users that the peers have from the start and ours, with its own fixtures, has not."""
    for number in range(data.OWN_FIXTURES + 1, data.USERS + 1):
        new = {key: value for key, value in data.user(number).items() if key != "id"}
        status, body = request(port, "POST", data.POST_ONE.path, json.dumps(new))
        if status != data.POST_ONE.status:
            raise RuntimeError(f"creating user {number} was answered with {status}: {body[:200]!r}")

"""The contenders, and how each is started: in production mode, with logging off, as its documentation advises.

A contender's `prepare` writes its configuration into a folder and returns the command to start it. Each start gets a
new folder, so that no server starts with what an earlier round has left.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks import data, install, ours

PEER_FILES = Path(__file__).with_name("peers")

Prepare = Callable[[Path, int], list[str]]
"""(folder to write into, port to listen on) -> command"""


@dataclass(frozen=True)
class Contender:
    """A server that is compared.

    Args:
        name: its name in tables and in `--only`.
        kind: ours, a mock server, or a bare framework.
        prepare: writes its configuration and returns its command.
        package: its npm package; empty for ours.
        runtime: the program that runs it, if it is not Python.
        create_users: creates the users after the start, given the port, if it cannot start with them.
        by_name_only: whether it takes part only if `--only` names it.
    """

    name: str
    kind: Literal["ours", "mock", "bare"]
    prepare: Prepare
    package: str = ""
    runtime: str = ""
    create_users: Callable[[int], None] | None = None
    by_name_only: bool = False

    def build_environment(self) -> dict[str, str]:
        """Return our environment; for Node servers in production mode and without checks for updates."""
        env = {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"}
        if self.kind != "ours":
            env |= {"NODE_ENV": "production", "NO_UPDATE_NOTIFIER": "1"}
            env["NODE_PATH"] = str(install.NODE_MODULES)  # where our Express script finds Express
        return env

    def get_missing_dependency(self) -> str:
        """Return why it cannot run here, or an empty string if it can. Install the peers first."""
        if self.runtime and shutil.which(self.runtime) is None:
            return f"{self.runtime} is not installed"
        if self.package and not (install.NODE_MODULES / self.package).is_dir():
            return f"npm did not install the package {self.package}"
        return ""

    @property
    def version(self) -> str:
        """The measured version; empty for ours, which is the one in this repository."""
        return install.get_version(self.package) if self.package else ""


def build_our_contender(template: str) -> Contender:
    """Return our server, started with this command line."""

    def prepare(folder: Path, port: int) -> list[str]:
        return ours.build_command(template, port)

    return Contender("ours", "ours", prepare, create_users=ours.create_users)


def _replace_placeholders(value: Any) -> Any:
    """Replace "@name" by the data of that name, and "@text:name" by its JSON text, anywhere in a configuration."""
    named = {"user": data.build_user(1), "page": data.build_first_page(), "created": data.build_user(3)}
    if isinstance(value, dict):
        return {key: _replace_placeholders(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_replace_placeholders(item) for item in value]
    if isinstance(value, str) and value.startswith("@text:"):
        return json.dumps(named[value.removeprefix("@text:")], separators=(",", ":"))
    if isinstance(value, str) and value.startswith("@"):
        return named[value.removeprefix("@")]
    return value


def _write_configuration(name: str, path: Path) -> Path:
    """Write the peer file of that name to `path`, with its placeholders replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_replace_placeholders(json.loads((PEER_FILES / name).read_text()))))
    return path


def _write_users(folder: Path) -> Path:
    path = folder / "db.json"
    path.write_text(json.dumps({"users": data.build_users()}))
    return path


def _prepare_json_server(folder: Path, port: int) -> list[str]:
    routes = _write_configuration("json-server.routes.json", folder / "routes.json")
    users = _write_users(folder)
    script = install.get_script_path("json-server", "json-server")
    command = ["node", str(script), "--host", "127.0.0.1", "--port", str(port)]
    return [*command, "--quiet", "--no-cors", "--no-gzip", "--routes", str(routes), str(users)]


def _prepare_prism(folder: Path, port: int) -> list[str]:
    document = _write_configuration("prism.json", folder / "openapi.json")
    command = ["node", str(install.get_script_path("@stoplight/prism-cli", "prism")), "mock", str(document)]
    # Multiprocess is Prism's default in production. It only moves logging to another process, starts slower, and fails
    # on some Node versions.
    quiet = ["--verboseLevel", "silent", "--cors", "false", "--multiprocess", "false"]
    return [*command, "--host", "127.0.0.1", "--port", str(port), *quiet]


def _prepare_mockoon(folder: Path, port: int) -> list[str]:
    environment = _write_configuration("mockoon.json", folder / "mockoon.json")
    command = ["node", str(install.get_script_path("@mockoon/cli", "mockoon-cli")), "start", "--data", str(environment)]
    quiet = ["--disable-log-to-file", "--disable-admin-api", "--disable-tls", "--max-transaction-logs", "1"]
    return [*command, "--hostname", "127.0.0.1", "--port", str(port), *quiet]


def _prepare_wiremock(folder: Path, port: int) -> list[str]:
    _write_configuration("wiremock.json", folder / "mappings" / "users.json")
    [jar] = (install.NODE_MODULES / "wiremock" / "build").glob("wiremock-standalone-*.jar")
    command = ["java", "-jar", str(jar), "--bind-address", "127.0.0.1", "--port", str(port), "--root-dir", str(folder)]
    quiet = ["--disable-banner", "--disable-request-logging"]
    return [*command, *quiet, "--disable-response-templating", "--disable-gzip", "--disable-extensions-scanning"]


def _prepare_wiremock_without_journal(folder: Path, port: int) -> list[str]:
    return [*_prepare_wiremock(folder, port), "--no-request-journal"]


def _prepare_express(folder: Path, port: int) -> list[str]:
    return ["node", str(PEER_FILES / "express.js"), str(port), str(_write_users(folder))]


PEERS = (
    Contender("json-server", "mock", _prepare_json_server, "json-server", "node"),
    Contender("Prism", "mock", _prepare_prism, "@stoplight/prism-cli", "node"),
    Contender("Mockoon", "mock", _prepare_mockoon, "@mockoon/cli", "node"),
    Contender("WireMock", "mock", _prepare_wiremock, "wiremock", "java"),
    Contender("WireMock-no-journal", "mock", _prepare_wiremock_without_journal, "wiremock", "java", by_name_only=True),
    Contender("Express", "bare", _prepare_express, "express", "node"),
)

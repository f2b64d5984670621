"""Who takes part, and how each is started: in production mode, with logging off, as its own documents advise.

A contender's `prepare` writes the files it reads into a folder of its own and answers with its command. The folder is
made anew for each start, so nobody begins with what an earlier round has left.
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
    """A server that takes part."""

    name: str
    kind: Literal["ours", "mock", "bare"]
    prepare: Prepare
    package: str = ""
    needs: str = ""
    fill: Callable[[int], None] | None = None
    by_name_only: bool = False
    """Takes part only where `--only` asks for it."""

    def environment(self) -> dict[str, str]:
        """Ours, plus what makes Node servers behave as in production and not look for updates of themselves."""
        env = {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"}
        if self.kind != "ours":
            env |= {"NODE_ENV": "production", "NO_UPDATE_NOTIFIER": "1"}
            env["NODE_PATH"] = str(install.CACHE / "node_modules")  # where our Express script finds its Express
        return env

    def why_missing(self) -> str:
        """Why it cannot take part here; empty if it can. Peers must have been installed first."""
        if self.needs and shutil.which(self.needs) is None:
            return f"{self.needs} is not installed"
        if self.package and not (install.CACHE / "node_modules" / self.package).is_dir():
            return f"npm did not bring the package {self.package}"
        return ""

    @property
    def version(self) -> str:
        """The version measured; empty for ours, which is the one you have here."""
        return install.version(self.package) if self.package else ""


def our_own(template: str) -> Contender:
    """Our server, started by this command line."""

    def prepare(folder: Path, port: int) -> list[str]:
        return ours.command(template, port)

    return Contender("ours", "ours", prepare, fill=ours.fill)


def _fill_in(value: Any) -> Any:
    """Replace "@name" by the data of that name, and "@text:name" by its JSON, anywhere in a peer's file."""
    named = {"user": data.user(1), "page": data.first_page(), "created": data.user(3)}
    if isinstance(value, dict):
        return {key: _fill_in(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_fill_in(each) for each in value]
    if isinstance(value, str) and value.startswith("@text:"):
        return json.dumps(named[value.removeprefix("@text:")], separators=(",", ":"))
    if isinstance(value, str) and value.startswith("@"):
        return named[value.removeprefix("@")]
    return value


def _copy(name: str, to: Path) -> Path:
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(json.dumps(_fill_in(json.loads((PEER_FILES / name).read_text()))))
    return to


def _write_users(folder: Path) -> Path:
    path = folder / "db.json"
    path.write_text(json.dumps({"users": data.users()}))
    return path


def _json_server(folder: Path, port: int) -> list[str]:
    routes = _copy("json-server.routes.json", folder / "routes.json")
    users = _write_users(folder)
    command = ["node", str(install.script("json-server", "json-server")), "--host", "127.0.0.1", "--port", str(port)]
    return [*command, "--quiet", "--no-cors", "--no-gzip", "--routes", str(routes), str(users)]


def _prism(folder: Path, port: int) -> list[str]:
    document = _copy("prism.json", folder / "openapi.json")
    command = ["node", str(install.script("@stoplight/prism-cli", "prism")), "mock", str(document)]
    # Multiprocess is Prism's default in production; it forks only to log elsewhere, starts slower, and breaks off on
    # some Node versions.
    quiet = ["--verboseLevel", "silent", "--cors", "false", "--multiprocess", "false"]
    return [*command, "--host", "127.0.0.1", "--port", str(port), *quiet]


def _mockoon(folder: Path, port: int) -> list[str]:
    environment = _copy("mockoon.json", folder / "mockoon.json")
    command = ["node", str(install.script("@mockoon/cli", "mockoon-cli")), "start", "--data", str(environment)]
    quiet = ["--disable-log-to-file", "--disable-admin-api", "--disable-tls", "--max-transaction-logs", "1"]
    return [*command, "--hostname", "127.0.0.1", "--port", str(port), *quiet]


def _wiremock(folder: Path, port: int) -> list[str]:
    _copy("wiremock.json", folder / "mappings" / "users.json")
    [jar] = (install.CACHE / "node_modules" / "wiremock" / "build").glob("wiremock-standalone-*.jar")
    command = ["java", "-jar", str(jar), "--bind-address", "127.0.0.1", "--port", str(port), "--root-dir", str(folder)]
    quiet = ["--disable-banner", "--disable-request-logging"]
    return [*command, *quiet, "--disable-response-templating", "--disable-gzip", "--disable-extensions-scanning"]


def _wiremock_without_journal(folder: Path, port: int) -> list[str]:
    return [*_wiremock(folder, port), "--no-request-journal"]


def _express(folder: Path, port: int) -> list[str]:
    return ["node", str(PEER_FILES / "express.js"), str(port), str(_write_users(folder))]


PEERS = (
    Contender("json-server", "mock", _json_server, "json-server", "node"),
    Contender("Prism", "mock", _prism, "@stoplight/prism-cli", "node"),
    Contender("Mockoon", "mock", _mockoon, "@mockoon/cli", "node"),
    Contender("WireMock", "mock", _wiremock, "wiremock", "java"),
    Contender("WireMock-no-journal", "mock", _wiremock_without_journal, "wiremock", "java", by_name_only=True),
    Contender("Express", "bare", _express, "express", "node"),
)

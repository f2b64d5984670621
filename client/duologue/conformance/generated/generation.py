"""Schemathesis as processes of its own: they work while the tests of the other rules run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from duologue.conformance.generated.journal import VARIABLE, JournalEntry, read_journal
from duologue.conformance.generated.reports import GeneratedFailure, read_failures
from duologue.conformance.target.caller import Api, Record
from duologue.conformance.target.server import Server

GENERATED = "generated.schemathesis"
"""The id of the rule that is judged by it."""
CONFIG = Path(__file__).with_name("schemathesis.toml")
PATHS = {"platform": "^/api/", "chat": "^/chats-service/"}
"""What is generated for each service."""
TIMEOUT = 900.0
"""Seconds after which Schemathesis is ended."""
GRACE = 5.0
"""Seconds in which it ends itself when it is interrupted."""


@dataclass(frozen=True)
class GenerationOptions:
    """How much is generated.

    Args:
        seed: what the cases come from.
        max_examples: random cases of each operation in each phase that has such.
        rate_limit: requests at most, as `300/m`; None for no limit.
    """

    seed: int
    max_examples: int
    rate_limit: str | None = None


class Generation:
    """Schemathesis at work against one service; `end` has to be called.

    Args:
        server: the server.
        service: `platform` or `chat`.
        options: how much is generated.
    """

    def __init__(self, server: Server, service: str, options: GenerationOptions) -> None:
        self._directory = TemporaryDirectory(prefix="duologue-")
        self._folder = Path(self._directory.name)
        self._process = self._start(server, service, options)

    def _start(self, server: Server, service: str, options: GenerationOptions) -> subprocess.Popen[bytes]:
        variables = {"DUOLOGUE_API_KEY": server.api_key, VARIABLE: "journal.jsonl"}
        token = server.administrators.get_token() if server.administrators else None
        variables |= {"DUOLOGUE_CREATOR_TOKEN": token} if token else {}
        origin = server.platform_origin if service == "platform" else server.chat_origin
        with (self._folder / "output").open("wb") as output:
            return subprocess.Popen(  # noqa: S603 - our own command
                build_command(origin, PATHS[service], options),
                cwd=self._folder,
                env={**os.environ, **variables},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait(self) -> int:
        """Return its exit status.

        Raises:
            TimeoutError: it does not end.
        """
        try:
            return self._process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"Schemathesis did not end within {TIMEOUT:g} seconds.") from None

    def read_failures(self) -> list[GeneratedFailure]:
        """Return what failed."""
        return read_failures(self._folder / "junit.xml")

    def read_output(self) -> str:
        """Return the end of what it printed."""
        return (self._folder / "output").read_text("utf-8", "replace")[-8000:]

    def end(self, server: Server) -> None:
        """End it if it still works, and have what it created deleted when `server` is closed."""
        self._stop()
        _take_over(self._folder / "journal.jsonl", server, server.record)
        self._directory.cleanup()

    def _stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _take_over(journal: Path, server: Server, record: Record) -> None:
    for entry in read_journal(journal):
        record.generated.append((entry.method, entry.path, entry.status))
        if entry.created:
            record.created.append((_find_owner(server, entry), entry.created))


def _find_owner(server: Server, entry: JournalEntry) -> Api:
    return server.platform if str(entry.created).startswith("/users/") else server.chat.as_user(entry.user_id)


def build_command(url: str, paths: str, options: GenerationOptions) -> list[str]:
    """Return the command line of Schemathesis."""
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)]
    command += ["run", f"{url}/openapi.json", "--url", url, "--checks", "all", "--include-path-regex", paths]
    command += ["--max-examples", str(options.max_examples), "--seed", str(options.seed), "--continue-on-failure"]
    command += ["--report", "junit", "--report-junit-path", "junit.xml"]
    return command + (["--rate-limit", options.rate_limit] if options.rate_limit else [])


class Generations:
    """The Schemathesis of a run: started with it, or when its results are wanted.

    Args:
        options: how much is generated.
    """

    def __init__(self, options: GenerationOptions) -> None:
        self._options = options
        self._running: dict[str, Generation] = {}

    def start(self, server: Server, service: str) -> None:
        """Start it against a service unless it runs."""
        if service not in self._running:
            self._running[service] = Generation(server, service, self._options)

    def take(self, server: Server, service: str) -> Generation:
        """Return it for the caller to end."""
        self.start(server, service)
        return self._running.pop(service)

    def end(self, server: Server) -> None:
        """End what is still running because no test has taken it: the run ends early."""
        while self._running:
            self._running.popitem()[1].end(server)

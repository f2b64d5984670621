"""Running `duologue mock …` in this process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from click.testing import CliRunner

from duologue_mock.cli.mock.group import mock


class Commands:
    """Runs commands with some environment variables."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = dict(environ)

    def run(self, *words: str) -> str:
        """Run a command that succeeds; return what it prints."""
        status, out, err = self.try_to_run(*words)
        assert (status, err) == (0, ""), (status, out, err)
        return out

    def read(self, *words: str) -> Any:
        """Run a command that succeeds with `--json`; return what it prints."""
        return json.loads(self.run(*words, "--json"))

    def fail(self, *words: str) -> tuple[int, str]:
        """Run a command that fails; return its exit code and what it says on standard error."""
        status, out, err = self.try_to_run(*words)
        assert status != 0
        assert out == ""
        assert "Traceback" not in err
        return status, err

    def try_to_run(self, *words: str) -> tuple[int, str, str]:
        """Run a command; return its exit code and its outputs."""
        result = CliRunner(env={**self._environ, "COLUMNS": "200"}).invoke(mock, words, prog_name="duologue mock")
        return result.exit_code, result.stdout, result.stderr

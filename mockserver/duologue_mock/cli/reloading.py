"""`duologue serve --watch`: what happens when a file that the mock was started with changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from duologue_mock.cli.file_watcher import FileWatcher
from duologue_mock.settings import SETTINGS, MockSettings

if TYPE_CHECKING:
    from duologue_mock.server import MockServer

INTERVAL = 0.5
"""Seconds between two looks at the files."""
_FOLDERS = ("fixtures", "mappings", "presets")
_FIXED = frozenset(
    {
        "port", "chat_port", "host", "https", "ca_file", "ca_key_file", "certificate", "certificate_key",
        "read_timeout", "idle_timeout", "shutdown_timeout", "watch", "quiet",
    }
)  # fmt: skip
"""Options that only a restart changes."""


class Reloader:
    """Starts a mock over when its files change. Data that is not valid is reported, and the mock stays as it is.

    Args:
        mock: the mock, which is running.
        options: all options it was started with, by name.
        config: its configuration file; None if there is none.
        read_options: reads the options once more, as the configuration file is now.
        report: takes a sentence for the user.
    """

    def __init__(
        self,
        mock: MockServer,
        options: Mapping[str, Any],
        *,
        config: Path | None,
        read_options: Callable[[], Mapping[str, Any]],
        report: Callable[[str], None],
    ) -> None:
        self._mock = mock
        self._options = dict(options)
        self._config = config
        self._read_options = read_options
        self._report = report
        self._watcher = self._create_watcher()

    def check(self) -> None:
        """Look at the files, and start over if some have changed."""
        changed = self._watcher.poll()
        if not changed:
            return
        names = ", ".join(Path(path).name for path in changed[:3]) + (", …" if len(changed) > 3 else "")
        try:
            self._reload()
        except click.ClickException as error:
            self._report(f"{error.format_message()} The mock stays as it was.")
        except (ValueError, OSError) as error:  # `FixtureError` is a `ValueError`
            self._report(f"{error} The mock stays as it was.")
        else:
            self._report(f"Started over: {names} changed.")

    def _reload(self) -> None:
        options = dict(self._read_options())
        for name in sorted(_FIXED):
            if options.get(name) != self._options.get(name):
                self._report(f"{name} has changed. Restart the mock to apply it.")
                options[name] = self._options.get(name)
        settings = {name: value for name, value in options.items() if name in SETTINGS and name not in _FIXED}
        self._mock.reload(**cast("MockSettings", settings))
        self._options = options
        if self._config is not None:
            self._watcher = self._create_watcher()  # it may name other folders

    def _create_watcher(self) -> FileWatcher:
        folders = [Path(self._options[name]) for name in _FOLDERS if self._options.get(name) is not None]
        return FileWatcher([*folders, *([] if self._config is None else [self._config])])

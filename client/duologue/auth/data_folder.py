"""The folder where programs of this user keep what they share: the tokens of a login, the anonymous user id."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "DUOLOGUE_DATA_DIR"
"""The environment variable that names another folder."""


def data_folder(environ: Mapping[str, str]) -> Path | None:
    """Return the data folder of this user, None if there is none.

    `DUOLOGUE_DATA_DIR` if it is set; else `duologue` in `%APPDATA%` on Windows, in `~/Library/Application Support` on
    macOS, and in `$XDG_DATA_HOME`, by default `~/.local/share`, elsewhere.

    Args:
        environ: the environment variables.
    """
    if environ.get(VARIABLE):
        return Path(environ[VARIABLE])
    try:
        return _platform_folder(environ) / "duologue"
    except RuntimeError:  # no home directory
        return None


def _platform_folder(environ: Mapping[str, str]) -> Path:
    if sys.platform == "win32":
        return Path(environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")

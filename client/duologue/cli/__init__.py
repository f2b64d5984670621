"""The `duologue` command. Its subcommands are entry points; this module imports nothing that only one of them needs."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; without click, print how to install it."""
    try:
        from duologue.cli.command_group import commands
    except ModuleNotFoundError as missing:
        if missing.name != "click":
            raise
        sys.stderr.write("The duologue command needs click: pip install 'duologue[cli]'\n")
        sys.exit(2)
    commands(prog_name="duologue")

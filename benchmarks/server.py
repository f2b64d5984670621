"""Measure our mock server beside its peers: `python -m benchmarks.server`, or `python benchmarks/server.py`."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> int:
    """Run the benchmark, whichever way this file was called."""
    if not __package__:  # called by its path: Python then looks beside this file for `benchmarks`, not above it
        sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from benchmarks.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())

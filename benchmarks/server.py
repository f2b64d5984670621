"""Compare our mock server with its peers: `python -m benchmarks.server`, or `python benchmarks/server.py`."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> int:
    """Run the benchmark, whether this file is started as a module or as a script."""
    if not __package__:  # a script: Python then searches for `benchmarks` next to this file, not above it
        sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from benchmarks.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())

"""Running the real TanStack Query under Node."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TIMEOUT = 60


def play(node: str, scenarios: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return TanStack Query's traces of scenarios: for each its steps, and the difference that ended it, if any."""
    process = subprocess.run(
        [node, "driver.mjs"],
        cwd=HERE,
        input=json.dumps(scenarios),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    traces: list[dict[str, Any]] = json.loads(process.stdout)
    return traces

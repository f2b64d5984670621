"""The recorded answers of the real WireMock, in `golden/`. `python -m tests.wiremock.records` records them anew."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from pathlib import Path

from duologue_mock import MockServer
from tests.wiremock import differences
from tests.wiremock.compare import simplify_all
from tests.wiremock.corpus import CASES, FILES
from tests.wiremock.normalize import Answer
from tests.wiremock.run import run_case
from tests.wiremock.server import start

GOLDEN = Path(__file__).parent / "golden"


def load(name: str) -> dict[str, list[Answer]]:
    """Return the recorded answers of a file's cases, by their ids."""
    recorded: dict[str, list[Answer]] = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))
    return recorded


def load_ours() -> dict[str, list[Answer]]:
    """Return what the mock answers to the cases that are listed as differences, by their ids."""
    recorded: dict[str, list[Answer]] = json.loads((GOLDEN / "differences.json").read_text("utf-8"))
    return recorded


def record_differences() -> None:
    """Write down what the mock answers to the cases that are listed as differences."""
    with MockServer(rate_limit=None) as mock:
        port = int(mock.origin.rpartition(":")[2])
        answers = {case.id: run_case(port, case) for case in CASES if differences.find(case) is not None}
    simplified = {case.id: simplify_all(case, answers[case.id]) for case in CASES if case.id in answers}
    (GOLDEN / "differences.json").write_text(_format(simplified), "utf-8")


def record(port: int, names: list[str]) -> None:
    """Write down what a server answers to the cases of some files."""
    GOLDEN.mkdir(exist_ok=True)
    for name in names:
        answers = {case.id: run_case(port, case) for case in FILES[name]}
        (GOLDEN / f"{name}.json").write_text(_format(answers), "utf-8")


def _format(answers: dict[str, list[Answer]]) -> str:
    """Return JSON that reads well in a diff: a line for each answer, or for each case whose answers are words."""
    return "{\n" + ",\n".join(f"{json.dumps(id)}: {_format_case(steps)}" for id, steps in answers.items()) + "\n}\n"


def _format_case(answers: list[Answer]) -> str:
    lines = [json.dumps(answer, sort_keys=True) for answer in answers]
    if any(isinstance(answer, dict) for answer in answers[1:]):
        return "[\n  " + ",\n  ".join(lines) + "\n]"
    return f"[\n  {lines[0]},\n  {', '.join(lines[1:])}\n]" if lines[1:] else f"[\n  {lines[0]}\n]"


def main() -> None:
    """Record the answers of the files that the command line names, or of all; `differences` are the mock's."""
    names = sys.argv[1:] or list(FILES)
    if names == ["differences"]:
        record_differences()
        return
    with tempfile.TemporaryDirectory() as folder:
        port, pid = start(Path(folder))
        try:
            record(port, names)
        finally:
            os.kill(pid, signal.SIGTERM)


if __name__ == "__main__":
    main()

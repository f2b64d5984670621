"""How good the tests are: change the code, and see whether a test fails. `python -m benchmarks.mutation [NAME …]`.

mutmut makes the changes, in a copy of the project. Each group of modules is tested by the tests that are its own; a
large one takes hours, so that one module of it can be named, as `query:cache`. What survives is shown.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "mutation"
TARGET = 90  # percent of the changes that are to be noticed
TIMEOUT = {"timeout_constant": 2, "timeout_multiplier": 5}  # (seconds of the tests + 2) * 5, else they hang

RESOURCE_QUERIES = ["test_resource_queries.py", "test_realtime_sync.py"]

GROUPS: dict[str, tuple[list[str], list[str]]] = {
    "retry": (
        ["duologue/http/retry.py"],
        ["tests/client/http/test_retry.py", "tests/client/http/test_calls.py", "tests/client/faults/test_statuses.py"],
    ),
    "framing": (["duologue/http/framing.py"], ["tests/client/http/test_framing.py"]),
    "sse": (["duologue/http/sse.py"], ["tests/client/http/test_sse.py"]),
    "adapter": (
        ["duologue/http/adapter.py", "duologue/http/pool.py"],
        [
            *("tests/client/http/test_policy_retry.py", "tests/client/http/test_pool.py"),
            *("tests/client/http/test_transport.py", "tests/client/faults/test_plain_session.py"),
            *("tests/client/faults/test_proxies.py", "tests/client/faults/test_connections.py"),
            *("tests/client/faults/test_tls.py", "tests/client/faults/test_deadlines.py"),
            "tests/client/faults/test_lifetime.py",
        ],
    ),
    "tokens": (["duologue/auth/token*.py"], ["tests/client/auth"]),
    "query": (
        ["duologue/query/*.py"],
        ["tests/query", *(f"--ignore=tests/query/{name}" for name in ("compat", "differential", *RESOURCE_QUERIES))],
    ),
    "resource-queries": (
        ["duologue/query/resource_queries/*.py"],
        [f"tests/query/{name}" for name in RESOURCE_QUERIES],
    ),
    "idempotency": (
        ["duologue_mock/http/idempotency.py"],
        ["tests/mockserver/http/test_idempotency.py", "tests/mockserver/http/test_dispatch.py"],
    ),
    "preconditions": (["duologue_mock/http/preconditions.py"], ["tests/mockserver/http/test_preconditions.py"]),
    "authentication": (
        ["duologue_mock/http/authentication.py", "duologue_mock/tokens.py"],
        [
            *("tests/mockserver/http/test_authentication.py", "tests/mockserver/test_tokens.py"),
            "tests/mockserver/handlers/test_auth.py",
        ],
    ),
    "cors": (["duologue_mock/http/cors.py"], ["tests/mockserver/http/test_cors.py"]),
    "store": (["duologue_mock/store/*.py"], ["tests/mockserver/store"]),
    "strict-json": (
        ["duologue/contract/strict_json.py"],
        ["tests/client/contract/test_strict_json.py", "tests/mockserver/http/test_parsing.py"],
    ),
    "redaction": (
        ["duologue/observability/redaction.py"],
        ["tests/client/observability/test_redaction.py", "tests/client/observability/test_secrets.py"],
    ),
}
"""Modules in which a mistake hurts most, and their tests."""

PROCESS_TESTS = {"query": ["tests/forks", "-k", "query_layer"]}
"""Tests that run the modules in a process of its own, which mutmut does not see: for what the others do not notice."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Test the groups, print a line for each and what survived; return 1 if `--enforce` was given and one misses."""
    parser = argparse.ArgumentParser(prog="benchmarks.mutation", description=__doc__)
    parser.add_argument(
        "groups", nargs="*", metavar="NAME[:MODULE]", help=f"only these, or one module of one: {', '.join(GROUPS)}"
    )
    parser.add_argument("--children", type=int, default=2, metavar="N", help="test N changes at a time (2)")
    parser.add_argument("--enforce", action="store_true", help=f"exit with 1 unless {TARGET} % are noticed in each")
    options = parser.parse_args(arguments)
    for name in options.groups:
        if not find_modules(name):
            parser.error(f"{name!r} has no modules; choose from {', '.join(GROUPS)}, or one module, as query:cache")
    scores = [test_group(name, options.children) for name in options.groups or GROUPS]
    return 1 if options.enforce and min(scores) < TARGET else 0


def test_group(name: str, children: int) -> float:
    """Test the changes of a group, print the result, and return how many percent were noticed."""
    group = name.partition(":")[0]
    copy_project(find_modules(name), GROUPS[group][1])
    check_selection(run_mutmut("run", "--max-children", str(children)))
    lines = [
        line.strip().rpartition(": ") for line in run_mutmut("results", "--all", "true").splitlines() if ": " in line
    ]
    statuses = Counter(status for _, _, status in lines)
    survivors = [mutant for mutant, _, status in lines if status in ("survived", "no tests")]
    if group in PROCESS_TESTS:
        survivors = find_survivors(survivors, PROCESS_TESTS[group])
    total = sum(statuses.values())
    score = 100 * (total - len(survivors)) / total if total else 0.0
    print(f"{name:20} {score:5.1f} % of {total:4} changes noticed  {dict(statuses)}", flush=True)
    for mutant in survivors:
        print(run_mutmut("show", mutant), flush=True)
    return score


def find_survivors(mutants: Sequence[str], tests: Sequence[str]) -> list[str]:
    """Return the changes that pytest does not notice where a process of its own is told which one to use."""
    folder = FOLDER / "mutants"
    options = ["-q", "-x", "-p", "no:cacheprovider", "--confcutdir=tests"]
    command = [sys.executable, "-m", "pytest", *options, *tests]

    def passes(mutant: str) -> bool:
        environment = {**os.environ, "PYTHONPATH": str(folder / "src"), "MUTANT_UNDER_TEST": mutant}
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False).returncode == 0

    if not passes(""):
        raise SystemExit(f"without a change these fail: {' '.join(tests)}")
    return [mutant for mutant in mutants if passes(mutant)]


def find_modules(name: str) -> list[str]:
    """Return the files of a group, or of the module that a name such as `query:cache` adds; none if it is unknown."""
    group, _, module = name.partition(":")
    patterns, _ = GROUPS.get(group, ([], []))
    paths = (path for root in ("client", "mockserver") for path in (ROOT / root).rglob(f"{module or '*'}.py"))
    files = sorted(str(Path(*path.relative_to(ROOT).parts[1:])) for path in paths)
    return [file for file in files if any(Path(file).match(pattern) for pattern in patterns)]


def check_selection(output: str) -> None:
    """Check that pytest ran the tests: mutmut counts a change as noticed where pytest cannot find a test by its id."""
    missing = sorted(set(re.findall(r"^ERROR: not found: (.*)$", output, re.MULTILINE)))
    if missing:
        raise SystemExit("pytest cannot select these tests; give them plain ids:\n" + "\n".join(missing))


def copy_project(modules: Sequence[str], tests: Sequence[str]) -> None:
    """Copy the project as mutmut wants it: with all packages in `src`."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    ignored = shutil.ignore_patterns("node_modules", "__pycache__")
    for source, copy in {
        "client/duologue": "src/duologue",
        "mockserver/duologue_mock": "src/duologue_mock",
        "fixtures": "src/duologue_mock/fixtures",
        "tests": "tests",
    }.items():
        shutil.copytree(ROOT / source, FOLDER / copy, ignore=ignored)
    for folder in ("fixtures", "docs"):
        shutil.copytree(ROOT / folder, FOLDER / folder, ignore=ignored)
    (FOLDER / "setup.cfg").write_text(build_configuration(modules, tests))
    shutil.copy(Path(__file__).with_name("mutation_conftest.py"), FOLDER / "conftest.py")


def build_configuration(modules: Sequence[str], tests: Sequence[str]) -> str:
    """Return the configuration of pytest and mutmut."""
    original = (ROOT / "setup.cfg").read_text("utf-8")
    pytest_section = original[original.index("[tool:pytest]") :].partition("\n\n")[0]
    options = {
        "source_paths": ["src"],
        "only_mutate": [f"src/{module}" for module in modules],
        "pytest_add_cli_args_test_selection": tests,
        "pytest_add_cli_args": ["-p", "no:cacheprovider"],
        "also_copy": ["fixtures", "docs", "conftest.py"],
    }
    lines = [f"{name} =\n" + "".join(f"    {value}\n" for value in values) for name, values in options.items()]
    lines += [f"{name} = {value}\n" for name, value in TIMEOUT.items()]
    return f"{pytest_section}\n\n[mutmut]\n{''.join(lines)}debug = true\n"  # print what pytest prints


def run_mutmut(*arguments: str) -> str:
    """Run mutmut in the copy, and return what it prints."""
    command = [str(Path(sys.executable).with_name("mutmut")), *arguments]
    process = subprocess.run(
        command, cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if process.returncode != 0:
        raise SystemExit(f"mutmut failed:\n{process.stdout[-6000:]}")
    return process.stdout


if __name__ == "__main__":
    sys.exit(main())

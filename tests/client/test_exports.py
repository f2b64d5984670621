"""What importing `duologue` loads."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import duologue


def get_loaded_modules(statement: str) -> set[str]:
    """Return the top-level modules that a new Python process has loaded after a statement."""
    script = (
        f"{statement}\nimport sys, json; print(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("name", duologue.__all__)
def test_dir(name: str) -> None:
    assert name in dir(duologue)


def test_unknown_import() -> None:
    with pytest.raises(ImportError):
        from duologue import nothing_like_it  # noqa: F401


def test_package_is_light() -> None:
    loaded = get_loaded_modules("import duologue")
    assert not loaded & {"requests", "urllib3", "marshmallow", "socketio", "rich", "click", "flask", "gevent"}


def test_client_needs_no_extra() -> None:
    loaded = get_loaded_modules("from duologue import Client; Client().close()")
    assert loaded >= {"requests", "urllib3", "marshmallow"}
    assert not loaded & {"socketio", "engineio", "websocket", "rich", "click", "flask", "gevent", "duologue_mock"}


def test_options_need_no_client() -> None:
    """The command line reads the options for its help."""
    assert not get_loaded_modules("from duologue.config import OPTIONS") & {"requests", "urllib3"}

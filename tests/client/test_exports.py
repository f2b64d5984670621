"""What can be imported from `duologue`, and what importing it costs."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import duologue


def modules_after(statement: str) -> set[str]:
    """Return the top-level modules that a fresh Python has loaded after a statement."""
    script = (
        f"{statement}\nimport sys, json; print(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("name", duologue.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(duologue, name) is not None
    assert name in dir(duologue)


def test_the_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(duologue.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname or alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert seen | {"__version__"} == set(duologue.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Clientt'"):
        _ = duologue.Clientt
    with pytest.raises(ImportError):
        from duologue import nothing_like_it  # noqa: F401


def test_everything_can_be_imported_at_once() -> None:
    found: dict[str, object] = {}
    exec("from duologue import *", found)
    assert set(duologue.__all__) <= found.keys()


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = modules_after("import duologue")
    assert not loaded & {"requests", "urllib3", "marshmallow", "socketio", "rich", "click", "flask", "gevent"}


def test_the_client_needs_requests_urllib3_and_marshmallow_only() -> None:
    loaded = modules_after("from duologue import Client; Client().close()")
    assert loaded >= {"requests", "urllib3", "marshmallow"}
    assert not loaded & {"socketio", "engineio", "websocket", "rich", "click", "flask", "gevent", "duologue_mock"}


def test_without_the_extra_real_time_says_what_is_missing() -> None:
    script = (
        "import sys; sys.modules['socketio'] = None\n"
        "from duologue import Client\n"
        "try:\n    Client().realtime\nexcept ImportError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "Realtime needs socketio: pip install 'duologue[realtime]'\n"

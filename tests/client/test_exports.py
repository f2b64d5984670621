"""What can be imported from `duologue`, and what importing it costs."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import duologue
from duologue.contract import resource_names


def list_modules_after(statement: str) -> set[str]:
    """Return the modules that a fresh Python has loaded after a statement."""
    script = f"{statement}\nimport sys, json; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def list_packages_after(statement: str) -> set[str]:
    """Return the top-level modules and packages that a fresh Python has loaded after a statement."""
    return {name.partition(".")[0] for name in list_modules_after(statement)}


@pytest.mark.parametrize("name", duologue.__all__)
def test_public_name(name: str) -> None:
    assert getattr(duologue, name) is not None
    assert name in dir(duologue)


def test_names_for_type_checkers() -> None:
    tree = ast.parse(Path(duologue.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imported = {
        alias.asname or alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert imported | {"__version__"} == set(duologue.__all__)


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Clientt'"):
        _ = duologue.Clientt
    with pytest.raises(ImportError):
        from duologue import nothing_like_it  # noqa: F401


def test_import_star() -> None:
    names: dict[str, object] = {}
    exec("from duologue import *", names)
    assert set(duologue.__all__) <= names.keys()


def test_import_package() -> None:
    loaded = list_packages_after("import duologue")
    assert not loaded & {"requests", "urllib3", "marshmallow", "socketio", "rich", "click", "flask", "gevent"}


def test_import_client() -> None:
    loaded = list_packages_after("from duologue import Client; Client().close()")
    assert loaded >= {"requests", "urllib3", "marshmallow"}
    assert not loaded & {"socketio", "engineio", "websocket", "rich", "click", "flask", "gevent", "duologue_mock"}


def test_missing_extra() -> None:
    script = (
        "import sys; sys.modules['socketio'] = None\n"
        "from duologue import Client\n"
        "try:\n    Client().realtime\nexcept ImportError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "Realtime needs socketio: pip install 'duologue[realtime]'\n"


def test_resources_on_first_use() -> None:
    """Models and schemas are most of what importing the client costs: those that are not used are not built."""
    unused = {f"duologue.{folder}.{name}" for folder in ("contract", "resources") for name in resource_names()}
    assert not list_modules_after("from duologue import Client; Client().close()") & unused
    loaded = list_modules_after("from duologue import Client; Client().users")
    assert loaded & unused == {"duologue.contract.users", "duologue.resources.users"}


def test_schemas_on_first_use() -> None:
    script = (
        "from duologue.contract import users\n"
        "assert 'response' not in vars(users.GET)\n"
        "assert users.GET.response is users.GET.response\n"
        "print(type(vars(users.GET)['response']).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "UserSchema\n"

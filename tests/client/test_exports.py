"""What importing `duologue` loads."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import duologue
from duologue.contract import RESOURCES


def list_modules_after(statement: str) -> set[str]:
    """Return the modules that a fresh Python has loaded after a statement."""
    script = f"{statement}\nimport sys, json; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def list_packages_after(statement: str) -> set[str]:
    """Return the top-level modules and packages that a fresh Python has loaded after a statement."""
    return {name.partition(".")[0] for name in list_modules_after(statement)}


@pytest.mark.parametrize("name", duologue.__all__)
def test_dir(name: str) -> None:
    assert name in dir(duologue)


def test_unknown_import() -> None:
    with pytest.raises(ImportError):
        from duologue import nothing_like_it  # type: ignore[attr-defined]  # noqa: F401  # there is none


def test_package_is_light() -> None:
    loaded = list_packages_after("import duologue")
    assert not loaded & {"requests", "urllib3", "marshmallow", "socketio", "rich", "click", "flask", "gevent"}


def test_client_needs_no_extra() -> None:
    loaded = list_packages_after("from duologue import Client; Client().close()")
    assert loaded >= {"requests", "urllib3", "marshmallow"}
    assert not loaded & {"socketio", "engineio", "websocket", "rich", "click", "flask", "gevent", "duologue_mock"}


def test_options_need_no_client() -> None:
    """The command line reads the options for its help."""
    assert not list_packages_after("from duologue.config import OPTIONS") & {"requests", "urllib3"}


def test_resources_on_first_use() -> None:
    """Models and schemas are most of what importing the client costs: those that are not used are not built."""
    unused = {f"duologue.{folder}.{name}" for folder in ("contract", "resources") for name in RESOURCES}
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

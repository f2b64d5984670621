"""The public names of the packages: all can be imported, are typed, and have a docstring."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_origin

import pytest

import duologue
import duologue.contract
import duologue_mock

pytestmark = pytest.mark.slow

PACKAGES: list[ModuleType] = [duologue, duologue.contract, duologue_mock]

each_package = pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
each_export = pytest.mark.parametrize(
    ("package", "name"), [(package, name) for package in PACKAGES for name in package.__all__]
)


@each_package
def test_order(package: ModuleType) -> None:
    names = list(package.__all__)
    assert len(set(names)) == len(names)
    constants = [name for name in names if name.isupper()]
    classes = [name for name in names if not name.isupper() and name[0].isupper()]
    others = [name for name in names if name not in constants and name not in classes]
    assert names == [*sorted(constants), *sorted(classes), *sorted(others)]


@each_export
def test_import(package: ModuleType, name: str) -> None:
    assert getattr(package, name) is not None


@each_package
def test_nothing_missing(package: ModuleType) -> None:
    """Whatever is at the top of the package without an underscore is exported, unless it is a module."""
    for name in package.__all__:
        getattr(package, name)
    ours = {
        name
        for name, value in vars(package).items()
        if not name.startswith("_")
        and not inspect.ismodule(value)
        and getattr(value, "__module__", "").partition(".")[0] in ("duologue", "duologue_mock")
    }
    assert ours <= set(package.__all__)


@each_package
def test_typed_exports(package: ModuleType) -> None:
    """A type checker sees the same names, imported from the modules that have them; `as` exports them."""
    stub = Path(inspect.getsourcefile(package) or "").with_suffix(".pyi")
    tree = ast.parse(stub.read_text("utf-8") if stub.exists() else inspect.getsource(package))
    imports = [
        (node.module, alias.name, alias.asname)
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("duologue")
        for alias in node.names
    ]
    assert {name for _, name, _ in imports} == set(package.__all__)
    if stub.exists():
        assert [alias for _, _, alias in imports] == [name for _, name, _ in imports]


@each_export
def test_docstring(package: ModuleType, name: str) -> None:
    value = getattr(package, name)
    if name == "__version__" or not (inspect.isclass(value) or inspect.isfunction(value)):
        return  # a constant or an alias of a type has no docstring; its module explains it
    doc = (value.__doc__ or "").strip()
    assert doc, f"{name} has no docstring"
    assert doc.splitlines()[0].rstrip().endswith((".", ":", ";", ",")) or len(doc.splitlines()) > 1
    assert not doc.startswith(f"{name}("), f"the docstring of {name} is the signature that dataclass writes"


@each_export
def test_docstrings_of_members(package: ModuleType, name: str) -> None:
    value = getattr(package, name)
    if not inspect.isclass(value) or issubclass(value, BaseException):
        return
    undocumented = [
        f"{name}.{member}"
        for member, each in vars(value).items()
        if not member.startswith("_") and _is_callable_or_property(each) and not inspect.getdoc(getattr(value, member))
    ]
    assert undocumented == []


def _is_callable_or_property(each: Any) -> bool:
    return inspect.isfunction(each) or isinstance(each, property | classmethod | staticmethod)


@each_package
def test_package_docstring(package: ModuleType) -> None:
    assert (package.__doc__ or "").strip()


@each_package
def test_unknown_name(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        package.no_such_name  # noqa: B018  # looking is the test


@each_package
def test_star_import(package: ModuleType) -> None:
    names: dict[str, object] = {}
    exec(f"from {package.__name__} import *", names)
    assert set(names) - {"__builtins__"} == set(package.__all__)


@each_package
def test_import_order(package: ModuleType) -> None:
    """Each name can be imported before the others: here in reverse, in a new process."""
    lines = [f"from {package.__name__} import {name}" for name in reversed(package.__all__)]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(lines)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


MISSING = """
import sys
sys.modules[{module!r}] = None
try:
    {statement}
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("module", "statement", "message"),
    [
        ("flask", "from duologue_mock import MockServer", "duologue_mock needs flask: pip install 'duologue[mock]'"),
        ("flask", "from duologue_mock import create_app", "duologue_mock needs flask: pip install 'duologue[mock]'"),
        ("socketio", "import duologue; duologue.Client().realtime", "socketio: pip install 'duologue[realtime]'"),
        ("duologue_mock.app", "from duologue_mock import create_app", "import of duologue_mock.app halted"),
    ],
)
def test_extra_missing(module: str, statement: str, message: str) -> None:
    script = MISSING.format(module=module, statement=statement)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert message in done.stdout


def test_version() -> None:
    assert duologue.__version__ == version("duologue")


def test_type_aliases() -> None:
    """`Role` and `Sender`, where they are exported, are literals of text."""
    for package in PACKAGES:
        for name in package.__all__:
            value = getattr(package, name)
            if get_origin(value) is not None:
                assert all(isinstance(each, str) for each in get_args(value))

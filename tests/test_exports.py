"""What the two packages offer by name: all of it there, and all of it explained."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from importlib.metadata import version
from types import ModuleType
from typing import Any, get_args, get_origin

import pytest

import duologue
import duologue.contract
import duologue_mock

PACKAGES: list[ModuleType] = [duologue, duologue.contract, duologue_mock]

by_name = pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
each_export = pytest.mark.parametrize(
    ("package", "name"), [(package, name) for package in PACKAGES for name in package.__all__]
)


@by_name
def test_the_list_is_in_order_and_says_each_name_once(package: ModuleType) -> None:
    names = list(package.__all__)
    assert len(set(names)) == len(names)
    constants = [name for name in names if name.isupper()]
    classes = [name for name in names if not name.isupper() and name[0].isupper()]
    others = [name for name in names if name not in constants and name not in classes]
    assert names == [*sorted(constants), *sorted(classes), *sorted(others)]


@each_export
def test_every_name_can_be_imported(package: ModuleType, name: str) -> None:
    assert getattr(package, name) is not None


@by_name
def test_nothing_public_is_missing_from_the_list(package: ModuleType) -> None:
    """Whatever is at the top of the package without an underscore is offered, unless it is a module."""
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


@by_name
def test_the_list_is_what_a_type_checker_sees(package: ModuleType) -> None:
    """The names imported under `TYPE_CHECKING` are those of the list: a lazy name is typed like any other."""
    tree = ast.parse(inspect.getsource(package))
    seen = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("duologue")
        for alias in node.names
    }
    assert set(package.__all__) <= seen | {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@each_export
def test_every_name_is_explained(package: ModuleType, name: str) -> None:
    value = getattr(package, name)
    if name == "__version__" or not (inspect.isclass(value) or inspect.isfunction(value)):
        return  # a constant or an alias of a type has no docstring; its module explains it
    said = (value.__doc__ or "").strip()
    assert said, f"{name} has no docstring"
    assert said.splitlines()[0].rstrip().endswith((".", ":", ";", ",")) or len(said.splitlines()) > 1
    assert not said.startswith(f"{name}("), f"the docstring of {name} is only what dataclass made"


@each_export
def test_what_a_public_class_offers_is_explained(package: ModuleType, name: str) -> None:
    value = getattr(package, name)
    if not inspect.isclass(value) or issubclass(value, BaseException):
        return
    silent = [
        f"{name}.{member}"
        for member, each in vars(value).items()
        if not member.startswith("_") and _is_callable_or_property(each) and not inspect.getdoc(getattr(value, member))
    ]
    assert silent == []


def _is_callable_or_property(each: Any) -> bool:
    return inspect.isfunction(each) or isinstance(each, property | classmethod | staticmethod)


@by_name
def test_the_package_itself_is_explained(package: ModuleType) -> None:
    assert (package.__doc__ or "").strip()


@by_name
def test_an_unknown_name_is_an_attribute_error(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        package.no_such_name  # noqa: B018  # looking is the test


@by_name
def test_a_star_import_brings_the_list(package: ModuleType) -> None:
    names: dict[str, object] = {}
    exec(f"from {package.__name__} import *", names)
    assert set(names) - {"__builtins__"} == set(package.__all__)


@by_name
def test_each_name_can_be_the_first_thing_imported(package: ModuleType) -> None:
    """In a process of its own for the package; names are taken in reverse, so that none leans on the one before."""
    lines = [f"from {package.__name__} import {name}" for name in reversed(package.__all__)]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(lines)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_version_is_one_and_the_same() -> None:
    assert duologue.__version__ == version("duologue")


def test_aliases_of_types_are_types() -> None:
    """`Role` and `Sender`, where they are offered, are literals of text."""
    for package in PACKAGES:
        for name in package.__all__:
            value = getattr(package, name)
            if get_origin(value) is not None:
                assert all(isinstance(each, str) for each in get_args(value))

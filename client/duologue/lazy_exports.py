"""Public names that are loaded when they are first used. A package's stub is the one list of them."""

from __future__ import annotations

import sys
from pathlib import PurePath


def read_stub(package: str) -> dict[str, str]:
    """Return the public names of a package, each with the module that has it, from its `__init__.pyi`.

    The stub has one line for each, `from duologue.client import Client as Client`, so that type checkers see them too.

    Args:
        package: the name of the package, which is being imported.
    """
    module = sys.modules[package]
    assert module.__spec__ is not None
    stub = PurePath(module.__path__[0]) / "__init__.pyi"
    text: bytes = module.__spec__.loader.get_data(str(stub))  # type: ignore[union-attr]  # a file, or a ZIP archive
    imports = [line.split() for line in text.decode("utf-8").splitlines() if line.startswith("from ")]
    return {words[3]: words[1] for words in imports}

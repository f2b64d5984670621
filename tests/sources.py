"""The project's source files, each read and parsed once."""

from __future__ import annotations

import ast
import functools
from pathlib import Path


@functools.cache
def read(path: Path) -> str:
    return path.read_text("utf-8")


@functools.cache
def parse(path: Path) -> ast.Module:
    return ast.parse(read(path))

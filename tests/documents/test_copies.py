"""The committed copies are what the code builds."""

from __future__ import annotations

import pytest

from tests.documents.copies import BUILDERS, FIXTURES, render


@pytest.mark.parametrize("name", BUILDERS)
def test_copy(name: str) -> None:
    assert (FIXTURES / name).read_text("utf-8") == render(name), f"fixtures/{name} is out of date: run `make documents`"

"""The contract suite needs of ours the contract only, and nothing needs the suite but its command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_layers import (
    CLIENT,
    CONFORMANCE,
    MOCK,
    SHARED_MODULES,
    below,
    by_name,
    imports,
    loaded_by,
    module_of,
    sources,
    tops,
)

REPORTS_NEED = ("duologue._version", "duologue.observability.redaction")
"""What the reports take of the client: which version made them, and what no report may show."""


@pytest.mark.parametrize("path", sources(CLIENT / "conformance"), ids=by_name)
def test_conformance_knows_the_contract_only(path: Path) -> None:
    """A mistake that client and server share must still show, so the suite has a client of its own: requests."""
    for name in imports(path):
        assert "tests" not in tops({name})
        if below(name, "duologue"):
            assert below(name, CONFORMANCE, "duologue.contract", *REPORTS_NEED) or name == "duologue", name


def test_nothing_needs_conformance() -> None:
    for path in [*sources(CLIENT), *sources(MOCK)]:
        if not below(module_of(path), CONFORMANCE, "duologue.cli"):
            assert not any(below(name, CONFORMANCE) for name in imports(path)), path


def test_conformance_plugin_is_light() -> None:
    """pytest loads it in every project that has Duologue installed."""
    loaded = loaded_by("import pytest; before = set(sys.modules); import duologue.conformance.plugin")
    ours = {name for name in loaded if name.partition(".")[0] in ("duologue", "duologue_mock")}
    assert ours == {"duologue", CONFORMANCE, f"{CONFORMANCE}.plugin", *SHARED_MODULES}
    assert not tops(loaded) & {"requests", "urllib3", "marshmallow", "hypothesis", "schemathesis", "socketio"}

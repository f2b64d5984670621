"""What decided a response, for those who record it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duologue_mock.control.preferences import Preference
    from duologue_mock.control.responses.faults import Fault
    from duologue_mock.control.stubs.mapping import StubMapping

OUTCOME_KEY = "duologue.outcome"
"""Where in the environ the `Outcome` is. It is absent where nothing but the mock itself has decided."""


@dataclass(slots=True)
class Outcome:
    """What decided a response."""

    preference: Preference
    """What the request's `Prefer` header asked for; perhaps nothing."""
    stub: StubMapping | None = None
    """The stub that it matched."""
    fault: Fault | None = None
    """What was broken."""
    delay: float = 0.0
    """Milliseconds by which the response was delayed."""
    replaces_operation: bool = False
    """Whether the operation was not done."""
    exceeded: tuple[str, ...] = ()
    """A sentence about each matcher that took too long with the request, and so did not match."""

"""What is decided for one request: the only place where the ways to steer a response meet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from duologue.contract.core import Operation
from duologue_mock.control.global_settings import GlobalSettings
from duologue_mock.control.preferences import Preference, choose_response
from duologue_mock.control.responses.definition import OWN_RESPONSE, ResponseDefinition


def decide_response(
    preference: Preference,
    find_stub: Callable[[], ResponseDefinition | None],
    settings: GlobalSettings,
    operation: Operation[Any] | None,
) -> ResponseDefinition:
    """Return what is sent in response to a request.

    Args:
        preference: what its `Prefer` header asks for.
        find_stub: returns the response of the stub that it matches, which counts as served then; None if it matches
            none.
        settings: the delays of all responses.
        operation: the operation that it names, if any.

    Raises:
        HTTPError: the preference cannot be satisfied (400).
    """
    # First, the request itself: where its `Prefer` header chooses a response, no stub is asked, and none is counted.
    chosen = choose_response(preference, operation) if preference.chooses_response else None
    # Then the stubs: of those that match, the one with the lowest priority number, and among these the newest.
    if chosen is None:
        chosen = find_stub()
    # Where none matches, the mock responds itself.
    if chosen is None:
        chosen = OWN_RESPONSE
    # A delay that the request prefers is the whole delay.
    if preference.delay is not None:
        return replace(chosen, fixed_delay=preference.delay, delay_distribution=None)
    # What neither an operation nor a stub responds to is not delayed, as in WireMock.
    if not settings.has_delay or (chosen is OWN_RESPONSE and operation is None):
        return chosen
    # Else a fixed delay of the stub, 0 too, takes the place of the global one, and so does a distribution; the two add.
    return replace(
        chosen,
        fixed_delay=settings.fixed_delay if chosen.fixed_delay is None else chosen.fixed_delay,
        delay_distribution=settings.delay_distribution
        if chosen.delay_distribution is None
        else chosen.delay_distribution,
    )

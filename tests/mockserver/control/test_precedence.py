"""What decides a response: all combinations of a `Prefer` header, a stub and global settings, as a table."""

from __future__ import annotations

from itertools import product

import pytest

from duologue_mock.control.global_settings import GlobalSettings
from duologue_mock.control.precedence import decide_response
from duologue_mock.control.preferences import NO_PREFERENCE, Preference, parse_preference
from duologue_mock.control.responses.definition import OWN_RESPONSE, ResponseDefinition
from duologue_mock.control.responses.delays import FixedDistribution
from duologue_mock.control.responses.faults import Fault
from duologue_mock.errors import HTTPError
from tests.mockserver.requests import get_operation

pytestmark = pytest.mark.slow

PREFERENCES = {
    "none": "",
    "code": "code=503",
    "fault": "fault=HANG",
    "broken body": "fault=TRUNCATED_BODY",
    "example": "example=golden",
    "delay": "delay=7",
    "code and delay": "code=503, delay=7",
}
STUBS = {
    "none": None,
    "plain": ResponseDefinition(status=200, content=b"stub"),
    "own": OWN_RESPONSE,
    "fault": ResponseDefinition(status=200, fault=Fault.EMPTY_RESPONSE),
    "fixed": ResponseDefinition(status=200, fixed_delay=20),
    "zero": ResponseDefinition(status=200, fixed_delay=0),
    "drawn": ResponseDefinition(status=200, delay_distribution=FixedDistribution(30)),
    "both": ResponseDefinition(status=200, fixed_delay=20, delay_distribution=FixedDistribution(30)),
}
SETTINGS = {
    "none": GlobalSettings(),
    "fixed": GlobalSettings(fixed_delay=400),
    "drawn": GlobalSettings(delay_distribution=FixedDistribution(500)),
    "both": GlobalSettings(fixed_delay=400, delay_distribution=FixedDistribution(500)),
}
FIXED = {"fixed": 20, "zero": 0, "both": 20}
"""Milliseconds of the stubs that have a fixed delay."""
DRAWN = {"drawn": 30, "both": 30}


def decide(preference: str, stub: str, settings: str, operation: str | None = "users.LIST") -> ResponseDefinition:
    return decide_response(
        parse_preference(PREFERENCES[preference]),
        lambda: STUBS[stub],
        SETTINGS[settings],
        None if operation is None else get_operation(operation),
    )


@pytest.mark.parametrize(("preference", "stub", "settings"), list(product(PREFERENCES, STUBS, SETTINGS)))
def test_who_responds(preference: str, stub: str, settings: str) -> None:
    decided = decide(preference, stub, settings)
    shown = (decided.status, decided.fault, decided.passes_through)
    if preference in ("code", "code and delay"):
        assert shown == (503, None, True)
    elif preference == "fault":
        assert shown == (None, Fault.HANG, False)
    elif preference == "broken body":
        assert shown == (None, Fault.TRUNCATED_BODY, True)
    elif preference == "example":
        assert (shown, decided.content is not None) == ((200, None, False), True)
    else:
        expected = STUBS[stub] or OWN_RESPONSE
        assert (*shown, decided.content) == (
            expected.status,
            expected.fault,
            expected.passes_through,
            expected.content,
        )


@pytest.mark.parametrize(("preference", "stub", "settings"), list(product(PREFERENCES, STUBS, SETTINGS)))
def test_how_long_it_takes(preference: str, stub: str, settings: str) -> None:
    decided = decide(preference, stub, settings)
    drawn = decided.delay_distribution
    delay = (decided.fixed_delay, drawn.milliseconds if isinstance(drawn, FixedDistribution) else None)
    if "delay" in preference:
        assert delay == (7, None)
        return
    fixed = 400 if settings in ("fixed", "both") else None
    distributed = 500 if settings in ("drawn", "both") else None
    if preference == "none":
        fixed, distributed = FIXED.get(stub, fixed), DRAWN.get(stub, distributed)
    assert delay == (fixed, distributed)


@pytest.mark.parametrize(("preference", "is_asked"), [(one, one in ("none", "delay")) for one in PREFERENCES])
def test_when_stubs_are_asked(preference: str, is_asked: bool) -> None:
    """A stub that is not asked is not counted, and no scenario goes on."""
    asked = []
    decide_response(
        parse_preference(PREFERENCES[preference]),
        lambda: asked.append(1),
        SETTINGS["none"],
        get_operation("users.LIST"),
    )
    assert bool(asked) == is_asked


@pytest.mark.parametrize("settings", SETTINGS)
def test_unmatched_is_not_delayed(settings: str) -> None:
    assert decide("none", "none", settings, None) is OWN_RESPONSE
    assert decide("delay", "none", settings, None).fixed_delay == 7
    assert decide("none", "fixed", settings, None).fixed_delay == 20


def test_impossible_preference_asks_no_stub() -> None:
    def fail() -> None:
        raise AssertionError("a stub was asked")

    with pytest.raises(HTTPError):
        decide_response(Preference(example="nope"), fail, GlobalSettings(), get_operation("users.LIST"))


def test_nothing_decided() -> None:
    decided = decide_response(NO_PREFERENCE, lambda: None, GlobalSettings(), get_operation("users.LIST"))
    assert decided == OWN_RESPONSE

"""The `Prefer` header: its grammar, what it may ask for, and what is refused."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.conformance.target import golden
from duologue.contract import Operation, operations
from duologue_mock.control.preferences import NO_PREFERENCE, Preference, choose_response, parse_preference
from duologue_mock.control.responses.faults import Fault
from duologue_mock.errors import HTTPError
from tests.mockserver.requests import get_operation

PARSED = [
    ("code=503", Preference(code=503)),
    ("Code = 503", Preference(code=503)),
    ('code="503"', Preference(code=503)),
    ("delay=1500", Preference(delay=1500)),
    ("delay=0", Preference(delay=0)),
    ("fault=CONNECTION_RESET_BY_PEER", Preference(fault=Fault.CONNECTION_RESET_BY_PEER)),
    ("fault=hang", Preference(fault=Fault.HANG)),
    ("example=golden", Preference(example="golden")),
    ("code=503, delay=20", Preference(code=503, delay=20)),
    ("delay=20,fault=HANG", Preference(delay=20, fault=Fault.HANG)),
    ("code=503,code=404", Preference(code=503)),
    ("code=503;", Preference(code=503)),
    (" , code=503 ,,", Preference(code=503)),
    ("return=minimal; foo=bar, code=503, wait=10, respond-async", Preference(code=503)),
    ("return=minimal", NO_PREFERENCE),
    ("", NO_PREFERENCE),
]


@pytest.mark.parametrize(("header", "preference"), PARSED, ids=[header for header, _ in PARSED])
def test_header_is_parsed(header: str, preference: Preference) -> None:
    assert parse_preference(header) == preference


REFUSED = [
    "code",
    "code=",
    "code=abc",
    "code=99",
    "code=100",
    "code=600",
    "code=-1",
    "code=5e2",
    "code=٥٠٣",
    "code=503;x=1",
    "code=503 delay=5",
    "delay=-1",
    "delay=1.5",
    "delay=2147483648",
    "delay=99999999999999999999",
    "fault=NOPE",
    "fault=",
    "fault=HANG, code=503",
    "fault=HANG, example=golden",
    "cdoe=503",
    "dynamic=true",
    '"',
    "=503",
    'code="5',
]


@pytest.mark.parametrize("header", REFUSED, ids=ascii)
def test_header_is_refused(header: str) -> None:
    with pytest.raises(HTTPError) as raised:
        parse_preference(header)
    assert raised.value.status == 400
    assert raised.value.fields["Prefer"]


@given(st.text(max_size=30))
def test_any_text_is_parsed_or_400(header: str) -> None:
    with contextlib.suppress(HTTPError):
        assert str(parse_preference(header)).isascii()


@pytest.mark.parametrize("preference", [one for _, one in PARSED if one != NO_PREFERENCE], ids=str)
def test_text_is_parsed_again(preference: Preference) -> None:
    assert parse_preference(str(preference)) == preference


@pytest.mark.parametrize("status", range(400, 600, 7))
def test_any_error_status(status: int) -> None:
    for operation in (get_operation("users.LIST"), None):
        definition = choose_response(Preference(code=status), operation)
        assert (definition.status, definition.replaces_operation) == (status, True)


@pytest.mark.parametrize("operation", [one for one in operations() if one.status < 400], ids=lambda one: one.id)
def test_own_success_status(operation: Operation[Any]) -> None:
    definition = choose_response(Preference(code=operation.status), operation)
    assert definition.passes_through
    assert not definition.replaces_operation
    for other in {200, 201, 204, 304} - {operation.status}:
        with pytest.raises(HTTPError, match="cannot be satisfied"):
            choose_response(Preference(code=other), operation)


@pytest.mark.parametrize("operation", operations(), ids=lambda one: one.id)
@pytest.mark.parametrize("name", ["golden", "default", "its id"])
def test_example_is_the_golden_one(operation: Operation[Any], name: str) -> None:
    example = golden.load(operation.id)["response"]
    preference = Preference(example=operation.id if name == "its id" else name)
    definition = choose_response(preference, operation)
    assert definition.status == example["status"]
    assert json.loads(definition.content or b"null") == example.get("body")


@pytest.mark.parametrize(
    ("preference", "id"),
    [
        (Preference(example="nope"), "users.LIST"),
        (Preference(example="golden", code=404), "users.LIST"),
        (Preference(example="golden"), None),
        (Preference(code=200), None),
    ],
    ids=str,
)
def test_impossible_choices(preference: Preference, id: str | None) -> None:
    with pytest.raises(HTTPError) as raised:
        choose_response(preference, None if id is None else get_operation(id))
    assert raised.value.status == 400

"""Entity tags in `If-Match` and `If-None-Match`, read as RFC 9110's grammar says, and compared as it says."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_mock.errors import HTTPError
from duologue_mock.http.preconditions import check_preconditions, has_preconditions
from tests.linear_time import measure
from tests.mockserver.http_errors import raises_http_error
from tests.mockserver.requests import build_request

ETAG = '"abc"'
NAMES = {"if_match": "If-Match", "if_none_match": "If-None-Match"}

each_header = pytest.mark.parametrize("name", NAMES)


def check(*, safe: bool = True, **headers: str) -> bool:
    return check_preconditions(build_request("GET", "/", **headers), ETAG, safe=safe)  # type: ignore[arg-type]  # texts


def get_status(*, safe: bool, **headers: str) -> int:
    """Return the status of a request with these conditions, 200 where they hold."""
    try:
        return 304 if check(safe=safe, **headers) else 200
    except HTTPError as error:
        return error.status


def holds(name: str, value: str) -> bool:
    """Return whether a condition holds for `ETAG`, on reads and changes alike."""
    statuses = get_status(safe=True, **{name: value}), get_status(safe=False, **{name: value})
    assert statuses in ((200, 200), (412, 412) if name == "if_match" else (304, 412)), value
    return statuses == (200, 200)


@pytest.mark.parametrize(
    ("value", "strong", "weak"),
    [
        ("*", True, True),
        (" *\t", True, True),
        ('"abc"', True, True),
        ('W/"abc"', False, True),
        ('"other", "abc"', True, True),
        ('"other",W/"abc"', False, True),
        (' ,\t, "abc" ,,', True, True),
        ('"ABC"', False, False),
        ('"*"', False, False),
        ('"x,*,y"', False, False),
        ('"x,abc,y"', False, False),
        ('",", "W/"', False, False),
        ('"a\\", "abc"', True, True),  # a backslash escapes nothing
        ('"ü"', False, False),
        ('""', False, False),
        ("", False, False),
        (" , ,", False, False),
    ],
)
def test_comparison(value: str, strong: bool, weak: bool) -> None:
    """`If-Match` holds where a tag matches strongly, `If-None-Match` where none matches even weakly."""
    assert holds("if_match", value) == strong
    assert holds("if_none_match", value) == (not weak)


MALFORMED = [
    "abc",
    '"abc',
    'abc"',
    '"',
    '"""',
    "**",
    "* *",
    '"x", *',
    '*, "abc"',
    "*,",
    ",*",
    "*, *",
    'w/"abc"',
    'W /"abc"',
    'W/ "abc"',
    "W/*",
    "W/",
    'W/W/"abc"',
    '"abc" "abc"',
    '"abc";"abc"',
    '"abc"x, "abc"',
    '"a bc", "abc"',
    '"a\tbc"',
    '"abc",\x0b"abc"',
    '"abc"\xa0',
    "'abc'",
    '"abc\x7f"',
]


@each_header
@pytest.mark.parametrize("value", MALFORMED)
@pytest.mark.parametrize("safe", [True, False])
def test_malformed(name: str, value: str, safe: bool) -> None:
    with raises_http_error(400, NAMES[name]) as caught:
        check(safe=safe, **{name: value})
    assert caught.value.fields == {NAMES[name]: ['Must be `*` or a list of entity tags, as `"a", W/"b"`.']}


@pytest.mark.parametrize("safe", [True, False])
@pytest.mark.parametrize(("if_match", "match"), [("*", True), (ETAG, True), ('"other"', False), ("", False)])
@pytest.mark.parametrize(("if_none_match", "none"), [("*", False), (ETAG, False), ('"other"', True), ("", True)])
def test_precedence(safe: bool, if_match: str, match: bool, if_none_match: str, none: bool) -> None:
    """`If-Match` comes first (RFC 9110, section 13.2.2): a read that it fails is no 304."""
    if match and (none or safe):
        assert check(safe=safe, if_match=if_match, if_none_match=if_none_match) == (not none)
    else:
        with raises_http_error(412) as caught:
            check(safe=safe, if_match=if_match, if_none_match=if_none_match)
        assert caught.value.message == ("The resource exists" if match else "The resource has changed meanwhile")
        assert f"Its ETag is {ETAG}" in str(caught.value.hint)


@pytest.mark.parametrize(
    "conditions", [{}, {"if_match": "*"}, {"if_none_match": ""}, dict.fromkeys(NAMES, ETAG)], ids=str
)
def test_is_conditional(conditions: dict[str, str]) -> None:
    sent = build_request("GET", "/", **conditions)  # type: ignore[arg-type]  # texts
    assert has_preconditions(sent) == bool(conditions)


def test_other_conditions() -> None:
    """Without modification dates and ranges, the other conditions are ignored (RFC 9110, sections 13.1.3 to 13.1.5)."""
    other = {"if_modified_since": "Fri, 27 Nov 2099 00:00:00 GMT", "if_unmodified_since": "x", "if_range": ETAG}
    assert not has_preconditions(build_request("GET", "/", **other))  # type: ignore[arg-type]  # texts


SPACE = st.text(alphabet=" \t", max_size=2)


@st.composite
def tag_lists(draw: st.DrawFn) -> tuple[str, set[str]]:
    """Return a list as a sender may write it, and the tags in it."""
    texts = st.text(alphabet="abc,*W/\\ü!~", max_size=6)
    tags = draw(st.lists(st.builds('{}"{}"'.format, st.sampled_from(["", "W/"]), texts) | st.just(""), max_size=6))
    elements = [draw(SPACE) + tag + draw(SPACE) for tag in tags]
    return ",".join(elements), {tag for tag in tags if tag}


@given(tag_lists())
def test_any_list(generated: tuple[str, set[str]]) -> None:
    value, tags = generated
    assert holds("if_match", value) == (ETAG in tags)
    assert holds("if_none_match", value) == (not {ETAG, f"W/{ETAG}"} & tags)


@given(st.text(alphabet='"abc,* \tW/', max_size=20))
def test_any_text(value: str) -> None:
    """What is no list is refused, whatever it is; and nothing but a tag of its own, or `*` alone, matches."""
    matches = value.strip(" \t") == "*" or bool(re.search(r'(?:^|,)[ \t]*"abc"[ \t]*(?:,|$)', value))
    unquoted = re.sub(r'(^|,)[ \t]*(W/)?"[^" \t]*"[ \t]*(?=,|$)', "", value)
    well_formed = value.strip(" \t") == "*" or not unquoted.strip(" \t,")
    assert get_status(safe=False, if_match=value) == (400 if not well_formed else 200 if matches else 412)


HOSTILE: dict[str, Callable[[int], str]] = {
    "spaces": lambda size: " " * size + "x",
    "spaces and commas": lambda size: " , " * (size // 3) + "x",
    "commas": lambda size: "," * size + "x",
    "quotes": lambda size: '"' * size + "x",
    "tags": lambda size: '"a",' * (size // 4) + "x",
    "an open tag": lambda size: '"' + "a" * size,
    "open tags": lambda size: '"a,' * (size // 3),
    "weak marks": lambda size: "W/" * (size // 2),
    "weak tags": lambda size: 'W/"",\t' * (size // 6) + "x",
}


@pytest.mark.parametrize("build", HOSTILE.values(), ids=HOSTILE)
def test_time_is_linear(build: Callable[[int], str]) -> None:
    """Thirty-two times the length takes about thirty-two times as long; if it were quadratic, a thousand times."""

    def measure_refusal(value: str) -> float:
        def refuse() -> None:
            with raises_http_error(400):
                check(if_match=value)

        return measure(refuse)

    assert measure_refusal(build(64_000)) < 300 * measure_refusal(build(2_000))

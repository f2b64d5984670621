"""Requests, request patterns, and whole mappings with priorities and scenarios."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, quote_plus

from hypothesis import strategies as st

from tests.wiremock.cases import Admin, Send, Step, stub
from tests.wiremock.strategies.texts import text_patterns, value_patterns, words

_segments = st.sampled_from(["a", "b", "1", "a%20b", "%c3%a9", "a+b"])
_paths = st.lists(_segments, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))

_names = st.sampled_from(["p", "q"])
_methods = st.sampled_from(["GET", "POST", "PUT", "DELETE"])

_encoders = st.sampled_from([quote, quote_plus])


def _write_parameter(name: str, value: str, encode: Any) -> str:
    return f"{name}={encode(value)}"


_queries = st.lists(st.builds(_write_parameter, _names, words, _encoders), max_size=3).map("&".join)

_header_words = words.filter(str.isascii).map(str.strip)
_headers = st.lists(st.tuples(st.sampled_from(["X-A", "x-a", "X-B"]), _header_words), max_size=3).map(tuple)

_cookie_words = st.sampled_from(["a", "b", "ab", "1", ""])
_cookies = st.lists(st.builds("{}={}".format, _names, _cookie_words), min_size=1, max_size=3).map("; ".join)


@st.composite
def requests(draw: st.DrawFn) -> Send:
    """Return a request."""
    query = draw(_queries)
    headers = draw(_headers)
    if draw(st.booleans()):
        headers = (*headers, ("Cookie", draw(_cookies)))
    method = draw(_methods)
    body = draw(words) if method in ("POST", "PUT") else ""
    return Send(draw(_paths) + (f"?{query}" if query else ""), method=method, headers=headers, body=body)


_url_patterns: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.builds(lambda path: {"urlPath": path}, _paths),
    st.builds(lambda path, query: {"url": path + (f"?{query}" if query else "")}, _paths, _queries),
    st.sampled_from(["/a.*", "/[ab]/?.*", ".*", "/a", "/.*/1"]).map(lambda text: {"urlPathPattern": text}),
    st.sampled_from(["/a.*", "/a\\?.*", ".*q=a.*", "/[^/]+"]).map(lambda text: {"urlPattern": text}),
)


@st.composite
def _templates(draw: st.DrawFn) -> dict[str, Any]:
    template = draw(st.sampled_from(["/{x}", "/a/{x}", "/{x}/{y}", "/{x}/b", "/{x}/{y}/{z}"]))
    names = [name for name in "xyz" if f"{{{name}}}" in template]
    parameters = draw(st.dictionaries(st.sampled_from(names), text_patterns, max_size=1))
    return {"urlPathTemplate": template, **({"pathParameters": parameters} if parameters else {})}


@st.composite
def request_patterns(draw: st.DrawFn) -> dict[str, Any]:
    """Return a request pattern without patterns of its body."""
    pattern = dict(draw(_url_patterns | _templates()))
    optional = {
        "method": st.sampled_from(["GET", "POST", "ANY"]),
        "headers": st.dictionaries(st.sampled_from(["X-A", "x-b"]), value_patterns, min_size=1, max_size=2),
        "cookies": st.dictionaries(_names, text_patterns, min_size=1, max_size=2),
        "bodyPatterns": st.lists(text_patterns, min_size=1, max_size=2),
    }
    if "url" not in pattern:
        optional["queryParameters"] = st.dictionaries(_names, value_patterns, min_size=1, max_size=2)
    chosen = draw(st.lists(st.sampled_from(sorted(optional)), max_size=2, unique=True))
    return pattern | {key: draw(optional[key]) for key in chosen}


_states = st.sampled_from(["Started", "one", "two"])


@st.composite
def _places(draw: st.DrawFn) -> dict[str, Any]:
    place: dict[str, Any] = {}
    if draw(st.booleans()):
        place["priority"] = draw(st.integers(0, 6))
    if draw(st.booleans()):
        place["scenarioName"] = draw(st.sampled_from(["s", "t"]))
        place["requiredScenarioState"] = draw(_states)
        if draw(st.booleans()):
            place["newScenarioState"] = draw(_states)
    return place


_simple_patterns = st.sampled_from([{}, {"urlPath": "/a"}, {"method": "GET"}, {"urlPathPattern": "/[ab]"}])

_simple_requests = st.builds(Send, st.sampled_from(["/a", "/b"]), method=st.sampled_from(["GET", "POST"]))

_changes = st.sampled_from([Admin("POST", "/scenarios/reset"), Admin("DELETE", "/mappings"), Admin("POST",
"/requests/count", {"urlPath": "/a"})])  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """Return stubs with priorities and scenarios, and requests and calls among them."""
    steps: list[Step] = []
    for number in range(draw(st.integers(2, 6))):
        steps.append(stub(draw(_simple_patterns), {"body": str(number)}, **draw(_places())))
        steps += draw(st.lists(_simple_requests, max_size=2))
    steps += draw(st.lists(_simple_requests, min_size=2, max_size=5))
    if draw(st.booleans()):
        steps.append(draw(_changes))
    return [*steps, *draw(st.lists(_simple_requests, max_size=2)), Admin("GET", "/scenarios")]

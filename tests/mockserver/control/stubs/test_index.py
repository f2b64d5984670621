"""The index of stubs: it finds what trying all of them in order would find."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_mock.control.stubs.index import StubEntry, StubIndex
from duologue_mock.control.stubs.mapping import read_stub
from tests.mockserver.control.matching.received import receive

PATHS = ["/", "/api/users", "/api/users/1", "/api/users/2", "/api/health", "/a.b", "/a+b", "/caf%C3%A9", "/x"]
QUERIES = ["", "?", "?a=1", "?a=1&b=2"]
METHODS = ["GET", "POST", "HEAD", "PATCH"]
PATTERNS = [
    *("/.*", "/api/users(\\?.*)?", "/a\\.b", "/a.b", "/x|/a.b", "/xy?", "/xy*x?", "/x{1}", "(?i)/X", "/ap[i]/.*"),
    *("/\\Qa+b\\E", "/a\\+b", ".*", "/x\\/?"),
]
URLS: list[dict[str, Any]] = [
    {},
    *({"url": path + query} for path in PATHS for query in QUERIES),
    *({"urlPath": path} for path in PATHS),
    *({"urlPattern": pattern} for pattern in PATTERNS),
    *({"urlPathPattern": pattern} for pattern in ["/api/users/[0-9]+", "/api/.*", "/api/users/?.*", "", "/x\\?"]),
    *({"urlPathTemplate": template} for template in ["/api/users/{id}", "/{a}", "/api/{noun}/{id}", "/x"]),
    *({"operation": id} for id in ["users.LIST", "users.GET", "users.CREATE"]),
]  # fmt: skip
UNMATCHED: list[dict[str, Any]] = [
    *({"url": f"{path}?"} for path in PATHS),  # a trailing `?` of a request is dropped
    {"urlPathPattern": ""},
    {"urlPathPattern": "/x\\?"},
    {"urlPattern": "/xy*x?"},
]
STUBS = st.lists(
    st.tuples(st.sampled_from(URLS), st.sampled_from([*METHODS, "ANY", "GET_OR_HEAD", None]), st.integers(3, 6)),
    max_size=25,
)


def build_entries(stubs: list[tuple[dict[str, Any], str | None, int]]) -> list[StubEntry]:
    entries = []
    for number, (url, method, priority) in enumerate(stubs):
        request = url if method is None or "operation" in url else {**url, "method": method}
        stub = read_stub({"request": request, "priority": priority}, "", UUID(int=number))
        entries.append(StubEntry(stub, number, 0.0, None))
    return entries


@given(stubs=STUBS, removed=st.sets(st.integers(0, 24)), data=st.data())
def test_finds_what_all_in_order_find(
    stubs: list[tuple[dict[str, Any], str | None, int]], removed: set[int], data: st.DataObject
) -> None:
    entries, index = build_entries(stubs), StubIndex()
    for entry in entries:
        index.add(entry)
    for number in removed:
        if number < len(entries):
            index.remove(entries[number])
    remaining = [entry for number, entry in enumerate(entries) if number not in removed]
    in_order = sorted(remaining, key=lambda one: one.order)
    for _ in range(4):
        method, path, query = (data.draw(st.sampled_from(values)) for values in (METHODS, PATHS, QUERIES))
        request = receive(method, path + query)
        expected = [entry for entry in in_order if entry.stub.pattern.matches(request)]
        found = index.find(request.method, request.url, request.operation and request.operation.id)
        assert [entry for entry in found if entry.stub.pattern.matches(request)] == expected


@pytest.mark.parametrize("url", URLS, ids=str)
def test_every_kind_is_found(url: dict[str, Any]) -> None:
    """The samples above match something, each of them: what the index leaves out would be noticed."""
    [entry] = build_entries([(url, None, 5)])
    index = StubIndex()
    index.add(entry)
    requests = [receive(method, path + query) for method in METHODS for path in PATHS for query in QUERIES]
    matching = [request for request in requests if entry.stub.pattern.matches(request)]
    assert matching or url in UNMATCHED
    for request in matching:
        assert list(index.find(request.method, request.url, request.operation and request.operation.id)) == [entry]


KINDS: dict[str, Callable[[int], dict[str, Any]]] = {
    "url": lambda number: {"url": f"/nothing/{number}"},
    "url with query": lambda number: {"url": f"/api/users?number={number}"},
    "path": lambda number: {"urlPath": f"/nothing/{number}", "queryParameters": {"a": {"equalTo": "1"}}},
    "pattern": lambda number: {"urlPattern": f"/nothing/{number}/.*"},
    "path pattern": lambda number: {"urlPathPattern": f"/nothing\\-{number}/[0-9]+"},
    "template": lambda number: {"urlPathTemplate": f"/nothing/{number}/{{id}}"},
    "another operation": lambda number: {"operation": "users.CREATE"},
    "another method": lambda number: {"method": "DELETE"},
}


@pytest.mark.parametrize("build", KINDS.values(), ids=KINDS)
def test_what_cannot_match_is_not_tried(build: Any) -> None:
    index = StubIndex()
    for entry in build_entries([(build(number), build(number).get("method"), 5) for number in range(300)]):
        index.add(entry)
    assert list(index.find("GET", "/api/users", "users.LIST")) == []


def test_removed_stubs_leave_nothing() -> None:
    """Memory stays flat however many stubs come and go."""
    index = StubIndex()
    for round_ in range(3):
        entries = build_entries([(build(number), None, 5) for number in range(200) for build in KINDS.values()])
        for entry in entries:
            index.add(entry)
        for entry in entries:
            index.remove(entry)
        assert sum(len(table._literals) + len(table._prefixes) for table in index._tables.values()) == 0, round_

"""`/__admin/requests`: the journal, counting, finding, near misses."""

from __future__ import annotations

from typing import Any

from tests.wiremock.cases import Admin, Case, Send, Step, case, header, stub

ID = "00000000-0000-4000-8000-00000000000{}"
_NINE = ID.format(9)

_READ = Admin("GET", "/requests")

_STUBS: tuple[Step, ...] = (
    stub({"urlPath": "/a", "method": "GET"}, {"body": "a"}, id=ID.format(1), metadata={"group": "x"}),
    stub({"urlPath": "/b"}, {"status": 201}, id=ID.format(2), name="b"),
)
_SENT: tuple[Step, ...] = (
    Send("/a?q=1&q=2&r=x%20y"),
    Send("/b", method="POST", body='{"a": 1}', headers=header("Content-Type", "application/json")),
    Send("/c", headers=(("X-A", "1"), ("X-A", "2"), ("Cookie", "k=v; k=w; l=m"))),
    Send("/b", method="POST", body="f=1&f=2", headers=header("Content-Type", "application/x-www-form-urlencoded")),
    Send("/a", method="PUT", body=b"\x00\xff"),
)

_READS: dict[str, tuple[Step, ...]] = {
    "all": (_READ,),
    "limit": (Admin("GET", "/requests?limit=2"),),
    "limit-zero": (Admin("GET", "/requests?limit=0"),),
    "limit-negative": (Admin("GET", "/requests?limit=-1"),),
    "limit-text": (Admin("GET", "/requests?limit=x"),),
    "since-past": (Admin("GET", "/requests?since=2000-01-01T00:00:00Z"),),
    "since-future": (Admin("GET", "/requests?since=2990-01-01T00:00:00Z"),),
    "since-offset": (Admin("GET", "/requests?since=2990-01-01T00:00:00%2B01:00"),),
    "since-fraction": (Admin("GET", "/requests?since=2000-01-01T00:00:00.123Z"),),
    "since-text": (Admin("GET", "/requests?since=yesterday"),),
    "since-date": (Admin("GET", "/requests?since=2000-01-01"),),
    "since-limit": (Admin("GET", "/requests?since=2000-01-01T00:00:00Z&limit=1"),),
    "unmatched": (Admin("GET", "/requests?unmatched=true"),),
    "unmatched-false": (Admin("GET", "/requests?unmatched=false"),),
    "unmatched-limit": (Admin("GET", "/requests?unmatched=true&limit=1"),),
    "unmatched-text": (Admin("GET", "/requests?unmatched=x"),),
    "matching-stub": (Admin("GET", f"/requests?matchingStub={ID.format(2)}"),),
    "matching-stub-limit": (Admin("GET", f"/requests?matchingStub={ID.format(2)}&limit=1"),),
    "matching-stub-unknown": (Admin("GET", f"/requests?matchingStub={_NINE}"),),
    "matching-stub-no-uuid": (Admin("GET", "/requests?matchingStub=x"),),
    "unmatched-list": (Admin("GET", "/requests/unmatched"),),
    "near-misses": (Admin("GET", "/requests/unmatched/near-misses"),),
    "get-unknown": (Admin("GET", f"/requests/{_NINE}"),),
    "get-no-uuid": (Admin("GET", "/requests/nine"),),
    "delete-unknown": (Admin("DELETE", f"/requests/{_NINE}"), Admin("GET", "/requests?limit=0")),
    "delete-no-uuid": (Admin("DELETE", "/requests/nine"),),
    "delete-all": (Admin("DELETE", "/requests"), _READ),
    "reset": (Admin("POST", "/requests/reset"), _READ),
    "remove-by-metadata": (
        Admin("POST", "/requests/remove-by-metadata", {"matchesJsonPath": {"expression": "$.group", "equalTo": "x"}}),
        Admin("GET", "/requests?limit=0"),
    ),
    "remove-by-metadata-none": (
        Admin("POST", "/requests/remove-by-metadata", {"matchesJsonPath": "$.nothing"}),
        Admin("GET", "/requests?limit=0"),
    ),
    "remove-by-metadata-not": (
        Admin("POST", "/requests/remove-by-metadata", {"not": {"matchesJsonPath": "$.group"}}),
        Admin("GET", "/requests?limit=0"),
    ),
    "after-stub-is-gone": (Admin("DELETE", "/mappings"), Admin("GET", "/requests?limit=1&unmatched=true"), _READ),
    "reset-get": (Admin("GET", "/requests/reset"),),
    "old-reset": (Admin("POST", "/requests/nothing"),),
}

_PATTERNS: dict[str, dict[str, Any]] = {
    "any": {},
    "url": {"url": "/b"},
    "method": {"method": "PUT"},
    "path": {"urlPath": "/a"},
    "pattern": {"urlPattern": "/[ab].*"},
    "template": {"urlPathTemplate": "/{x}", "pathParameters": {"x": {"equalTo": "b"}}},
    "query": {"urlPath": "/a", "queryParameters": {"q": {"equalTo": "2"}}},
    "query-absent": {"queryParameters": {"q": {"absent": True}}},
    "header": {"headers": {"x-a": {"equalTo": "2"}}},
    "cookie": {"cookies": {"k": {"equalTo": "w"}}},
    "form": {"formParameters": {"f": {"equalTo": "2"}}},
    "body": {"bodyPatterns": [{"equalToJson": '{"a": 1}'}]},
    "body-path": {"bodyPatterns": [{"matchesJsonPath": "$.a"}]},
    "none": {"url": "/nothing"},
    "method-any": {"method": "ANY", "urlPath": "/a"},
    "binary": {"bodyPatterns": [{"binaryEqualTo": "AP8="}]},
}

_CALLS = ("count", "find", "remove")

_REQUESTS: dict[str, dict[str, Any]] = {
    "plain": {"url": "/a", "method": "GET"},
    "url": {"url": "/ab", "method": "GET"},
    "method": {"url": "/a", "method": "POST"},
    "both": {"url": "/nothing/at/all", "method": "PATCH"},
    "headers": {"url": "/h", "method": "GET", "headers": {"X-A": "2"}},
    "body": {"url": "/j", "method": "POST", "body": '{"a": 1, "b": 3}'},
    "query": {"url": "/q?p=2", "method": "GET", "queryParams": {"p": {"key": "p", "values": ["2"]}}},
    "query-in-url": {"url": "/q?p=2", "method": "GET"},
    "cookies": {"url": "/k", "method": "GET", "cookies": {"c": "2"}},
    "empty": {},
    "url-only": {"url": "/a"},
    "absolute": {"absoluteUrl": "http://localhost:8080/a", "method": "GET"},
    "unknown-key": {"x": 1},
    "base64": {"url": "/j", "method": "POST", "bodyAsBase64": "eyJhIjogMX0="},
}

_NEAR_STUBS: tuple[Step, ...] = (
    stub({"url": "/a", "method": "GET", "headers": {"X-Z": {"equalTo": "1"}}}, {}, id=ID.format(1)),
    stub({"urlPath": "/h", "headers": {"X-A": {"equalTo": "1"}, "X-B": {"contains": "x"}}}, {}, id=ID.format(2)),
    stub({"urlPath": "/j", "method": "POST", "bodyPatterns": [{"equalToJson": '{"a": 1, "b": 2}'}]}, {},
    id=ID.format(3)),
    stub({"urlPathPattern": "/q.*", "queryParameters": {"p": {"equalTo": "1"}}}, {}, id=ID.format(4)),
    stub({"urlPath": "/k", "cookies": {"c": {"equalTo": "1"}}}, {}, id=ID.format(5)),
)  # fmt: skip

_MISSES: dict[str, dict[str, Any]] = {
    "method": {"method": "POST", "urlPath": "/things"},
    "url": {"url": "/thingz"},
    "url-path": {"urlPath": "/thin"},
    "url-query": {"url": "/things?a=1"},
    "url-pattern": {"urlPattern": "/x.*"},
    "path-pattern": {"urlPathPattern": "/x.*"},
    "template": {"urlPathTemplate": "/things/{a}"},
    "template-parameter": {"urlPathTemplate": "/{a}", "pathParameters": {"a": {"equalTo": "thin"}}},
    "header": {"urlPath": "/things", "headers": {"X-A": {"equalTo": "1234"}}},
    "header-missing": {"urlPath": "/things", "headers": {"X-Z": {"equalTo": "1"}}},
    "header-contains": {"urlPath": "/things", "headers": {"X-A": {"contains": "9"}}},
    "header-matches": {"urlPath": "/things", "headers": {"X-A": {"matches": "9+"}}},
    "header-absent": {"urlPath": "/things", "headers": {"X-A": {"absent": True}}},
    "header-not": {"urlPath": "/things", "headers": {"X-A": {"not": {"equalTo": "123"}}}},
    "header-and": {"urlPath": "/things", "headers": {"X-A": {"and": [{"contains": "1"}, {"contains": "9"}]}}},
    "header-or": {"urlPath": "/things", "headers": {"X-A": {"or": [{"equalTo": "129"}, {"equalTo": "9"}]}}},
    "header-ignoring-case": {"urlPath": "/things", "headers": {"X-A": {"equalTo": "A", "caseInsensitive": True}}},
    "two-headers": {"urlPath": "/things", "headers": {"X-A": {"equalTo": "123"}, "X-Z": {"equalTo": "1"}}},
    "header-includes": {"urlPath": "/things", "headers": {"X-A": {"includes": [{"equalTo": "9"}]}}},
    "header-exactly": {"urlPath": "/things", "headers": {"X-A": {"hasExactly": [{"equalTo": "124"}]}}},
    "query": {"urlPath": "/things", "queryParameters": {"q": {"equalTo": "axc"}}},
    "query-missing": {"urlPath": "/things", "queryParameters": {"z": {"equalTo": "1"}}},
    "cookie": {"urlPath": "/things", "cookies": {"c": {"equalTo": "9"}}},
    "cookie-missing": {"urlPath": "/things", "cookies": {"z": {"equalTo": "9"}}},
    "basic": {"urlPath": "/things", "basicAuthCredentials": {"username": "u", "password": "p"}},
    "body-equal": {"urlPath": "/things", "bodyPatterns": [{"equalTo": '{"a": 2}'}]},
    "body-json": {"urlPath": "/things", "bodyPatterns": [{"equalToJson": '{"a": 2, "b": 1}'}]},
    "body-json-type": {"urlPath": "/things", "bodyPatterns": [{"equalToJson": "[1, 2]"}]},
    "body-path": {"urlPath": "/things", "bodyPatterns": [{"matchesJsonPath": "$.z"}]},
    "body-path-equal": {"urlPath": "/things", "bodyPatterns": [{"matchesJsonPath": {"expression": "$.a",
    "equalTo": "12"}}]},
    "body-schema": {"urlPath": "/things", "bodyPatterns": [{"matchesJsonSchema": {"type": "string"}}]},
    "body-contains": {"urlPath": "/things", "bodyPatterns": [{"contains": "zzz"}]},
    "body-binary": {"urlPath": "/things", "bodyPatterns": [{"binaryEqualTo": "YQ=="}]},
    "body-two": {"urlPath": "/things", "bodyPatterns": [{"contains": "a"}, {"contains": "zzz"}]},
    "body-absent": {"urlPath": "/things", "bodyPatterns": [{"absent": True}]},
    "form": {"urlPath": "/things", "formParameters": {"f": {"equalTo": "1"}}},
    "several": {"method": "POST", "urlPath": "/thin", "headers": {"X-A": {"equalTo": "9"}},
    "bodyPatterns": [{"contains": "zzz"}]},
}  # fmt: skip

_MISSED = Send(
    "/things?q=abc", method="PUT", headers=(("X-A", "123"), ("Cookie", "c=1")), body='{"a": 1}'
)  # fmt: skip
_NEAR_MISSES = Admin("GET", "/requests/unmatched/near-misses")


def _list_near_miss_cases() -> list[Case]:
    return [
        *(case(f"near-miss/{name}", stub(request, {}), _MISSED, _NEAR_MISSES) for name, request in _MISSES.items()),
        *(
            case(f"near-miss-request/{name}", *_NEAR_STUBS, Admin("POST", "/near-misses/request", request))
            for name, request in _REQUESTS.items()
        ),
        *(
            case(f"near-miss-pattern/{name}", _MISSED, Send("/thing"), Admin("POST", "/near-misses/request-pattern",
            request))
            for name, request in _MISSES.items()
        ),
        case("near-miss/four-stubs", *_NEAR_STUBS, Send("/a"), _NEAR_MISSES),
        case("near-miss/no-stub", Send("/a"), _NEAR_MISSES),
        case("near-miss/two-requests", *_NEAR_STUBS, Send("/a"), Send("/h"), _NEAR_MISSES),
        case(
            "near-miss/scenario",
            stub({"urlPath": "/a"}, {}, scenarioName="s", requiredScenarioState="two"),
            Send("/a"),
            Send("/b"),
            _NEAR_MISSES,
        ),
        case("near-miss/equal-distances", *(stub({"url": "/a"}, {"status": 200 + n},
        id=ID.format(n)) for n in range(1, 5)), Send("/b"), _NEAR_MISSES),
    ]  # fmt: skip


CASES: tuple[Case, ...] = (
    *(case(f"journal/{name}", *_STUBS, *_SENT, *steps) for name, steps in _READS.items()),
    case("journal/empty", _READ, Admin("GET", "/requests/unmatched"), _NEAR_MISSES),
    *(
        case(
            f"journal-{call}/{name}",
            *_STUBS,
            *_SENT,
            Admin("POST", f"/requests/{call}", pattern),
            Admin("GET", "/requests?limit=0"),
        )
        for call in _CALLS
        for name, pattern in _PATTERNS.items()
    ),
    *_list_near_miss_cases(),
)

"""`/__admin/mappings`: adding, reading, changing, removing, importing, metadata."""

from __future__ import annotations

from typing import Any

from tests.wiremock.cases import Admin, Case, Send, Step, case, stub

ID = "00000000-0000-4000-8000-00000000000{}"
ONE, TWO, THREE, NINE = (ID.format(number) for number in (1, 2, 3, 9))

_READ = Admin("GET", "/mappings")


def _add(number: int, **beside: Any) -> Admin:
    return stub({"urlPath": f"/{number}"}, {"body": str(number)}, id=ID.format(number), **beside)


_THREE: tuple[Step, ...] = (_add(1), _add(2), _add(3))

_ECHOED: dict[str, dict[str, Any]] = {
    "empty": {},
    "request-empty": {"request": {}},
    "response-empty": {"response": {}},
    "everything": {
        "id": ONE, "name": "n", "priority": 3, "persistent": True, "metadata": {"a": 1}, "scenarioName": "s",
        "requiredScenarioState": "Started", "newScenarioState": "x",
        "request": {"method": "POST", "urlPath": "/a", "headers": {"A": {"equalTo": "1", "caseInsensitive": True}},
        "queryParameters": {"q": {"absent": True}},
                    "cookies": {"c": {"contains": "x"}}, "bodyPatterns": [{"equalToJson": "{}",
                    "ignoreArrayOrder": True, "ignoreExtraElements": False}],
                    "basicAuthCredentials": {"username": "u", "password": "p"},
                    "formParameters": {"f": {"matches": "x"}}},
        "response": {"status": 201, "statusMessage": "m", "headers": {"A": ["1", "2"], "B": "1"}, "body": "b",
        "fixedDelayMilliseconds": 1,
                     "chunkedDribbleDelay": {"numberOfChunks": 1, "totalDuration": 1},
                     "delayDistribution": {"type": "uniform", "lower": 0, "upper": 1}},
    },
    "uuid-key": {"uuid": ONE},
    "id-and-uuid": {"id": ONE, "uuid": TWO},
    "id-upper-case": {"id": "00000000-0000-4000-8000-0000000000AB"},
    "id-short": {"id": "1-1-1-1-1"},
    "template": {"request": {"urlPathTemplate": "/a/{b}", "pathParameters": {"b": {"equalTo": "1"}}}},
    "json-path": {"request": {"bodyPatterns": [{"matchesJsonPath": "$.a"}, {"matchesJsonPath": {"expression": "$.b",
    "equalTo": "1"}}]}},
    "json-path-nested": {"request": {"bodyPatterns": [{"matchesJsonPath": {"expression": "$.b", "equalToJson": "{}",
    "ignoreArrayOrder": True}}]}},
    "schema": {"request": {"bodyPatterns": [{"matchesJsonSchema": {"type": "integer"}},
    {"matchesJsonSchema": '{"type": "integer"}', "schemaVersion": "V7"}]}},
    "json-value": {"request": {"bodyPatterns": [{"equalToJson": {"a": [1, 2.50]}}]}},
    "json-text": {"request": {"bodyPatterns": [{"equalToJson": " { \"a\" : 1 } "}]}},
    "logical": {"request": {"headers": {"A": {"or": [{"equalTo": "1"}, {"absent": True}]},
    "B": {"not": {"contains": "x"}}, "C": {"and": [{"contains": "1"}, {"doesNotContain": "2"}]}}}},
    "several": {"request": {"queryParameters": {"a": {"hasExactly": [{"equalTo": "1"}]},
    "b": {"includes": [{"equalTo": "1"}]}}}},
    "anything": {"request": {"headers": {"A": {"anything": "x"}}}},
    "absent-false": {"request": {"headers": {"A": {"absent": False}}}},
    "binary": {"request": {"bodyPatterns": [{"binaryEqualTo": "YQ=="}]}},
    "case-sensitive": {"request": {"headers": {"A": {"equalTo": "1", "caseInsensitive": False}}}},
    "does-not-match": {"request": {"headers": {"A": {"doesNotMatch": "1"}}}},
    "method-list": {"request": {"method": "GET"}},
    "method-lower-case": {"request": {"method": "get"}},
    "json-body": {"response": {"jsonBody": {"a": [1, None, "x"]}}},
    "json-body-null": {"response": {"jsonBody": None}},
    "base64": {"response": {"base64Body": "YQ=="}},
    "fault": {"response": {"fault": "EMPTY_RESPONSE"}},
    "fault-status": {"response": {"fault": "EMPTY_RESPONSE", "status": 500}},
    "lognormal": {"response": {"delayDistribution": {"type": "lognormal", "median": 80, "sigma": 0.4}}},
    "lognormal-limit": {"response": {"delayDistribution": {"type": "lognormal", "median": 80, "sigma": 0.4,
    "maxValue": 100}}},
    "header-numbers": {"response": {"headers": {"A": 1}}},
    "persistent-false": {"persistent": False},
    "name-null": {"name": None, "priority": None},
    "metadata-nested": {"metadata": {"a": {"b": [1, {"c": None}]}, "d": "x"}},
    "metadata-empty": {"metadata": {}},
    "url-pattern": {"request": {"urlPattern": "/a.*"}},
    "two-urls": {"request": {"url": "/a", "urlPath": "/b"}},
    "two-url-patterns": {"request": {"urlPattern": "/a", "urlPathPattern": "/b"}},
    "query-with-url": {"request": {"url": "/a", "queryParameters": {"q": {"equalTo": "1"}}}},
}  # fmt: skip

_METADATA: dict[str, dict[str, Any]] = {
    "path": {"matchesJsonPath": "$.a"},
    "path-equal": {"matchesJsonPath": {"expression": "$.a", "equalTo": "1"}},
    "json": {"equalToJson": '{"a": 1}'},
    "json-extra": {"equalToJson": '{"a": 1}', "ignoreExtraElements": True},
    "contains": {"contains": "x"},
    "matches": {"matches": ".*x.*"},
    "not": {"not": {"matchesJsonPath": "$.a"}},
    "absent": {"absent": True},
    "and": {"and": [{"matchesJsonPath": "$.a"}, {"matchesJsonPath": "$.b"}]},
    "schema": {"matchesJsonSchema": {"required": ["a"]}},
    "equal": {"equalTo": "{}"},
    "anything": {"anything": "x"},
}

_IMPORTED = [
    {"id": ONE, "request": {"urlPath": "/a"}, "response": {"body": "1"}},
    {"id": TWO, "request": {"urlPath": "/a"}, "response": {"body": "2"}},
]

_IMPORTS: dict[str, tuple[Step, ...]] = {
    "two": (Admin("POST", "/mappings/import", {"mappings": _IMPORTED}), Send("/a"), _READ),
    "empty": (_add(1), Admin("POST", "/mappings/import", {"mappings": []}), _READ),
    "nothing": (Admin("POST", "/mappings/import", {}), _READ),
    "no-body": (Admin("POST", "/mappings/import"), _READ),
    "list": (Admin("POST", "/mappings/import", _IMPORTED), _READ),
    "overwrite": (_add(1), _add(3), Admin("POST", "/mappings/import", {"mappings": _IMPORTED,
    "importOptions": {"duplicatePolicy": "OVERWRITE"}}), _READ, Send("/a"), Send("/1")),
    "ignore": (_add(1), _add(3), Admin("POST", "/mappings/import", {"mappings": _IMPORTED,
    "importOptions": {"duplicatePolicy": "IGNORE"}}), _READ, Send("/a"), Send("/1")),
    "unknown-policy": (Admin("POST", "/mappings/import", {"mappings": _IMPORTED,
    "importOptions": {"duplicatePolicy": "X"}}), _READ),
    "delete-others": (_add(1), _add(3), Admin("POST", "/mappings/import", {"mappings": _IMPORTED,
    "importOptions": {"deleteAllNotInImport": True}}), _READ),
    "delete-others-ignore": (_add(1), _add(3), Admin("POST", "/mappings/import", {"mappings": _IMPORTED,
    "importOptions": {"duplicatePolicy": "IGNORE", "deleteAllNotInImport": True}}), _READ),
    "delete-others-no-ids": (_add(1), Admin("POST", "/mappings/import", {"mappings": [{"request": {"urlPath": "/b"}}],
    "importOptions": {"deleteAllNotInImport": True}}), _READ),
    "options-empty": (_add(1), Admin("POST", "/mappings/import", {"mappings": _IMPORTED, "importOptions": {}}), _READ),
    "options-unknown": (Admin("POST", "/mappings/import", {"mappings": _IMPORTED, "importOptions": {"x": 1}}), _READ),
    "unknown-key": (Admin("POST", "/mappings/import", {"mappings": [], "x": 1}), _READ),
    "one-invalid": (Admin("POST", "/mappings/import", {"mappings": [_IMPORTED[0], {"request": {"urx": "/"}}]}), _READ),
    "same-id-twice": (Admin("POST", "/mappings/import", {"mappings": [_IMPORTED[0], {**_IMPORTED[1], "id": ONE}]}),
    _READ, Send("/a")),
    "with-meta": (Admin("POST", "/mappings/import", {"mappings": _IMPORTED, "meta": {"total": 2}}), _READ),
    "priorities": (Admin("POST", "/mappings/import", {"mappings": [{**_IMPORTED[0], "priority": 2}, {**_IMPORTED[1],
    "priority": 1}]}), Send("/a"), _READ),
    "many-in-post": (Admin("POST", "/mappings", {"mappings": _IMPORTED}), Send("/a"), _READ),
    "many-in-post-empty": (Admin("POST", "/mappings", {"mappings": []}), _READ),
    "over-existing": (stub({"urlPath": "/a"}, {"body": "old"}), Admin("POST", "/mappings/import",
    {"mappings": _IMPORTED}), Send("/a"), _READ),
}  # fmt: skip

_CALLS: dict[str, tuple[Step, ...]] = {
    "list-empty": (_READ,),
    "list": (*_THREE, _READ),
    "limit": (*_THREE, Admin("GET", "/mappings?limit=2")),
    "limit-zero": (*_THREE, Admin("GET", "/mappings?limit=0")),
    "limit-large": (*_THREE, Admin("GET", "/mappings?limit=99")),
    "limit-negative": (*_THREE, Admin("GET", "/mappings?limit=-1")),
    "limit-text": (*_THREE, Admin("GET", "/mappings?limit=x")),
    "limit-empty": (*_THREE, Admin("GET", "/mappings?limit=")),
    "offset": (*_THREE, Admin("GET", "/mappings?offset=1")),
    "offset-limit": (*_THREE, Admin("GET", "/mappings?offset=1&limit=1")),
    "offset-large": (*_THREE, Admin("GET", "/mappings?offset=9")),
    "offset-text": (*_THREE, Admin("GET", "/mappings?offset=x")),
    "list-by-priority": (_add(1, priority=9), _add(2), _add(3, priority=1), _READ),
    "get": (*_THREE, Admin("GET", f"/mappings/{TWO}")),
    "get-unknown": (*_THREE, Admin("GET", f"/mappings/{NINE}")),
    "get-no-uuid": (Admin("GET", "/mappings/nine"),),
    "get-upper-case": (stub({}, {}, id="00000000-0000-4000-8000-0000000000ab"), Admin("GET",
    "/mappings/00000000-0000-4000-8000-0000000000AB")),
    "put": (*_THREE, Admin("PUT", f"/mappings/{TWO}", {"request": {"urlPath": "/new"}}), Send("/2"), Send("/new"),
    _READ),
    "put-other-id": (*_THREE, Admin("PUT", f"/mappings/{TWO}", {"id": NINE, "request": {"urlPath": "/new"}}), _READ),
    "put-unknown": (*_THREE, Admin("PUT", f"/mappings/{NINE}", {"request": {"urlPath": "/new"}}), _READ),
    "put-no-uuid": (Admin("PUT", "/mappings/nine", {}), _READ),
    "put-malformed": (*_THREE, Admin("PUT", f"/mappings/{TWO}", b"{"), _READ),
    "put-unknown-key": (*_THREE, Admin("PUT", f"/mappings/{TWO}", {"x": 1}), _READ),
    "put-empty": (*_THREE, Admin("PUT", f"/mappings/{TWO}", {}), _READ),
    "put-no-body": (*_THREE, Admin("PUT", f"/mappings/{TWO}"), _READ),
    "delete": (*_THREE, Admin("DELETE", f"/mappings/{TWO}"), Send("/2"), _READ),
    "delete-unknown": (*_THREE, Admin("DELETE", f"/mappings/{NINE}"), _READ),
    "delete-no-uuid": (Admin("DELETE", "/mappings/nine"),),
    "delete-all": (*_THREE, Send("/1"), Admin("DELETE", "/mappings"), _READ, Admin("GET", "/requests")),
    "reset": (*_THREE, Send("/1"), Admin("POST", "/mappings/reset"), _READ, Admin("GET", "/requests")),
    "reset-all": (*_THREE, Send("/1"), Admin("POST", "/reset"), _READ, Admin("GET", "/requests")),
    "reset-get": (Admin("GET", "/mappings/reset"),),
    "taken-id": (_add(1), stub({"urlPath": "/other"}, {}, id=ONE), _READ),
    "same-twice": (stub({"urlPath": "/a"}, {}), stub({"urlPath": "/a"}, {}), Admin("GET", "/mappings?limit=0")),
    "unmatched-list": (*_THREE, Send("/1"), Admin("GET", "/mappings/unmatched")),
    "remove-by-id": (*_THREE, Admin("POST", "/mappings/remove", {"id": TWO}), _READ),
    "remove-by-request": (*_THREE, Admin("POST", "/mappings/remove", {"request": {"urlPath": "/2"}}), _READ),
    "edit": (*_THREE, Admin("POST", "/mappings/edit", {"id": TWO, "request": {"urlPath": "/new"}}), _READ),
    "save": (*_THREE, Admin("POST", "/mappings/save"), _READ, Admin("POST", "/mappings/reset"), _READ),
    "persistent": (_add(1, persistent=True), _add(2), Admin("POST", "/mappings/reset"), _READ),
    "persistent-reset-all": (_add(1, persistent=True), _add(2), Admin("POST", "/reset"), _READ, Send("/1")),
    "persistent-deleted": (_add(1, persistent=True), Admin("DELETE", f"/mappings/{ONE}"), Admin("POST", "/reset"),
    _READ),
    "root": (Admin("GET", ""),),
    "unknown-path": (Admin("GET", "/nothing"), Admin("POST", "/mappings/nothing", {}), Admin("PATCH", "/mappings", {})),
    "trailing-slash": (*_THREE, Admin("GET", "/mappings/")),
    "method": (Admin("PUT", "/mappings", {}), Admin("POST", f"/mappings/{ONE}", {})),
    "health": (Admin("GET", "/version"),),
}  # fmt: skip


def _list_metadata_cases() -> list[Case]:
    stubs = (_add(1, metadata={"a": 1}), _add(2, metadata={"a": 1, "b": "x"}), _add(3), _add(4, metadata={}))
    return [
        case(
            f"metadata/{name}",
            *stubs,
            Admin("POST", "/mappings/find-by-metadata", pattern),
            Admin("POST", "/mappings/remove-by-metadata", pattern),
            _READ,
        )
        for name, pattern in _METADATA.items()
    ]


CASES: tuple[Case, ...] = (
    *(
        case(f"mapping/{name}", Admin("POST", "/mappings", mapping), _READ, Send("/a", method="POST"))
        for name, mapping in _ECHOED.items()
    ),
    *(case(f"import/{name}", *steps) for name, steps in _IMPORTS.items()),
    *(case(f"mappings/{name}", *steps) for name, steps in _CALLS.items()),
    *_list_metadata_cases(),
)

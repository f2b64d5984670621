"""Headers, cookies, forms and basic authentication."""

from __future__ import annotations

from typing import Any

from tests.wiremock.cases import Case, Headers, Send, header, matching

_HEADERS: tuple[Headers, ...] = (
    (), header("X-A", "1"), header("x-a", "1"), header("X-A", "2"), header("X-A", "1", "2"), header("X-A", "2", "1"),
    header("X-A", "1", "1"), header("X-A", "1, 2"), header("X-A", "1,2"), header("X-A", ""), header("X-A", " 1 "),
    header("X-B", "1"),
    header("X-A", "a1b"), header("X-A", "A1B"), header("X-A", "1", "2", "3"), (("X-A", "1"), ("x-a", "2")),
)  # fmt: skip

_PATTERNS: dict[str, dict[str, Any]] = {
    "equal": {"equalTo": "1"},
    "equal-list": {"equalTo": "1, 2"},
    "equal-list-no-space": {"equalTo": "1,2"},
    "equal-empty": {"equalTo": ""},
    "ignoring-case": {"equalTo": "a1b", "caseInsensitive": True},
    "contains": {"contains": "1"},
    "contains-comma": {"contains": ","},
    "does-not-contain": {"doesNotContain": "1"},
    "matches": {"matches": "[0-9]"},
    "matches-list": {"matches": ".*,.*"},
    "does-not-match": {"doesNotMatch": "[0-9]"},
    "absent": {"absent": True},
    "anything": {"anything": "x"},
    "not": {"not": {"equalTo": "1"}},
    "not-absent": {"not": {"absent": True}},
    "and": {"and": [{"contains": "1"}, {"doesNotContain": "a"}]},
    "or": {"or": [{"equalTo": "2"}, {"absent": True}]},
    "exactly": {"hasExactly": [{"equalTo": "1"}, {"equalTo": "2"}]},
    "exactly-one": {"hasExactly": [{"equalTo": "1"}]},
    "exactly-empty": {"hasExactly": []},
    "includes": {"includes": [{"equalTo": "2"}]},
    "includes-two": {"includes": [{"equalTo": "2"}, {"contains": "3"}]},
    "json": {"equalToJson": "1"},
    "schema": {"matchesJsonSchema": {"type": "integer"}},
}

_COOKIES = (
    None, "a=1", "a=2", "a=1; b=2", "b=2; a=1", "a=1;b=2", "a=1; a=2", "a=2; a=1", "A=1", 'a="1"', "a=", "a", "a=1=2",
    "a=x1y", "a=%31", "a= 1", "; a=1", "a=1;",
    "a=1, b=2", "$Version=1; a=1", 'a="1 2"', "a=1 2",
)  # fmt: skip

_COOKIE_PATTERNS: dict[str, dict[str, Any]] = {
    "equal": {"a": {"equalTo": "1"}},
    "equal-two": {"a": {"equalTo": "1"}, "b": {"equalTo": "2"}},
    "upper-case": {"A": {"equalTo": "1"}},
    "contains": {"a": {"contains": "1"}},
    "matches": {"a": {"matches": "[0-9]"}},
    "does-not-match": {"a": {"doesNotMatch": "1"}},
    "does-not-contain": {"a": {"doesNotContain": "1"}},
    "absent": {"a": {"absent": True}},
    "not": {"a": {"not": {"equalTo": "1"}}},
    "anything": {"a": {"anything": "x"}},
    "empty": {"a": {"equalTo": ""}},
    "equals-sign": {"a": {"equalTo": "1=2"}},
    "space": {"a": {"equalTo": "1 2"}},
    "or": {"a": {"or": [{"equalTo": "2"}, {"absent": True}]}},
}

_FORMS = (
    "a=1", "a=2", "a=1&b=2", "b=2&a=1", "a=1&a=2", "a=", "a", "", "a=x+y", "a=x%20y", "a=%c3%a9", "A=1", "a=1&",
    "a=1;b=2", "a=1=2", "a=%zz",
)  # fmt: skip

_FORM_PATTERNS: dict[str, dict[str, Any]] = {
    "equal": {"a": {"equalTo": "1"}},
    "two": {"a": {"equalTo": "1"}, "b": {"equalTo": "2"}},
    "space": {"a": {"equalTo": "x y"}},
    "accent": {"a": {"equalTo": "\u00e9"}},
    "contains": {"a": {"contains": "1"}},
    "absent": {"a": {"absent": True}},
    "not": {"a": {"not": {"equalTo": "1"}}},
    "exactly": {"a": {"hasExactly": [{"equalTo": "1"}, {"equalTo": "2"}]}},
    "includes": {"a": {"includes": [{"equalTo": "2"}]}},
    "matches": {"a": {"matches": "[0-9=]+"}},
}

_FORM_TYPES = (
    (), header("Content-Type", "application/x-www-form-urlencoded"), header("Content-Type",
    "application/x-www-form-urlencoded; charset=utf-8"),
    header("Content-Type", "Application/X-WWW-Form-URLEncoded"), header("Content-Type", "text/plain"),
    header("Content-Type", "application/json"),
)  # fmt: skip

_CREDENTIALS = (
    (), header("Authorization", "Basic dXNlcjpwYXNz"), header("Authorization", "basic dXNlcjpwYXNz"),
    header("authorization", "Basic dXNlcjpwYXNz"),
    header("Authorization", "Basic dXNlcjpvdGhlcg=="), header("Authorization", "Bearer dXNlcjpwYXNz"),
    header("Authorization", "Basic  dXNlcjpwYXNz"),
    header("Authorization", "Basic "), header("Authorization", "Basic dXNlcjpwYXNz", "Bearer x"),
    header("Authorization", "BASIC DXNLCJPWYXNZ"),
)  # fmt: skip


def _list_form_cases() -> list[Case]:
    kinds = [
        matching(
            f"form-type/{name}",
            {"formParameters": {"a": {"equalTo": "1"}}},
            *(
                Send(method=method, headers=headers, body="a=1")
                for headers in _FORM_TYPES
                for method in ("POST", "PUT")
            ),
        )
        for name in ("equal",)
    ]
    form = header("Content-Type", "application/x-www-form-urlencoded")
    return kinds + [
        matching(
            f"form/{name}",
            {"formParameters": patterns},
            *(Send(method="POST", headers=form, body=body) for body in _FORMS),
        )
        for name, patterns in _FORM_PATTERNS.items()
    ]


CASES = (
    *(
        matching(f"header/{name}", {"headers": {"X-A": pattern}}, *(Send(headers=headers) for headers in _HEADERS))
        for name, pattern in _PATTERNS.items()
    ),
    matching(
        "header/name-in-lower-case",
        {"headers": {"x-a": {"equalTo": "1"}}},
        *(Send(headers=headers) for headers in _HEADERS),
    ),
    matching(
        "header/two",
        {"headers": {"X-A": {"equalTo": "1"}, "X-B": {"absent": True}}},
        *(Send(headers=headers) for headers in (*_HEADERS, (("X-A", "1"), ("X-B", "2")))),
    ),
    *(
        matching(f"header/standard-{number}", {"headers": headers}, Send(method="POST", body="x"), Send())
        for number, headers in enumerate(
            (
                {"Host": {"contains": "localhost"}},
                {"Content-Length": {"equalTo": "1"}},
                {"Accept": {"absent": True}},
                {"User-Agent": {"absent": True}},
                {"Content-Type": {"absent": True}},
                {"Connection": {"absent": True}},
            )
        )
    ),
    *(
        matching(f"header/content-type-{number}", {"headers": {"Content-Type": pattern}}, *(
            Send(method="POST", body="{}", headers=header("Content-Type", value))
            for value in ("application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8",
            "text/plain")
        ))
        for number, pattern in enumerate(
            ({"equalTo": "application/json"}, {"contains": "json"}, {"matches": "application/json.*"},
            {"equalTo": "application/json;charset=utf-8"})
        )
    ),
    *(
        matching(
            f"cookie/{name}",
            {"cookies": patterns},
            *(Send(headers=() if value is None else header("Cookie", value)) for value in _COOKIES),
            Send(headers=header("Cookie", "a=1", "b=2")),
            Send(headers=header("Cookie", "b=2", "a=1")),
            Send(headers=header("Cookie", "a=2", "a=1")),
        )
        for name, patterns in _COOKIE_PATTERNS.items()
    ),
    *_list_form_cases(),
    *(
        matching(
            f"basic/{name}",
            {"basicAuthCredentials": {"username": user, "password": password}},
            *(Send(headers=headers) for headers in _CREDENTIALS),
        )
        for name, user, password in (("plain", "user", "pass"), ("other", "user", "other"), ("empty", "", ""),
        ("colon", "us:er", "pass"))
    ),
    matching(
        "basic/with-header",
        {"basicAuthCredentials": {"username": "user", "password": "pass"}, "headers": {"X-A": {"equalTo": "1"}}},
        Send(headers=header("Authorization", "Basic dXNlcjpwYXNz")),
        Send(headers=(("Authorization", "Basic dXNlcjpwYXNz"), ("X-A", "1"))),
        Send(headers=header("X-A", "1")),
    ),
)  # fmt: skip

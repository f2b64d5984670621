"""Where the mock differs from WireMock on purpose. The documentation shows both tables."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.wiremock.cases import Case


@dataclass(frozen=True)
class Difference:
    """Cases that the mock answers differently.

    Args:
        reason: what WireMock does, what the mock does, and why.
        cases: patterns of the cases' ids, as a shell has them.
    """

    reason: str
    cases: tuple[str, ...]

    def includes(self, case: Case) -> bool:
        """Return whether a case is one of them."""
        return any(fnmatchcase(case.id, pattern) for pattern in self.cases)


RULES = (
    "What no stub answers, the mock answers itself: with an operation, or with the contract's error. WireMock answers "
    "404 and a drawing of the nearest stub. So an unmatched entry of the journal has the mock's own response.",
    "Where WireMock fails with status 500 and a Java exception, the mock answers as if nothing had matched, or refuses "
    "the call with 400 or 422.",
    "Stubbed responses have the mock's common headers too (CORS, `X-Request-Id`, `X-Content-Type-Options`, `Vary`, "
    "`Cross-Origin-Resource-Policy`) unless the stub sets them, and `Content-Length` in place of chunks.",
    "Errors have WireMock's `code` and `title`; `detail` is for people, and names no Java class. `source.pointer` "
    "names the very key, where WireMock's sometimes stops at the object around it. An error of syntax has no `source`.",
    "Journal entries have `operation`, `caller`, `violations`, `preference` and `exceeded` besides, near misses "
    "`differences`; they have no `subEvents`. Passwords, tokens and keys are shown as `[REDACTED]`.",
    "Scenarios and their possible states are listed in the order in which they came to be; WireMock's have none.",
    "A call that answers with nothing in WireMock answers with `{}`, and 404 with an error in JSON.",
)
"""Differences in every answer of a kind; `compare.py` leaves them out."""

DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        "Nothing is ignored: a second matcher, a second URL, a second body, an option of another matcher, a key that "
        "is not known, a scenario's state without a scenario, parameters of a path without a template are 422. "
        "WireMock drops one of them silently.",
        (
            "error/header-two-matchers",
            "error/header-unknown-beside",
            "error/header-case-option",
            "error/absent-and-equal",
            "error/json-option-unknown",
            "error/path-two-matchers",
            "error/basic-partial",
            "error/path-parameter-unknown",
            "error/path-parameters-*",
            "error-import/header-two-matchers",
            "error-import/header-unknown-beside",
            "error-import/header-case-option",
            "mapping/two-url*",
            "response/bodies-*",
            "scenario/*state-without-name",
            "import/unknown-key",
            "near-miss-request/unknown-key",
            "response-refused/d*-partial",
        ),
    ),
    Difference(
        "A value of the wrong kind is 422, where WireMock takes another for it: fractions for whole numbers, texts for "
        "flags, null for a matcher, an empty id, a delay or status that is out of range.",
        (
            "error/id-empty",
            "error-import/id-empty",
            "error/persistent-number",
            "error/url-number",
            "error/body-null",
            "error/json-option-*text",
            "error/schema-n*",
            "error/status-fraction",
            "error/response-headers-*",
            "error-call/*-metadata-null",
            "response-status/*",
            "priority/fraction",
            "response-refused/fixed-fraction",
            "response-refused/distribution-reversed",
            "response-refused/dribble-zero",
        ),
    ),
    Difference(
        "JSON is JSON (RFC 8259), in calls and in bodies: no comments, single quotes, second documents, bytes that are "
        "not UTF-8, or keys that occur twice. WireMock's parser takes them.",
        (
            "error/two-documents",
            "error/single-quotes",
            "error/comment",
            "error/line-comment",
            "error/duplicate-key",
            "error/not-utf-8",
            "error/latin",
            "equal-to-json-lenient/*",
            "equal-to-json-text/9",
            "equal-to-json-text/1[024]",
            "json-path-lenient/*",
            "body/json-path",
        ),
    ),
    Difference(
        "Expressions and schemas that are not valid, or ask for what is not supported, are refused when the stub is "
        "added, with the place of the error. WireMock takes them, and then nothing matches, or everything.",
        (
            "json-path/070",
            "json-path/123",
            "json-path/128",
            "json-path/135",
            "json-path-value/bad-expression",
            "json-schema/exclusive-minimum-true",
            "json-schema-version/exclusive-minimum-v4",
            "json-schema-version/exclusive-minimum-true-v[267]*",
            "json-schema-declared/draft-[267]*-exclusive-minimum-true",
            "json-schema/item-list*",
            "json-schema-version/item-list*v202012",
            "json-schema-declared/draft-2020-item-list",
            "json-schema/bad-*",
            "json-schema-text/list",
            "json-schema-text/number",
            "placeholder/7-*",
            "placeholder/8-*",
            "placeholder/11-*",
            "placeholder/12-*",
            "placeholder/15-*",
        ),
    ),
    Difference(
        "A JSON schema that refers to itself is refused: one thread serves everything, and no input may hold it.",
        ("json-schema/recursive",),
    ),
    Difference(
        "Rare constructs of Java's regular expressions are refused with an error that names them: the flags `x`, `d` "
        "and `U`, `\\G`, `\\N{…}`, `\\b{g}`, `\\p{java…}`, counts of counts, references to groups that come later, "
        "classes within negated ones. `\\p{IsEmoji}` is known, which only newer Javas know.",
        (
            "regex/016",
            "regex/039",
            "regex/056",
            "regex/057",
            "regex/058",
            "regex/059",
            "regex/101",
            "regex/119",
            "regex/133",
            "regex/134",
            "regex/150",
            "regex/154",
            "regex/175",
        ),
    ),
    Difference(
        "A request that HTTP does not allow gets no stub: methods are case-sensitive, and `Authorization` is sent once "
        "(RFC 9110).",
        ("method/get", "method/get-or-head", "basic/plain"),
    ),
    Difference(
        "JSON of stubs is stored as numbers and kept whole: null in metadata stays, `1e20` is not written out.",
        ("mapping/metadata-nested", "response/json-float"),
    ),
    Difference(
        "A known path with another method is 405, and a slash at the end is no matter; WireMock answers 404. "
        "`/mappings/edit`, `/mappings/remove` and `/mappings/unmatched`, which no client calls, and the page at "
        "`/__admin` are missing. `/requests/reset`, which WireMock 3 has dropped and a client calls, is there.",
        (
            "mappings/unknown-path",
            "mappings/method",
            "mappings/trailing-slash",
            "mappings/edit",
            "mappings/remove-*",
            "mappings/unmatched-list",
            "mappings/root",
            "journal/reset",
            "journal/old-reset",
        ),
    ),
    Difference("The version is the mock's own.", ("mappings/health",)),
    Difference(
        "Stubs keep their order when they are saved and read again; WireMock's depends on the names of the files.",
        ("mappings/save",),
    ),
    Difference(
        "A scenario with a slash in its name can be steered by its encoded name; WireMock finds none.",
        ("scenario/odd-name",),
    ),
    Difference(
        "A malformed chunk in response to HEAD has `Matched-Stub-Id` and the common headers; WireMock's has none.",
        ("fault/malformed_response_chunk-head",),
    ),
    Difference(
        "`/near-misses/request` answers with the request as it would have been received; WireMock leaves out what was "
        "not given, takes no `body` but `bodyAsBase64` only, and needs method and URL for a right distance.",
        ("near-miss-request/[abcehmq]*", "near-miss-request/url*"),
    ),
    Difference(
        "Credentials in patterns are secrets, and shown as `[REDACTED]`.",
        ("near-miss/basic", "near-miss-pattern/basic"),
    ),
    Difference(
        "The pointer names the matcher around the wrong one.",
        ("error/and-unknown", "error/includes-text", "error/exactly-object"),
    ),
)
"""Differences of single cases. `golden/differences.json` has what the mock answers to them."""


def find(case: Case) -> Difference | None:
    """Return the difference that a case is listed under, or None."""
    return next((one for one in DIFFERENCES if one.includes(case)), None)

"""The report as a page: what it shows, and that nothing a server sends is more than text in it."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from justhtml import JustHTML

from duologue.conformance.reports.html.json_text import compare_json, format_body
from duologue.conformance.reports.html.page import render_html
from duologue.conformance.running.result import KnownFailure, Result, Verdict
from duologue.contract import operations
from tests.conformance.reports.pages import EVIL, build_full_result, get_attributes, list_tags, parse
from tests.conformance.running.results import build_failure, build_outcome, build_result

FULL = build_full_result()


@pytest.fixture(scope="module")
def page() -> JustHTML:
    """The page of a run in which everything happened."""
    return parse(FULL)


def read(page: JustHTML, selector: str) -> list[str]:
    """Return the texts of elements, with single spaces."""
    return [" ".join(element.to_text(strip=False, separator="").split()) for element in page.query(selector)]


# --- what it shows


@pytest.mark.parametrize(
    ("result", "verdict", "sentence"),
    [
        (build_result(), "Kept", "http://localhost:3001/api keeps the contract: 1 rule judged, none broken."),
        (build_result(fail_under=90), "Broken", "75.0 % coverage is less than 90 %."),
        (build_result(outcomes=(), stopped="It is gone."), "Not judged", "http://localhost:3001/api: It is gone."),
        (
            build_result(build_failure("users.LIST.total", "users.LIST")),
            "Broken",
            "http://localhost:3001/api breaks 1 rule of 2, first users.LIST.total.",
        ),
    ],
)
def test_verdict_is_the_first_sentence(result: Result, verdict: str, sentence: str) -> None:
    page = parse(result)

    assert read(page, "header .verdict") == [verdict]
    assert read(page, "h1") == [sentence]
    assert read(page, "title") == [f"{verdict}: {result.base_url} · Duologue check"]


def test_facts_of_the_run(page: JustHTML) -> None:
    assert read(page, "header dd") == [
        "https://staging.example/plain",
        "https://chat.example/plain",
        "2024-01-01 00:00 UTC",
        "12 s, 340 requests",
        "7",
        "Duologue 0.1.0",
    ]
    assert "It was not judged to its end: It is gone: plain." in read(page, "header p")
    assert read(page, ".tiles strong") == ["3", "1", "1", "1", "1.1 %"]


def test_failures_are_as_in_the_console(page: JustHTML) -> None:
    assert read(page, "article h3") == ["1. health.CHATS.status", "2. users.LIST.total"]
    article = page.query("article")[1].to_text(strip=False, separator="")
    for text in (
        "Rule users.LIST.total holds.",
        "Platform API specification, Users",
        "The total is wrong: plain",
        "limit=1",
        "total: expected 3, got plain",
        "All 2 failures of this rule",
        "Probably for the same reason: 1 more rule",
        "users.LIST.walk-complete",
        "curl http://localhost:3001/api/users",
    ):
        assert text in article


def test_exchange(page: JustHTML) -> None:
    (exchange,) = page.query("article:nth-of-type(2) > .exchange")

    assert [code.to_text() for code in exchange.query("code")] == ["curl 'plain'", "plain", "plain", "plain: plain"]
    assert read(page, "article:nth-of-type(1) .status") == ["599 request id missing"]
    assert "200 OK request id plain" in read(page, ".status")


def test_objects_are_compared_line_by_line(page: JustHTML) -> None:
    assert read(page, ".diff del") == ['- "total": 3']
    assert read(page, ".diff ins") == ['+ "total": "plain"']
    assert read(page, ".comparison dd") == ["200", '"plain"']


def test_coverage(page: JustHTML) -> None:
    matrix = page.query(".matrix")[0]
    header, *rows = [[cell.to_text() for cell in row.query("th, td")] for row in matrix.query("tr")]

    documented = {one.id: one for one in operations() if not one.always_fails}
    assert [row[0].split()[0] for row in rows] == [*documented]
    first = dict(zip(header, rows[0], strict=True))
    assert first["Operation"].split() == ["users.LIST", "GET", "/api/users"]
    assert (first["200"], first["400"].split(), first["404"]) == ("12", ["0", "not", "seen"], "")
    assert read(page, ".events tbody th")[:2] == ["user:created", "user:updated"]
    assert read(page, ".events td")[:2] == ["3", "0 not seen"]
    assert {get_attributes(cell)["scope"] for cell in page.query("th")} == {"col", "row", "rowgroup"}


def test_rules_not_judged_by_reason() -> None:
    outcomes = [build_outcome(f"a.r{n}", Verdict.NOT_JUDGED, reason="No login.") for n in range(2)]
    page = parse(build_result(outcomes=(build_outcome("b.c", Verdict.NOT_JUDGED, reason="It writes."), *outcomes)))

    assert read(page, "#not-judged summary") == ["2 rules: No login.", "1 rule: It writes."]
    assert read(page, "#not-judged li") == [f"{id} Rule {id} holds." for id in ("a.r0", "a.r1", "b.c")]


def test_all_rules(page: JustHTML) -> None:
    rules = {
        get_attributes(row)["id"]: get_attributes(row)["data-verdict"] for row in page.query("#rules tr[data-verdict]")
    }

    assert rules == {
        "rule-chats.UPDATE.etag": "known",
        "rule-health.CHATS.status": "broken",
        "rule-health.PLATFORM.ok": "kept",
        "rule-users.LIST.total": "broken",
        "rule-users.LIST.walk-complete": "broken",
        "rule-events.user-created": "not judged",
    }
    assert read(page, "#rules th[scope=rowgroup]") == ["What operations mean", "Events"]
    assert "Not judged: The server said plain" in read(page, "#rules .note")


def test_rule_that_each_response_is_judged_by() -> None:
    page = parse(build_result(outcomes=(build_outcome("responses.status", cases=0), build_outcome("a.b", cases=3))))

    assert read(page, "#rules .number") == ["3", "each response"]


def test_baseline_and_what_was_left_over(page: JustHTML) -> None:
    assert read(page, "#baseline tbody th, #baseline tbody td") == ["chats.UPDATE.etag", "all", "1", "Issue 7: plain"]
    assert read(page, "#baseline li") == ["chats.GET.etag (plain)"]
    assert read(page, "#left-over li") == ["plain"]


def test_command_to_check_again(page: JustHTML) -> None:
    assert read(page, "footer code") == [
        "duologue check https://staging.example/plain --chat-url https://chat.example/plain"
        " --only health.CHATS.status,users.LIST.total --seed 7"
    ]


def test_long_comparison() -> None:
    lines = [*compare_json({"a": 1, "list": [*range(50)], "z": 1}, {"a": 2, "list": [*range(50)], "z": 1.5})]

    assert lines[:4] == [("same", "{"), ("expected", '  "a": 1,'), ("actual", '  "a": 2,'), ("same", '  "list": [')]
    assert ("skipped", "") in lines
    assert len(lines) < 20
    assert len([*compare_json([*range(5000)], [])]) == 200


def test_body_that_is_not_json_is_shown_as_it_is() -> None:
    assert (format_body('{"a":[1]}'), format_body("{…")) == ('{\n  "a": [\n    1\n  ]\n}', "{…")


# --- what it is made of


def test_page_needs_nothing_else(page: JustHTML) -> None:
    for element in page.query("*"):
        attributes = get_attributes(element)
        assert not attributes.keys() & {"src", "srcset", "action", "style", "background", "poster", "data"}
        assert element.name not in {"link", "base", "iframe", "object", "embed", "img"}
        assert not [name for name in attributes if name.startswith("on")]
        assert attributes.get("href", "#").startswith("#")
    assert not re.search(r"url\(|@import|fetch\(|https?:", read(page, "style")[0] + read(page, "script")[0])


def test_links_lead_somewhere(page: JustHTML) -> None:
    ids = [get_attributes(element)["id"] for element in page.query("[id]")]
    needed = [get_attributes(element)["href"][1:] for element in page.query("a")]
    needed += [get_attributes(element)["aria-labelledby"] for element in page.query("[aria-labelledby]")]

    assert len(ids) == len({*ids})
    assert {*needed} <= {*ids}


@pytest.mark.parametrize(
    "result",
    [
        build_result(),
        build_result(build_failure("unknown", "users.LIST"), outcomes=()),
        build_result(build_failure("unknown", "users.LIST"), outcomes=(), known=(KnownFailure("unknown"),)),
    ],
)
def test_links_of_other_pages_lead_somewhere(result: Result) -> None:
    test_links_lead_somewhere(parse(result))


def test_policy_allows_the_style_and_the_script_alone(page: JustHTML) -> None:
    text = render_html(FULL)
    ((style,), (script,)) = (re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL) for tag in ("style", "script"))
    style_hash, script_hash = (b64encode(sha256(one.encode()).digest()).decode() for one in (style, script))

    (meta,) = page.query("meta[http-equiv]")
    assert get_attributes(meta)["content"] == (
        f"default-src 'none'; style-src 'sha256-{style_hash}'; script-src 'sha256-{script_hash}'; "
        "base-uri 'none'; form-action 'none'"
    )


# --- a hostile server


def test_evil_server_changes_no_element(page: JustHTML) -> None:
    evil = parse(build_full_result(EVIL))

    assert list_tags(evil) == list_tags(page)
    assert EVIL in [code.to_text(strip=False) for code in evil.query("code")]


@settings(max_examples=20)
@given(st.text(min_size=1))
@example("\x00\ud800\ufffe")
@pytest.mark.slow
def test_no_text_changes_an_element(text: str) -> None:
    assert list_tags(parse(build_full_result(text))) == list_tags(parse(FULL))


def test_characters_that_hide_or_reorder_text_are_visible() -> None:
    page = parse(build_full_result("\u202eevil\x00\x1b\ud800\r"))

    assert "\\u202eevil\\x00\\x1b\\ud800\\r" in read(page, "#left-over code")

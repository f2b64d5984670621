"""A result with all that the page can show, and how its page is read."""

from __future__ import annotations

from dataclasses import replace

from justhtml import Comment, Element, JustHTML

from duologue.conformance.reports.html.page import render_html
from duologue.conformance.running.coverage import build_coverage
from duologue.conformance.running.result import Failure, KnownFailure, Result, Verdict
from tests.conformance.running.results import build_exchange, build_failure, build_outcome, build_result

EVIL = "</script></style><script>alert(1)</script><img src=x onerror=alert(2)>\"' onload=alert(3) {{ 7 * 7 }} --> ]]>"


def build_full_result(text: str = "plain") -> Result:
    """Return the result of a run in which a server sent this text wherever it could."""
    failures = (*_build_total(text), _build_status(text), build_failure("chats.UPDATE.etag", "chats.UPDATE"))
    skipped = build_outcome("events.user-created", Verdict.NOT_JUDGED, reason=f"The server said {text}", stage=4)
    return build_result(
        *failures,
        base_url=f"https://staging.example/{text}",
        chat_base_url=f"https://chat.example/{text}",
        outcomes=(*build_result(*failures).outcomes, skipped),
        coverage=build_coverage({("users.LIST", 200): 12}, {"user:created": 3}),
        fail_under=90.0,
        known=(KnownFailure("chats.UPDATE.etag", None, f"Issue 7: {text}"),),
        fixed=(KnownFailure("chats.GET.etag", text),),
        left_over=(text,),
        stopped=f"It is gone: {text}.",
    )


def _build_total(text: str) -> tuple[Failure, ...]:
    """A broken rule in two cases, and one that it explains."""
    total = build_failure(
        "users.LIST.total",
        "users.CREATE",
        "users.LIST",
        case="limit=1",
        message=f"The total is wrong: {text}",
        expected={"total": 3, "same": text},
        actual={"total": text, "same": text},
        differences=(f"total: expected 3, got {text}",),
    )
    exchange = build_exchange(curl=f"curl '{text}'", headers={text: text}, body=text, request_id=text)
    total = replace(total, exchanges=(*total.exchanges[:1], exchange))
    follows = build_failure("users.LIST.walk-complete", "users.CREATE", "users.CREATE", "users.LIST", message=text)
    return total, replace(total, case=text), follows


def _build_status(text: str) -> Failure:
    exchange = build_exchange("health.CHATS", status=599, request_id=None, body="")
    failure = build_failure("health.CHATS.status", "health.CHATS", expected=200, actual=text)
    return replace(failure, exchanges=(exchange,))


def parse(result: Result) -> JustHTML:
    """Return the document of a result's page.

    Raises:
        justhtml.StrictModeError: a parser of HTML has something to object to.
    """
    return JustHTML(render_html(result), strict=True, sanitize=False)


def get_attributes(element: Element | Comment) -> dict[str, str]:
    """Return the attributes of an element."""
    return {name: value or "" for name, value in (element.attrs or {}).items()}


def list_tags(document: JustHTML) -> list[tuple[str, list[str]]]:
    """Return every element of a page, in order, with the names of its attributes."""
    return [(element.name, sorted(get_attributes(element))) for element in document.query("*")]

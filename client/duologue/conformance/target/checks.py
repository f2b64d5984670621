"""The door: what holds for every response, whichever test receives it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import requests

from duologue.conformance import sources
from duologue.conformance.rules import BrokenRuleError, Rule
from duologue.conformance.target import body_checks, header_checks
from duologue.conformance.target.exchange import Exchange, Problem
from duologue.contract import Operation


class Check(NamedTuple):
    """A rule about every response, and what judges it."""

    rule: Rule
    judge: Callable[[Exchange], Problem | None]


def _check(id: str, judge: Callable[[Exchange], Problem | None], source: str, sentence: str) -> Check:
    rule = Rule(id, sentence, source, stage=1, reads_only=True, quick=True, checks_responses=True)
    return Check(rule, judge)


CHECKS = (
    _check(
        "responses.status",
        body_checks.check_status,
        sources.REQUESTS,
        "An operation responds with one of the statuses that the contract has for it.",
    ),
    _check(
        "errors.no-internals",
        body_checks.check_internals,
        sources.ERRORS,
        "No response shows how the server works inside, as a stack trace does.",
    ),
    _check(
        "responses.media-type",
        body_checks.check_media_type,
        sources.REQUESTS,
        "The body of an operation's response, and of every error, is JSON; a stream is text/event-stream.",
    ),
    _check(
        "responses.empty",
        body_checks.check_empty,
        sources.REQUESTS,
        "A response with status 204 or 304 has no body.",
    ),
    _check(
        "responses.envelope",
        body_checks.check_envelope,
        sources.CHAT_HEADERS,
        "A success of the chat service has exactly data, message and metadata, and a page its pagination.",
    ),
    _check(
        "responses.body",
        body_checks.check_body,
        sources.REQUESTS,
        "A success body is exactly what the contract describes: every field, of its type, and no other.",
    ),
    _check(
        "errors.body",
        body_checks.check_error_body,
        sources.ERRORS,
        "Every error has the one error body: message, code, details, errors and metadata, and nothing else.",
    ),
    _check("errors.code", body_checks.check_code, sources.ERRORS, "The code of an error is the one of its status."),
    _check(
        "request-id.header",
        header_checks.check_request_id,
        sources.REQUEST_IDS,
        "X-Request-Id is on every response, and is the request's Unique-Reference-Code if it has one.",
    ),
    _check(
        "request-id.metadata",
        header_checks.check_metadata_id,
        sources.REQUEST_IDS,
        "The body's metadata.requestId is the response's X-Request-Id, except in a replay.",
    ),
    _check(
        "headers.tokens-no-store",
        header_checks.check_tokens,
        sources.CACHES,
        "A response with tokens is Cache-Control: no-store.",
    ),
    _check(
        "headers.security",
        header_checks.check_security,
        sources.CACHES,
        "Every response has X-Content-Type-Options: nosniff, and a Cross-Origin-Resource-Policy of the same origin.",
    ),
    _check(
        "conditional.tag",
        header_checks.check_tag,
        sources.CONDITIONS,
        "A success that carries a resource or a list, and a 304, has an ETag, in quotes.",
    ),
    _check(
        "headers.caching",
        header_checks.check_caching,
        sources.CACHES,
        "Every response varies with Origin; with an ETag it is private and asked for each time, else not stored.",
    ),
    _check(
        "challenges.present",
        header_checks.check_challenge,
        sources.CHALLENGES,
        "A 401 has WWW-Authenticate, which says how to authenticate.",
    ),
    _check(
        "paths.allow",
        header_checks.check_allow,
        sources.REQUESTS,
        "A 405 has Allow, which names the methods that the path has.",
    ),
    _check(
        "responses.location",
        header_checks.check_location,
        sources.REQUESTS,
        "A 201 that creates a user or a session has Location, the path of what was created.",
    ),
    _check(
        "rate-limit.retry-after",
        header_checks.check_retry_after,
        sources.RATE_LIMITS,
        "A 429 has Retry-After, in seconds.",
    ),
    _check(
        "rate-limit.headers",
        header_checks.check_rate_limit,
        sources.RATE_LIMITS,
        "RateLimit-Limit, RateLimit-Remaining and RateLimit-Reset come together, are whole numbers, and fit.",
    ),
    _check(
        "idempotency.replayed",
        header_checks.check_replayed,
        sources.IDEMPOTENCY,
        "Idempotency-Replayed is true, and only on the response to a request with an Idempotency-Key.",
    ),
)


_selected = list(CHECKS)


def select_checks(includes: Callable[[Rule], bool]) -> None:
    """Have this process check only for the rules that `includes` returns true for."""
    _selected[:] = [check for check in CHECKS if includes(check.rule)]


def check_response(response: requests.Response, operation: Operation[Any] | None, *, streamed: bool = False) -> None:
    """Check a response that a test has received.

    Args:
        response: the response.
        operation: what was called; None if it is no operation of the contract.
        streamed: whether the body is read later.

    Raises:
        BrokenRuleError: of the first rule that it breaks.
    """
    exchange = Exchange(response, operation, streamed)
    for check in _selected:
        problem = check.judge(exchange)
        if problem is not None:
            name = f"{operation.id}: " if operation else ""
            raise BrokenRuleError(check.rule.id, name + problem.message, **problem.get_details())

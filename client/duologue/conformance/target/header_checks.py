"""Checks of headers: each returns what is wrong with a response, or None."""

from __future__ import annotations

import re

from duologue.conformance.target.exchange import Exchange, Problem

REFERENCE = re.compile(r"[\x21-\x7e]{1,255}")
ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]*"')
RATE_LIMIT = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


def check_request_id(exchange: Exchange) -> Problem | None:
    """Find a response without the id of its request."""
    actual, sent = exchange.get_header("X-Request-Id"), exchange.get_sent("Unique-Reference-Code")
    if not actual:
        return Problem("X-Request-Id is missing", sent)
    if sent and REFERENCE.fullmatch(sent) and actual != sent:
        return Problem("X-Request-Id is not the request's Unique-Reference-Code", sent, actual)
    return None


def check_metadata_id(exchange: Exchange) -> Problem | None:
    """Find metadata with another id than the header; what has a key may be a replay, which has the first one's."""
    metadata = exchange.json.get("metadata") if isinstance(exchange.json, dict) else None
    if not isinstance(metadata, dict) or exchange.get_sent("Idempotency-Key"):
        return None
    expected, actual = exchange.get_header("X-Request-Id"), metadata.get("requestId")
    return None if expected == actual else Problem("metadata.requestId is not X-Request-Id", expected, actual)


def check_tokens(exchange: Exchange) -> Problem | None:
    """Find tokens that a cache may store."""
    if not isinstance(exchange.json, dict) or "refreshToken" not in exchange.json:
        return None
    if "no-store" in exchange.read_list("Cache-Control"):
        return None
    return Problem("tokens may be stored by caches", "no-store", exchange.get_header("Cache-Control"))


def check_security(exchange: Exchange) -> Problem | None:
    """Find a response that browsers may take for something else, or embed elsewhere."""
    if exchange.get_header("X-Content-Type-Options") != "nosniff":
        return Problem("X-Content-Type-Options is another", "nosniff", exchange.get_header("X-Content-Type-Options"))
    policy = exchange.get_header("Cross-Origin-Resource-Policy")
    if policy in ("same-origin", "same-site"):
        return None
    return Problem("Cross-Origin-Resource-Policy is another", "same-origin", policy)


def check_caching(exchange: Exchange) -> Problem | None:
    """Find a response that a cache may use where it does not belong."""
    if "origin" not in exchange.read_list("Vary"):
        return Problem("Vary does not name Origin", "Origin", exchange.get_header("Vary"))
    directives = exchange.read_list("Cache-Control")
    if "no-store" in directives or ("ETag" in exchange.response.headers and {"private", "no-cache"} <= directives):
        return None
    expected = "private, no-cache" if "ETag" in exchange.response.headers else "no-store"
    return Problem("Cache-Control is another", expected, exchange.get_header("Cache-Control"))


def check_challenge(exchange: Exchange) -> Problem | None:
    """Find a 401 that does not say how to authenticate."""
    if exchange.status != 401 or exchange.get_header("WWW-Authenticate"):
        return None
    return Problem("a 401 has no WWW-Authenticate")


def check_allow(exchange: Exchange) -> Problem | None:
    """Find a 405 that does not say what is allowed."""
    return Problem("a 405 has no Allow") if exchange.status == 405 and not exchange.get_header("Allow") else None


def check_location(exchange: Exchange) -> Problem | None:
    """Find something created, and not where."""
    if exchange.status != 201 or exchange.operation is None or exchange.operation.path not in ("/users", "/chats"):
        return None
    body = exchange.json if isinstance(exchange.json, dict) else {}
    data = body.get("data") if exchange.operation.enveloped else body
    created_id = data.get("_id" if exchange.operation.enveloped else "id") if isinstance(data, dict) else None
    expected, actual = f"{exchange.operation.route}/{created_id}", exchange.get_header("Location")
    return None if expected == actual else Problem("Location is not the path of what was created", expected, actual)


def check_tag(exchange: Exchange) -> Problem | None:
    """Find a resource without its tag."""
    if exchange.operation is None or not exchange.operation.has_etag:
        return None
    if not exchange.is_success and exchange.status != 304:
        return None
    tag = exchange.get_header("ETag")
    return None if tag and ETAG.fullmatch(tag) else Problem("ETag is missing or malformed", '"…"', tag)


def check_retry_after(exchange: Exchange) -> Problem | None:
    """Find a refusal that does not say for how long."""
    value = exchange.get_header("Retry-After") or ""
    if exchange.status != 429 or value.isdigit():
        return None
    return Problem("a 429 has no Retry-After in seconds", actual=value)


def check_rate_limit(exchange: Exchange) -> Problem | None:
    """Find headers about a limit that contradict each other."""
    values = {name: exchange.get_header(name) for name in RATE_LIMIT}
    if set(values.values()) == {None}:
        return None
    if not all(value is not None and value.isdigit() for value in values.values()):
        return Problem("the headers about the rate limit are not all there as whole numbers", actual=values)
    limit, remaining, reset = (int(str(value)) for value in values.values())
    if remaining > limit or reset > 60:
        return Problem("the headers about the rate limit contradict each other, or its minute is longer", actual=values)
    return None


def check_replayed(exchange: Exchange) -> Problem | None:
    """Find a replay that cannot be one."""
    value = exchange.get_header("Idempotency-Replayed")
    if value is None or (value == "true" and exchange.get_sent("Idempotency-Key")):
        return None
    return Problem("Idempotency-Replayed is not true, or nothing can be replayed", actual=value)

"""Conditional requests: `If-Match` and `If-None-Match` (RFC 9110, section 13).

`If-Modified-Since`, `If-Unmodified-Since` and `If-Range` are ignored, as that section says of resources without a
modification date and of a server without ranges.
"""

from __future__ import annotations

import re

from duologue.contract import headers
from duologue_mock.errors import HTTPError, validation_error
from duologue_mock.http.messages import Request

_LIST = re.compile(headers.ENTITY_TAGS)
_TAG = re.compile(r'(?:W/)?"[^"]*"')


def has_preconditions(request: Request) -> bool:
    """Return whether a request is conditional."""
    environ = request.environ
    return "HTTP_IF_NONE_MATCH" in environ or "HTTP_IF_MATCH" in environ


def check_preconditions(request: Request, etag: str, *, safe: bool) -> bool:
    """Check the preconditions of a request, in the order of RFC 9110, section 13.2.2.

    Args:
        request: the request.
        etag: the resource's entity tag now, a strong one.
        safe: whether the request only reads.

    Returns:
        Whether the response is 304: the request is a read of what the caller has already.

    Raises:
        HTTPError: a condition does not hold (412), or is malformed (400): had it been ignored, the change that it was
            to prevent would be made.
    """
    if_match = _parse(request, "If-Match", "HTTP_IF_MATCH")
    if_none_match = _parse(request, "If-None-Match", "HTTP_IF_NONE_MATCH")
    if if_match is not None and not ("*" in if_match or etag in if_match):  # a weak tag never matches: section 13.1.1
        hint = f"Its ETag is {etag} now; get it again and repeat the change."
        raise HTTPError(412, "The resource has changed meanwhile", hint=hint)
    if if_none_match is None or not ("*" in if_none_match or etag in if_none_match or f"W/{etag}" in if_none_match):
        return False
    if not safe:
        raise HTTPError(412, "The resource exists", hint=f"Its ETag is {etag}, which `If-None-Match` excludes.")
    return True


def _parse(request: Request, name: str, key: str) -> frozenset[str] | None:
    """Return the entity tags in a header, quotes included, or `*` alone; None if the request has no such header."""
    value = request.header(key)
    if value is None:
        return None
    value = value.strip(" \t")
    if value == "*":
        return frozenset("*")
    if not _LIST.fullmatch(value):
        raise validation_error({name: ['Must be `*` or a list of entity tags, as `"a", W/"b"`.']})
    return frozenset(_TAG.findall(value))

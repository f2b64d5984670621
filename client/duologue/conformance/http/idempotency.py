"""Requests with an `Idempotency-Key`, and their replays."""

from __future__ import annotations

from typing import Any

import requests

from duologue.conformance.target.unique_names import unique
from duologue.contract import operations

KEYED = [operation for operation in operations() if operation.method in ("POST", "PATCH")]
"""Every operation that takes a key."""


def with_key(key: str | None = None) -> dict[str, str]:
    """Return the header with a key, a new one by default."""
    return {"Idempotency-Key": unique("key") if key is None else key}


def check_replay(first: requests.Response, again: requests.Response) -> None:
    """Check that a response is marked as a replay of another, and equals it."""
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.status_code == first.status_code
    assert _read_body(again) == _read_body(first)
    for name in ("Location", "ETag", "Content-Type"):
        assert again.headers.get(name) == first.headers.get(name)


def _read_body(response: requests.Response) -> Any:
    """Return the body without its metadata: that is about the response, of which there are two."""
    body = response.json() if response.content else {}
    return {key: value for key, value in body.items() if key != "metadata"}

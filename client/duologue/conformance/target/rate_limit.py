"""Waiting where the server limits requests."""

from __future__ import annotations

import time
from collections.abc import Callable

import requests


def retry_when_limited(send: Callable[[], requests.Response]) -> requests.Response:
    """Return the response to a request; where the server limits requests, repeat it as late as it says."""
    for _ in range(5):
        response = send()
        if not _is_over_limit(response):
            break
        time.sleep(float(response.headers.get("Retry-After", 1)))
    return response


def _is_over_limit(response: requests.Response) -> bool:
    """Whether a limit is the reason for a 429, which `GET /error` returns on request too."""
    return response.status_code == 429 and response.headers.get("RateLimit-Remaining") == "0"

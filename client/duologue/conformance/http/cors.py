"""What a response grants to pages of other origins."""

from __future__ import annotations

import requests


def check_granted(response: requests.Response, origin: str) -> None:
    """Check that the page at `origin` may read `response`, with credentials."""
    assert response.headers["Access-Control-Allow-Origin"] == origin
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    assert "origin" in read_list(response, "Vary")


def check_denied(response: requests.Response) -> None:
    """Check that no page may read `response`."""
    assert not [name for name in response.headers if name.lower().startswith("access-control-")]


def read_list(response: requests.Response, header: str) -> set[str]:
    """Return the elements of a header that is a list, in lower case."""
    return {part.strip().lower() for part in response.headers[header].split(",")}

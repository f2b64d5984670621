"""Tags of what there is, and others."""

from __future__ import annotations

from duologue.conformance.target.caller import Api
from duologue.contract import operations

TAGGED = [
    operation for operation in operations() if operation.safe and operation.response and operation.resource != "health"
]
"""The reads whose responses have tags."""
OTHER = ['"other"', 'W/"other"', '"a", "b"', '""', '"x,*,y"', '"*"', '",", "W/"', ", ,"]
"""Conditions that have the tag of nothing."""


def tag(api: Api, path: str) -> str:
    """Return the present tag of what is at `path`."""
    return api.get(path).headers["ETag"]

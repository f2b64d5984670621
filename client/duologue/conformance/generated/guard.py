"""Generated requests change only what generated requests have created: a server under test has data of its own.

The examples of the OpenAPI document have ids as real servers have, `1` and `2`. A change of what was not created here
goes to an id that does not exist.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

import requests
import schemathesis

from duologue.conformance.generated.journal import note_response

_TIMEOUT = 10.0
_READS = ("GET", "HEAD", "OPTIONS", "TRACE")
_PLAIN = r"[\w-]+"
"""An id as a server may have, now or a moment later; another one is sent as it is unless there is such a resource."""
_created: set[str] = set()


def redirect_change(case: schemathesis.Case[Any]) -> None:
    """Send a change of something that was there before to an unknown id."""
    id = (case.path_parameters or {}).get("id")
    if id is None or case.method.upper() in _READS or str(id) in _created:
        return
    if re.fullmatch(_PLAIN, str(id)) or _exists(case, str(id)):
        case.path_parameters["id"] = f"unknown-{uuid.uuid4().hex}"


def _exists(case: schemathesis.Case[Any], id: str) -> bool:
    path = case.operation.path
    url = f"{case.operation.base_url}{path[: path.index('{id}')]}{id}"
    headers = {name: str(value) for name, value in (case.headers or {}).items()}
    try:
        response = requests.get(url, headers=headers, timeout=_TIMEOUT)
    except (requests.RequestException, ValueError):  # as of headers that cannot be sent
        return False
    note_response(response)
    return response.status_code not in (400, 401, 404)


def allow_changes(id: str) -> None:
    """Remember that a generated request has created this user or session."""
    _created.add(id)

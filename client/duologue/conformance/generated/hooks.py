"""How Schemathesis identifies itself, and what makes the requests that it generates true as well as valid.

It identifies itself by the API key it is given, and by a token. It deletes users, ends logins and changes roles as it
goes, so its administrator may be gone at any moment; a new one is created then, by an anonymous caller where one may.
"""

from __future__ import annotations

import os
import re
import uuid
from typing import Any

import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.transport import Response
from schemathesis.generation.meta import CoveragePhaseData, TestPhase

from duologue.conformance.generated.guard import allow_changes, redirect_change
from duologue.conformance.generated.journal import note_response
from duologue.contract import headers


@schemathesis.auth(retry_on=[401]).apply_to(schemathesis.openapi.require_security_scheme("bearer"))
class FreshAdministrator:
    """Creates an administrator and logs it in, and another when that one is gone."""

    def __init__(self) -> None:
        self._token: str | None = None

    def get(self, case: schemathesis.Case[Any], context: schemathesis.AuthContext) -> str:
        """Return a token; it is asked for after each 401, also where the request had an invalid token on purpose."""
        base = str(case.operation.base_url)
        if self._token is None or not _is_valid(base, self._token):
            self._token = self._log_in(base)
        return self._token

    def _log_in(self, base: str) -> str:
        email, password = f"{uuid.uuid4().hex}@example.com", uuid.uuid4().hex
        admin = {"name": "Administrator", "email": email, "role": "admin", "password": password}
        _post(f"{base}/api/users", admin, os.environ.get("DUOLOGUE_CREATOR_TOKEN"))
        response = _post(f"{base}/api/auth/login", {"email": email, "password": password})
        token: str = response.json()["token"]
        return token

    def set(self, case: schemathesis.Case[Any], data: str, context: schemathesis.AuthContext) -> None:
        """Send the token with a request."""
        case.headers["Authorization"] = f"Bearer {data}"


def _is_valid(base: str, token: str) -> bool:
    headers = {"Authorization": f"Bearer {token}"}
    response = requests.get(f"{base}/api/auth/me", headers=headers, timeout=10)
    note_response(response)
    return bool(response.status_code == 200 and response.json().get("role") == "admin")


def _post(url: str, body: dict[str, str], token: str | None = None) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    response = requests.post(url, json=body, headers=headers, timeout=10)
    note_response(response)
    response.raise_for_status()
    return response


@schemathesis.auth().apply_to(schemathesis.openapi.require_security_scheme("apiKey"))
class APIKey:
    """Knows the API key."""

    def get(self, case: schemathesis.Case[Any], context: schemathesis.AuthContext) -> str:
        """Return the key."""
        return os.environ["DUOLOGUE_API_KEY"]

    def set(self, case: schemathesis.Case[Any], data: str, context: schemathesis.AuthContext) -> None:
        """Send the key with a request."""
        case.headers["x-api-key"] = data


schemathesis.openapi.format("email", st.from_regex(r"[a-z0-9]{1,20}@[a-z0-9]{1,20}\.example\.com", fullmatch=True))


@schemathesis.hook
def before_load_schema(context: schemathesis.HookContext, raw_schema: dict[str, Any]) -> None:
    """Have e-mail addresses come from their format alone: to look for some that a pattern allows takes a minute."""
    _simplify_emails(raw_schema)


def _simplify_emails(value: Any) -> None:
    if isinstance(value, dict):
        if value.get("format") == "email":
            for name in ("pattern", "minLength", "maxLength"):
                value.pop(name, None)
        value = [*value.values()]
    for part in value if isinstance(value, list) else ():
        _simplify_emails(part)


_OTHER_HEADERS = frozenset({"authorization", "x-api-key", "content-type", "accept", "user-agent"})
"""What Schemathesis sends besides the headers that an operation describes."""
_tried: set[tuple[str, str, str]] = set()


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case[Any]) -> bool:
    """Try each way in which a header is wrong once at each operation; it comes up to twelve times."""
    data = case.meta.phase.data if case.meta is not None else None
    if not isinstance(data, CoveragePhaseData) or data.parameter is None:
        return True
    if data.parameter_location is not ParameterLocation.HEADER:
        return True
    way = (case.operation.label, data.parameter, data.description.removeprefix(f"{data.parameter}: "))
    is_new = way not in _tried
    _tried.add(way)
    return is_new


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: dict[str, Any]) -> None:
    """Change what is valid by itself, and false of the requests before or of the rest of this one."""
    _drop_other_headers(case)
    redirect_change(case)
    _use_new_key(case)
    _satisfy_conditions(case)
    _use_id_of_path(case)


def _drop_other_headers(case: schemathesis.Case[Any]) -> None:
    """Names of headers are generated too, and some have a meaning that no document describes: `Host`, `Expect`."""
    described = _OTHER_HEADERS | {parameter.name.lower() for parameter in case.operation.headers}
    for name in [name for name in case.headers if name.lower() not in described]:
        del case.headers[name]


def _use_new_key(case: schemathesis.Case[Any]) -> None:
    """A key names one request; a generated one comes again, with another body (422), or when what it made is gone."""
    key = case.headers.get(headers.IDEMPOTENCY_KEY)
    if isinstance(key, str) and 0 < len(key.strip()) <= headers.MAX_VALUE_LENGTH:
        case.headers[headers.IDEMPOTENCY_KEY] = key.strip()[: headers.MAX_VALUE_LENGTH - 32] + uuid.uuid4().hex


def _satisfy_conditions(case: schemathesis.Case[Any]) -> None:
    """A made-up tag is that of no resource, so nothing would be changed. Links have true ones, which are left alone."""
    conditions = case.headers
    has_links = case.meta is not None and case.meta.phase.name is TestPhase.STATEFUL
    if not has_links and re.fullmatch(headers.ENTITY_TAGS, str(conditions.get("If-Match", "invalid"))):
        conditions["If-Match"] = "*"
    if case.method != "GET" and conditions.get("If-None-Match") == "*":
        conditions["If-None-Match"] = '"none"'


def _use_id_of_path(case: schemathesis.Case[Any]) -> None:
    """The body of `PUT /users/{id}` may have an `id`, which is that of the path: no schema can say so."""
    is_update = case.operation.label == "PUT /api/users/{id}"
    if is_update and isinstance(case.body, dict) and isinstance(case.body.get("id"), str):
        case.body = {**case.body, "id": (case.path_parameters or {}).get("id")}


@schemathesis.hook
def after_call(context: schemathesis.HookContext, case: schemathesis.Case[Any], response: Response) -> None:
    """Write the request down, and remember what it has created."""
    id = note_response(response)
    if id is not None:
        allow_changes(id)


@schemathesis.check
def condition_of_failed_precondition(
    ctx: schemathesis.CheckContext, response: Response, case: schemathesis.Case[Any]
) -> None:
    """Only a request with a condition gets 412: the check of valid data lets that status pass."""
    sent = {name.lower() for name in case.headers}
    if response.status_code == 412 and not sent & {"if-match", "if-none-match"}:
        raise AssertionError("412 Precondition Failed, and the request has no If-Match and no If-None-Match")

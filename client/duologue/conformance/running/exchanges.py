"""What a report shows of requests and responses: a command line to send it again, and no secrets."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from duologue.conformance.running.result import Exchange
from duologue.conformance.target.caller import find_operation
from duologue.observability.redaction import is_secret, redact, redact_headers, redact_value

MAX_BODY = 4_000
"""Characters of the body of a response."""

_VARIABLES = {"x-api-key": "$API_KEY", "authorization": "Bearer $TOKEN", "cookie": "$COOKIE"}
_NOT_SHOWN = {"user-agent", "accept-encoding", "connection", "content-length"}
"""Headers that every program sends."""


def build_exchange(response: requests.Response) -> Exchange:
    """Return what a report shows of a response and its request."""
    request = response.request
    operation = find_operation(str(request.method), urlsplit(str(request.url)).path)
    return Exchange(
        curl=" ".join(_build_curl(request)),
        operation=operation.id if operation else None,
        status=response.status_code,
        headers=redact_headers(response.headers),
        body=_read_body(response),
        request_id=response.headers.get("X-Request-Id"),
    )


def _build_curl(request: requests.PreparedRequest) -> Iterator[str]:
    yield "curl --include"
    if request.method != ("POST" if request.body else "GET"):
        yield f"--request {request.method}"
    yield shlex.quote(str(request.url))
    for name, value in request.headers.items():
        if name.lower() not in _NOT_SHOWN:
            yield f"--header {_quote_header(name, _decode(value))}"
    if request.body:
        yield f"--data-binary {_quote_body(_decode(request.body))}"


def _quote_header(name: str, value: str) -> str:
    """Return a header as a word of a shell; a variable stands for a secret."""
    variable = _VARIABLES.get(name.lower())
    if variable is None or not value:
        return shlex.quote(f"{name}: {value}" if value else f"{name};")
    return f'"{name}: {variable}"'


def _quote_body(body: str) -> str:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return shlex.quote(redact(body))
    return _quote_secrets(shlex.quote(json.dumps(_hide(value), ensure_ascii=False)))


_MARK = "\ufffcduologue:"
"""Stands before the name of a variable until the text is quoted: no request has it."""


def _hide(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _get_mark(name) if _is_hidden(name, item) else _hide(item) for name, item in value.items()}
    return [_hide(item) for item in value] if isinstance(value, list) else value


def _is_hidden(name: str, value: Any) -> bool:
    return is_secret(name) and isinstance(value, str)


def _get_mark(name: str) -> str:
    words = re.sub("(?<=[a-z])(?=[A-Z])|[^A-Za-z0-9]", "_", name)
    return f"{_MARK}{words.upper()}:"


def _quote_secrets(quoted: str) -> str:
    """Let the shell insert the variables: `'{"password": "'"$PASSWORD"'"}'`."""
    return re.sub(rf"{_MARK}([A-Z0-9_]+):", r"""'"$\1"'""", quoted)


def _decode(text: str | bytes) -> str:
    return text.decode("utf-8", "backslashreplace") if isinstance(text, bytes) else str(text)


def _read_body(response: requests.Response) -> str:
    """Return the body without its secrets; of a stream that is still open, nothing is read."""
    if not isinstance(response._content, bytes):
        return ""
    text = _decode(response._content)
    try:
        text = json.dumps(redact_value(json.loads(text)), ensure_ascii=False)
    except (ValueError, RecursionError):
        text = redact(text)
    return text if len(text) <= MAX_BODY else f"{text[:MAX_BODY]}…"

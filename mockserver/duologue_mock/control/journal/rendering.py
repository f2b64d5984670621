"""Entries in WireMock's shape, without secrets."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from duologue_mock.control.journal.entry import MAX_BODY, Entry
from duologue_mock.control.journal.journal import Journal
from duologue_mock.control.journal.redaction import MASK, Redactor
from duologue_mock.control.received import ReceivedRequest

JSON = dict[str, Any]

T = TypeVar("T")


class EntryRenderer:
    """Renders entries of one journal.

    Args:
        journal: the journal, which knows the entries' ids.
        secrets: what is masked wherever it stands, as the mock's API keys.
    """

    def __init__(self, journal: Journal, secrets: Iterable[str] = ()) -> None:
        self._journal = journal
        self._secrets = tuple(secrets)

    def render(self, entry: Entry) -> JSON:
        """Return an entry: its request, its response, what decided it, and how it broke the contract."""
        return self.build(lambda redactor: self._build_entry(entry, redactor))

    def render_request(self, entry: Entry) -> JSON:
        """Return an entry's request alone."""
        received = self._receive(entry)
        return self.build(lambda redactor: build_request(received, redactor, entry))

    def render_received(self, request: ReceivedRequest) -> JSON:
        """Return a request that is not in the journal."""
        return self.build(lambda redactor: build_request(request, redactor))

    def render_summary(self, entry: Entry) -> JSON:
        """Return what a list of requests shows of an entry: no headers and no bodies."""
        received = self._receive(entry)

        def build(redactor: Redactor) -> JSON:
            build_request(received, redactor, entry)  # for the secrets in it, which what is shown may repeat
            return {
                "id": str(received.id),
                "method": received.method,
                "url": redactor.redact_url(received.url),
                "status": entry.status,
                "loggedDate": entry.milliseconds,
                "totalTime": round(entry.elapsed * 1000),
                "wasMatched": not entry.is_unmatched,
                **({"stubId": str(entry.stub_id)} if entry.stub_id is not None else {}),
                **_build_own_fields(entry, redactor),
            }

        return self.build(build)

    def redact(self, value: Any) -> Any:
        """Return a JSON value that is not an entry's without secrets."""
        return self.build(lambda redactor: redactor.redact_json(value))

    def build(self, build: Callable[[Redactor], T]) -> T:
        """Return what a function builds with a redactor.

        It is called twice where a secret was found the first time: what was built before that may repeat it.
        """
        redactor = Redactor(self._secrets)
        result = build(redactor)
        return build(redactor) if redactor.has_learned else result

    def _receive(self, entry: Entry) -> ReceivedRequest:
        return entry.to_received(self._journal.get_id(entry))

    def _build_entry(self, entry: Entry, redactor: Redactor) -> JSON:
        received = self._receive(entry)
        total = round(entry.elapsed * 1000)
        stub = None if entry.served.stub is None else entry.served.stub.json
        definition = {"status": entry.status, "fromConfiguredStub": False} if stub is None else stub.get("response", {})
        delay = round(entry.served.delay)
        built = {
            "id": str(received.id),
            "request": build_request(received, redactor, entry),
            "responseDefinition": redactor.redact_json(definition),
            "response": _build_response(entry, redactor),
            "wasMatched": not entry.is_unmatched,
            "timing": {
                "addedDelay": delay,
                "processTime": max(0, total - delay),
                "responseSendTime": 0,
                "serveTime": max(0, total - delay),
                "totalTime": max(total, delay),
            },
            "subEvents": [],
        }
        if stub is not None:
            built["stubMapping"] = redactor.redact_json(stub)
        return {**built, **_build_own_fields(entry, redactor)}


def build_request(request: ReceivedRequest, redactor: Redactor, entry: Entry | None = None) -> JSON:
    """Return a request in WireMock's shape.

    Args:
        request: the request.
        redactor: masks its secrets.
        entry: the entry that it belongs to, if there is one.
    """
    content_type = request.get_header("content-type") or ""
    protocol = "HTTP/1.1" if entry is None else entry.split_request_line()[2]
    url = redactor.redact_url(request.url)
    built = {
        "url": url,
        "absoluteUrl": f"{request.scheme}://{_format_authority(request)}{url}",
        "method": request.method,
        "clientIp": request.get_header("x-forwarded-for") or request.client_ip,  # as patterns see it
        "headers": _collect(request.sent_headers, redactor.redact_header),
        "cookies": {
            name: _unwrap([redactor.redact_cookie_value(name, value) for value in values])
            for name, values in request.cookies.items()
        },
        "browserProxyRequest": False,
        **_build_date(request),
        **_build_body(request.body, content_type, request.get_header("content-encoding"), redactor),
        "protocol": protocol,
        "scheme": request.scheme,
        "host": request.host,
        "port": request.port,
        "queryParams": _build_parameters(request.query, redactor),
        "formParams": _build_parameters(request.form, redactor),
    }
    if entry is not None and entry.body_size > MAX_BODY:
        built["bodySize"] = entry.body_size
    return built


def format_date(moment: datetime) -> str:
    """Return a moment as WireMock writes it: in UTC, with milliseconds whose trailing zeros are cut."""
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    milliseconds = f"{moment.microsecond // 1000:03}".rstrip("0")
    return f"{text}.{milliseconds}Z" if milliseconds else f"{text}Z"


def _build_date(request: ReceivedRequest) -> JSON:
    moment = request.received_at
    if moment is None:
        return {}
    return {"loggedDate": round(moment.timestamp() * 1000), "loggedDateString": format_date(moment)}


def _format_authority(request: ReceivedRequest) -> str:
    """Return host and port; the scheme's own port is left out."""
    default = 443 if request.scheme == "https" else 80
    return request.host if request.port == default else f"{request.host}:{request.port}"


def _build_response(entry: Entry, redactor: Redactor) -> JSON:
    headers = entry.response_headers
    content_type = next((value for name, value in headers if name.lower() == "content-type"), "")
    coding = next((value for name, value in headers if name.lower() == "content-encoding"), None)
    built: JSON = {
        "status": entry.status,
        "headers": _collect(headers, redactor.redact_header),
        **_build_body(entry.response_body, content_type, coding, redactor),
    }
    if entry.served.fault is not None:
        built["fault"] = entry.served.fault
    if entry.response_size > len(entry.response_body):
        built["bodySize"] = entry.response_size
    return built


def _build_body(body: bytes, content_type: str, coding: str | None, redactor: Redactor) -> JSON:
    """Return a body as Base64 and as text. One that is compressed is not shown: its secrets could not be seen."""
    if not body:
        return {"bodyAsBase64": "", "body": ""}
    if coding is not None and coding.strip().lower() not in ("", "identity"):
        return {"bodyAsBase64": _encode(MASK.encode()), "body": MASK}
    text = redactor.redact_body(body, content_type)
    shown = body if text == body.decode("utf-8", "replace") else text.encode("utf-8", "replace")
    return {"bodyAsBase64": _encode(shown), "body": text}


def _encode(body: bytes) -> str:
    return base64.b64encode(body).decode("ascii")


def _collect(headers: Iterable[tuple[str, str]], redact: Callable[[str, str], str]) -> JSON:
    """Return headers by the name that was sent first; those that are repeated, in whatever spelling, as lists."""
    names: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(names.setdefault(name.lower(), name), []).append(redact(name, value))
    return {name: _unwrap(several) for name, several in values.items()}


def _unwrap(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values


def _build_parameters(parameters: Mapping[str, list[str]], redactor: Redactor) -> JSON:
    return {
        name: {"key": name, "values": [redactor.redact_parameter(name, value) for value in values]}
        for name, values in parameters.items()
    }


def _build_own_fields(entry: Entry, redactor: Redactor) -> JSON:
    """Return what WireMock's entries do not have."""
    operation, preference, exceeded = entry.operation, entry.served.preference, entry.served.exceeded
    fields: JSON = {
        "operation": None if operation is None else operation.id,
        "caller": _build_caller(entry),
        "violations": [redactor.redact_json(one.to_json()) for one in entry.violations],
    }
    if preference is not None:
        fields["preference"] = redactor.redact_text(preference)
    if exceeded:
        fields["exceeded"] = [redactor.redact_text(sentence) for sentence in exceeded]
    return fields


def _build_caller(entry: Entry) -> JSON:
    """Return who made the request: a platform user, a chat service's user, or an address."""
    principal = entry.principal
    if principal is not None and principal.user is not None:
        return {"userId": principal.user.id, "role": principal.user.role}
    if principal is not None and principal.user_id:
        return {"chatUserId": principal.user_id}
    return {"address": entry.client_ip}

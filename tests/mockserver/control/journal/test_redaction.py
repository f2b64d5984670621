"""No secret is in what the journal shows, wherever it was sent; and patterns match it as it was sent."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_mock.control.journal.redaction import MASK, Redactor
from duologue_mock.control.watching.recorder import Recorder
from duologue_mock.errors import HTTPError
from duologue_mock.http.messages import Request
from tests.linear_time import check_linear
from tests.mockserver.control.recording import build_request, build_response, create_recorder, record

JSON_TYPE = ("Content-Type", "application/json")
FORM_TYPE = ("Content-Type", "application/x-www-form-urlencoded")

NAMES = st.sampled_from(
    ["password", "token", "refreshToken", "access_token", "apiKey", "api-key", "x-api-key", "clientSecret",
     "newPassword", "Authorization", "passwd", "TOKEN", "user_password", "credentials", "idToken"]
)  # fmt: skip
SECRETS = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=12, max_size=40).map("s3cr3t".__add__)
TRICKY_SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, categories=["L", "N", "P", "S"]),
                         min_size=12, max_size=40).map("s3cr3t".__add__)  # fmt: skip


def send_json(value: Any) -> Request:
    return build_request("POST", "/api/users", JSON_TYPE, body=json.dumps(value).encode())


PLACES: dict[str, Callable[[str, str], Request]] = {
    "query": lambda name, secret: build_request("GET", f"/api/users?page=1&{urlencode({name: secret})}&limit=2"),
    "nested query name": lambda name, secret: build_request("GET", f"/api/users?user[{name}]={quote(secret, safe='')}"),
    "JSON in a query": lambda name, secret: build_request(
        "GET", "/api/users?" + urlencode({"filter": json.dumps({"where": {name: secret}})})
    ),
    "form": lambda name, secret: build_request(
        "POST", "/form", FORM_TYPE, body=urlencode({"a": 1, name: secret}).encode()
    ),
    "JSON": lambda name, secret: send_json({"email": "a@example.com", name: secret}),
    "nested JSON": lambda name, secret: send_json({"a": [{"b": {"c": {name: secret}}}]}),
    "JSON below the name": lambda name, secret: send_json({name: {"value": [secret, 1]}}),
    "JSON in JSON": lambda name, secret: send_json({"payload": json.dumps({"inner": json.dumps({name: secret})})}),
    "text in JSON": lambda name, secret: send_json({"content": f"my {name}: {secret.split()[0]}"}),
    "URL in JSON": lambda name, secret: send_json({"callback": f"https://x.example/?{urlencode({name: secret})}"}),
    "JSON with a name twice": lambda name, secret: build_request(
        "POST", "/api/users", JSON_TYPE, body=b'{"a": %b, "a": 1}' % json.dumps({name: secret}).encode()
    ),
    "JSON that was cut": lambda name, secret: build_request(
        "POST", "/api/users", JSON_TYPE, body=json.dumps({"a": "b", name: secret, "c": "d"}).encode()[:-6]
    ),
    "JSON in UTF-16": lambda name, secret: build_request(
        "POST", "/api/users", JSON_TYPE, body=json.dumps({name: secret}).encode("utf-16-le")
    ),
    "multipart": lambda name, secret: build_request(
        "POST", "/form", ("Content-Type", "multipart/form-data; boundary=x"),
        body=f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{secret}\r\n--x--\r\n'.encode(),
    ),
    "gzip": lambda name, secret: build_request(
        "POST", "/form", JSON_TYPE, ("Content-Encoding", "gzip"),
        body=gzip.compress(json.dumps({name: secret}).encode()),
    ),
}  # fmt: skip
EXACT_PLACES = ("query", "form", "JSON", "nested JSON", "JSON in JSON", "JSON in a query")
"""Those that say where a secret ends, whatever its characters are."""
HEADER_PLACES: dict[str, Callable[[str], Request]] = {
    "bearer": lambda secret: build_request("GET", "/api/auth/me", ("Authorization", f"Bearer {secret}")),
    "lower case": lambda secret: build_request("GET", "/api/auth/me", ("authorization", secret)),
    "API key": lambda secret: build_request("GET", "/chats-service/api/v1/chats", ("X-Api-Key", secret)),
    "another header": lambda secret: build_request("GET", "/api/users", ("X-Refresh-Token", secret)),
    "twice": lambda secret: build_request("GET", "/api/users", ("X-Auth-Token", "abc"), ("x-auth-token", secret)),
    "cookie": lambda secret: build_request("GET", "/api/users", ("Cookie", f"theme=dark; access_token={secret}; a=b")),
    "session cookie": lambda secret: build_request("GET", "/api/users", ("Cookie", f"sessionid={secret}")),
    "repeated in the path": lambda secret: build_request(
        "GET", f"/api/{secret}", ("Authorization", f"Bearer {secret}")
    ),
    "repeated in the body": lambda secret: build_request(
        "POST", "/api/users", ("x-api-key", secret), JSON_TYPE, body=json.dumps({"note": f"{secret}!"}).encode()
    ),
}


def show(recorder: Recorder) -> str:
    """Return all that is shown of the newest request, in one text; Base64 decoded, and escapes undone."""
    entry = list(recorder.journal)[-1]
    shown = recorder.renderer.render(entry)
    decoded = [base64.b64decode(shown[part]["bodyAsBase64"]) for part in ("request", "response")]
    decoded += [body.replace(b"\x00", b"") for body in decoded]
    parts = [shown, recorder.renderer.render_request(entry), recorder.renderer.render_summary(entry),
             recorder.violations.list_newest(), *(body.decode("utf-8", "replace") for body in decoded)]  # fmt: skip
    return json.dumps(parts, ensure_ascii=False)


def assert_hidden(secret: str, shown: str) -> None:
    for spelled in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1], json.dumps(json.dumps(secret))[3:-3]):
        assert spelled not in shown
    assert MASK in shown


@given(place=st.sampled_from(sorted(PLACES)), name=NAMES, secret=SECRETS)
@settings(max_examples=150)
def test_secret_by_its_name(place: str, name: str, secret: str) -> None:
    recorder = create_recorder()
    record(recorder, PLACES[place](name, secret))
    assert_hidden(secret, show(recorder))


@given(place=st.sampled_from(EXACT_PLACES), name=NAMES, secret=TRICKY_SECRETS)
def test_secret_with_any_characters(place: str, name: str, secret: str) -> None:
    recorder = create_recorder()
    record(recorder, PLACES[place](name, secret))
    assert_hidden(secret, show(recorder))


@given(place=st.sampled_from(sorted(HEADER_PLACES)), secret=SECRETS)
def test_secret_in_a_header(place: str, secret: str) -> None:
    recorder = create_recorder()
    record(recorder, HEADER_PLACES[place](secret))
    assert_hidden(secret, show(recorder))


@given(secret=SECRETS, name=NAMES)
def test_secret_in_a_response(secret: str, name: str) -> None:
    recorder = create_recorder()
    body = json.dumps({"user": {"id": "1"}, name: secret}).encode()
    record(
        recorder,
        response=build_response(200, body, ("Set-Cookie", f"token={secret}; Path=/"), ("Link", f"<?{name}={secret}>")),
    )
    assert_hidden(secret, show(recorder))


@given(secret=SECRETS)
def test_secret_in_an_error(secret: str) -> None:
    """A refusal may repeat what it refuses: the entry, the list of violations and the summary do not."""
    recorder = create_recorder()
    request = build_request("POST", "/api/users", JSON_TYPE, body=json.dumps({"password": secret, secret: 1}).encode())
    error = HTTPError(400, "Validation failed", fields={secret: [f"Unknown field {secret}."]}, hint=f"Not {secret}!")
    record(recorder, request, build_response(400, json.dumps({"message": secret}).encode(), error=error))
    assert_hidden(secret, show(recorder))


def test_api_keys_are_hidden_anywhere() -> None:
    recorder = create_recorder(api_keys=("the-key-of-keys",))
    record(recorder, build_request("GET", "/api/the-key-of-keys?q=the-key-of-keys", ("X-Note", "is the-key-of-keys")))
    assert_hidden("the-key-of-keys", show(recorder))


TEXTS = st.text('ab :="{}[]\\\u00e9', max_size=12)


@given(st.dictionaries(TEXTS, TEXTS | st.integers() | st.none() | st.lists(TEXTS, max_size=3), max_size=4))
def test_what_is_no_secret_is_kept(value: Any) -> None:
    text = json.dumps(value, indent=1)
    assert Redactor().redact_document(text) == text


@pytest.mark.parametrize(
    "headers",
    [("Idempotency-Key", "order-2024-1"), ("Unique-Reference-Code", "ref-1"), ("x-user-id", "ada"),
     ("Content-Type", "application/json; charset=utf-8"), ("Cookie", "theme=dark")],
    ids=lambda header: str(header[0]),
)  # fmt: skip
def test_other_headers_are_shown(headers: tuple[str, str]) -> None:
    assert Redactor().redact_header(*headers) == headers[1]


@pytest.mark.parametrize("value", [{"token": None, "hasPassword": True}, {"nextToken": None}, {"tokens": []}], ids=str)
def test_no_value_is_no_secret(value: Any) -> None:
    assert Redactor().redact_json(value) == value


def test_patterns_match_what_was_sent() -> None:
    recorder = create_recorder()
    body = b'{"password": "hunter22"}'
    entry = record(
        recorder,
        build_request("POST", "/api/users?token=t0ps3cret", ("Authorization", "Bearer abc.def"), JSON_TYPE, body=body),
    )
    received = entry.to_received(recorder.journal.get_id(entry))
    assert (received.body, received.get_header("authorization"), received.url) == (
        body, "Bearer abc.def", "/api/users?token=t0ps3cret"
    )  # fmt: skip


@pytest.mark.parametrize(
    "piece",
    ["a", "a:", "password=", '"password":"', "eyJabcd.", "[", '{"a":', '\\"', "a='", "Content-Disposition: name=\r\n"],
    ids=range(10),
)
def test_redaction_takes_linear_time(piece: str) -> None:
    check_linear(lambda text: Redactor().redact_document(text), piece)

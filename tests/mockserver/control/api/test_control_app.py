"""What all endpoints of the control API have in common."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from duologue_mock import MockServer, Settings, create_app
from duologue_mock.control.api import app as control_app
from duologue_mock.control.api.endpoints import ControlCall, ControlResponse, Endpoint, Endpoints
from duologue_mock.control.errors import ControlError, invalid

endpoints = Endpoints("tests")


@endpoints.add("POST", "/echo/{id}")
def echo(call: ControlCall) -> Any:
    """Return what came."""
    return {"id": call.args["id"], "namespace": call.namespace.name, "body": call.json_object()}


@endpoints.add("GET", "/things", query={"limit": "How many."})
def list_things(call: ControlCall) -> Any:
    """Return the limit."""
    return {"limit": call.integer("limit")}


@endpoints.add("GET", "/things/{id}")
def get_thing(call: ControlCall) -> Any:
    """Return the id."""
    return {"id": str(call.uuid())}


@endpoints.add("DELETE", "/things")
def delete_things(call: ControlCall) -> None:
    """Do nothing."""


@endpoints.add("POST", "/things")
def create_thing(call: ControlCall) -> Any:
    """Create nothing."""
    return ControlResponse(201, {"made": True}, headers=[("Location", "/somewhere")])


@endpoints.add("POST", "/refuse")
def refuse(call: ControlCall) -> None:
    """Refuse the call for two reasons."""
    second = invalid("/b", "must be text")
    raise ControlError(422, "Invalid", detail="must be a number", pointer="/a", errors=(second,))


@endpoints.add("POST", "/fail")
def fail(call: ControlCall) -> None:
    """Fail as no code should."""
    raise RuntimeError("inside")


@pytest.fixture(autouse=True)
def _endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> tuple[Endpoint, ...]:
        return tuple(endpoints.declared)

    monkeypatch.setattr(control_app, "load_endpoints", load)


@pytest.fixture
def app() -> Flask:
    return create_app(Settings(rate_limit=1))


def call(app: Flask, method: str, path: str, **options: Any) -> TestResponse:
    return app.test_client().open(f"/__admin{path}", method=method, **options)


def test_call(app: Flask) -> None:
    response = call(app, "POST", "/echo/a%2Fb", json={"x": 1}, headers={"X-Mock-Namespace": "w1"})
    assert response.json == {"id": "a/b", "namespace": "w1", "body": {"x": 1}}
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Request-Id"]


def test_no_body(app: Flask) -> None:
    assert call(app, "DELETE", "/things").json == {}
    assert call(app, "POST", "/echo/1").json == {"id": "1", "namespace": "default", "body": {}}


def test_status(app: Flask) -> None:
    response = call(app, "POST", "/things")
    assert (response.status_code, response.json, response.headers["Location"]) == (201, {"made": True}, "/somewhere")


def test_head(app: Flask) -> None:
    response = call(app, "HEAD", "/things")
    assert (response.status_code, response.data) == (200, b"")
    assert response.headers["Content-Length"] == str(len(call(app, "GET", "/things").data))


@pytest.mark.parametrize("media_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_any_media_type(app: Flask, media_type: str | None) -> None:
    response = call(app, "POST", "/echo/1", data=b'{"x": 1}', content_type=media_type)
    assert response.json == {"id": "1", "namespace": "default", "body": {"x": 1}}


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        (None, 415),
        ("text/plain", 415),
        ("multipart/form-data", 415),
        ("text/plain; a=application/json", 415),
        ("application/json; charset=utf-8", 200),
        ("application/merge-patch+json", 200),
    ],
)
def test_media_type_from_page(app: Flask, media_type: str | None, status: int) -> None:
    headers = {"Origin": "http://localhost:5173"}
    assert call(app, "POST", "/echo/1", data=b"{}", content_type=media_type, headers=headers).status_code == status


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_foreign_page(app: Flask, headers: dict[str, str]) -> None:
    assert call(app, "POST", "/echo/1", json={}, headers=headers).status_code == 403


def test_foreign_host(app: Flask) -> None:
    assert call(app, "GET", "/things", base_url="http://evil.example").status_code == 421


@pytest.mark.parametrize(
    ("body", "pointer"),
    [(b"{", None), (b'{"a": 1, "a": 2}', None), (b'"\\ud800"', None), (b"\xff", None), (b"[]", "/"), (b"1", "/")],
    ids=["open", "repeated-key", "surrogate", "not-utf-8", "list", "number"],
)
def test_invalid_json(app: Flask, body: bytes, pointer: str | None) -> None:
    """An error of syntax is nowhere in the JSON; a value of the wrong kind is the whole of it, `/` as in WireMock."""
    response = call(app, "POST", "/echo/1", data=body)
    assert response.status_code == 422
    [error] = response.json["errors"]  # type: ignore[index]
    assert error["code"] == 10
    assert error.get("source") == (None if pointer is None else {"pointer": pointer})


def test_errors(app: Flask) -> None:
    response = call(app, "POST", "/refuse")
    assert response.status_code == 422
    assert response.json == {
        "errors": [
            {"code": 10, "title": "Invalid", "source": {"pointer": "/a"}, "detail": "must be a number"},
            {"code": 10, "title": "Error parsing JSON", "source": {"pointer": "/b"}, "detail": "must be text"},
        ]
    }


def test_unexpected_error(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    response = call(app, "POST", "/fail")
    assert response.status_code == 500
    assert "inside" not in response.text
    assert "inside" in caplog.text


def test_unknown_path(app: Flask) -> None:
    response = call(app, "GET", "/thing")
    assert response.status_code == 404
    assert "/things" in response.json["errors"][0]["detail"]  # type: ignore[index]


@pytest.mark.parametrize("path", ["/__administrator", "/__admi"])
def test_other_path(app: Flask, path: str) -> None:
    response = app.test_client().get(path)
    assert (response.status_code, response.json["code"]) == (404, "NOT_FOUND_ERROR")  # type: ignore[index]


def test_wrong_method(app: Flask) -> None:
    response = call(app, "PATCH", "/things")
    assert response.status_code == 405
    assert response.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize("query", ["page=1", "limit=1&Limit=2", "=1"])
def test_unknown_query(app: Flask, query: str) -> None:
    response = call(app, "GET", f"/things?{query}")
    assert response.status_code == 422
    assert "limit" in response.json["errors"][0]["detail"]  # type: ignore[index]


@pytest.mark.parametrize("query", ["limit=-1", "limit=", "limit=1e3", "limit=1&limit=2", "limit=9999999999999999"])
def test_invalid_query(app: Flask, query: str) -> None:
    assert call(app, "GET", f"/things?{query}").status_code == 400


def test_invalid_uuid(app: Flask) -> None:
    assert call(app, "GET", "/things/1").status_code == 400


def test_large_body(app: Flask) -> None:
    text = "x" * 2_000_000
    assert call(app, "POST", "/echo/1", json={"x": text}).json["body"] == {"x": text}  # type: ignore[index]


def test_not_counted(app: Flask) -> None:
    for _ in range(5):
        response = call(app, "GET", "/things")
        assert response.status_code == 200
        assert "RateLimit-Limit" not in response.headers


def test_switched_off() -> None:
    response = call(create_app(Settings(admin=False)), "GET", "/things")
    assert (response.status_code, response.json["code"]) == (404, "NOT_FOUND_ERROR")  # type: ignore[index]


TOKEN = "a-long-token"


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (None, 401),
        ("", 401),
        ("Token", 401),
        ("Token wrong", 401),
        (f"Bearer {TOKEN}", 401),
        (f"Token {TOKEN}x", 401),
        (f"Token {TOKEN}", 200),
        (f"token  {TOKEN} ", 200),
    ],
)
def test_token(authorization: str | None, status: int) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    app = create_app(Settings(admin_token=TOKEN))
    response = call(app, "GET", "/things", headers=headers)
    assert response.status_code == status
    assert (response.headers.get("WWW-Authenticate", "").startswith("Token")) == (status == 401)


def test_token_beyond_loopback() -> None:
    assert len(MockServer(host="0.0.0.0").settings.values["admin_token"] or "") >= 20
    assert MockServer(host="0.0.0.0", admin_token=TOKEN).settings.values["admin_token"] == TOKEN
    assert MockServer().settings.values["admin_token"] is None

"""The page at `/docs`: what it has without a script, and that it loads nothing from elsewhere."""

from __future__ import annotations

import html
import json
import re

import pytest

from duologue.contract import events
from duologue_mock import Settings, create_app

LOADED = [
    "/docs/docs.css",
    "/docs/docs.js",
    "/docs/favicon-32x32.png",
    "/docs/swagger-ui-bundle.js",
    "/docs/swagger-ui.css",
]


def test_events() -> None:
    text = create_app().test_client().get("/docs").text
    for event in events():
        assert f'<details id="{event.name}">' in text
        assert event.summary in text
        assert f"Sent to {event.audience.value}." in text
    examples = [json.loads(html.unescape(text)) for text in re.findall(r"<pre>(.*?)</pre>", text, re.DOTALL)]
    assert {"userId": "2"} in examples
    assert len(examples) == len(events())
    assert "<code>auth: {token}</code> of the handshake" in text


def test_policy() -> None:
    """Scripts and styles of the mock alone, nothing inline, and calls to its two ports."""
    client = create_app(ports=(4001, 4002)).test_client()
    response = client.get("/docs", headers={"Host": "w1.localhost:4002"})
    policy = dict(part.strip().split(" ", 1) for part in response.headers["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self' http://w1.localhost:4001 http://w1.localhost:4002",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert not re.findall(r"<style|<script>| on\w+=| style=", response.text)


def test_files() -> None:
    client = create_app().test_client()
    text = client.get("/docs").text
    assert sorted(re.findall(r'(?:src|href)="(/docs/[^"]+)"', text)) == LOADED
    assert "//" not in re.sub(r"(?:ws|http)://localhost|<!doctype html>", "", text), "no address of another host"


@pytest.mark.parametrize("path", LOADED)
def test_file(path: str) -> None:
    client = create_app().test_client()
    response = client.get(path)
    assert response.status_code == 200
    assert response.data
    assert response.mimetype in ("text/css", "text/javascript", "image/png")
    assert client.get(path, headers={"If-None-Match": response.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    "path", ["/docs/index.html", "/docs/..", "/docs/docs.html", "/docs/%2e%2e/index.html", "/docs/x/y"]
)
def test_no_other_files(path: str) -> None:
    assert create_app().test_client().get(path).status_code == 404


def test_api_key_is_escaped() -> None:
    text = create_app(Settings(api_keys=('key-"<1>',))).test_client().get("/docs").text
    assert 'data-api-key="key-&#34;&lt;1&gt;"' in text

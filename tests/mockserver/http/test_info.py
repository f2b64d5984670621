"""The page at `/`, its JSON for programs, and the URLs that page and documents name."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from duologue.contract import operations
from duologue_mock import MockServer, Settings, State, create_app
from duologue_mock.store.seed import Fixtures
from tests.mockserver.clocks import ManualClock
from tests.mockserver.raw import ask

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def get_page(state: State | None = None, ports: tuple[int, int] | None = None, host: str = "localhost") -> Any:
    app = create_app(Settings(api_keys=("key-<1>",)), state=state, ports=ports)
    return app.test_client().get("/", headers={**BROWSER, "Host": host})


class Page(HTMLParser):
    """What a page loads, links to and runs."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "href" and tag == "a":
                self.links.append(value or "")
            elif name in ("src", "href", "action", "srcset"):
                self.loaded.append(value or "")


def test_page_content() -> None:
    text = get_page().text
    assert "John Doe" not in text
    for shown in ("john@example.com", "jane@example.com", "<code>password</code>", "key-&lt;1&gt;"):
        assert shown in text
    for operation in operations():
        assert f"<code>{operation.route}</code>" in text
        assert operation.summary.replace("'", "&#39;") in text
    for resource in {operation.resource for operation in operations()}:
        assert f"<h3>{resource.replace('_', ' ')}</h3>" in text
    assert {"/docs", "/openapi.json", "/asyncapi.json"} <= set(Page(text).links)


def test_env_lines() -> None:
    text = get_page(ports=(3001, 3002), host="localhost:3001").text
    assert "VITE_API_URL=http://localhost:3001/api\n" in text
    assert "VITE_CHAT_API_URL=http://localhost:3002/chats-service/api/v1\n" in text
    assert "VITE_WS_URL=ws://localhost:3001\n" in text
    assert "VITE_API_KEY=key-&lt;1&gt;\n" in text


def test_page_is_self_contained() -> None:
    """No script, no resource from elsewhere, and a policy that would refuse them; its one style sheet is allowed."""
    response = get_page()
    page = Page(response.text)
    assert page.loaded == []
    assert not page.tags & {"script", "img", "iframe", "form", "object", "embed", "link", "base"}
    assert not [name for name in page.attributes if name.startswith("on") or name == "style"]
    policy = dict(part.strip().split(" ", 1) for part in response.headers["Content-Security-Policy"].split(";"))
    style = re.search(r"<style>(.*?)</style>", response.text, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "prefers-color-scheme: dark" in style[1]


def test_page_is_escaped(clock: ManualClock) -> None:
    state = State(clock=clock)
    Fixtures().seed(state)
    app = create_app(Settings(), state=state)
    body = {"name": "Ada", "email": "&'*{}`@example.com", "password": "<script>alert(1)</script>"}
    assert app.test_client().post("/api/users", json=body).status_code == 201
    text = app.test_client().get("/", headers=BROWSER).text
    assert "&amp;&#39;*{}`@example.com" in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script" not in text


def test_logins(clock: ManualClock) -> None:
    """Users with a password, the first of them only."""
    app = create_app(Settings(), state=State(clock=clock))
    client = app.test_client()
    client.post("/api/users", json={"name": "Ada", "email": "without@example.com"})
    assert "No user has a password." in client.get("/", headers=BROWSER).text
    for number in range(9):
        body = {"name": "Ada", "email": f"ada-{number}@example.com", "password": f"secret-{number}"}
        client.post("/api/users", json=body)
    text = client.get("/", headers=BROWSER).text
    assert "without@example.com" not in text
    for number in range(8):
        assert f"ada-{number}@example.com" in text
        assert f"secret-{number}" in text
    assert "ada-8@example.com" not in text
    assert "and 1 more" in text


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/json, text/html", "text/plain"])
def test_json_for_programs(accept: str | None) -> None:
    headers = {} if accept is None else {"Accept": accept}
    response = create_app().test_client().get("/", headers=headers)
    assert response.json == {
        "service": "duologue mock",
        "documents": ["/docs", "/openapi.json", "/asyncapi.json"],
        "operations": [f"{operation.method} {operation.route}" for operation in operations()],
    }
    assert response.headers.getlist("Vary") == ["Origin, Accept"]


@pytest.mark.parametrize("accept", [BROWSER["Accept"], "text/html", "text/html, application/json;q=0.9"])
def test_html_for_browsers(accept: str) -> None:
    response = create_app().test_client().get("/", headers={"Accept": accept})
    assert response.content_type == "text/html; charset=utf-8"
    assert response.headers.getlist("Vary") == ["Origin, Accept"]


@pytest.mark.parametrize(
    ("host", "ports", "urls"),
    [
        ("localhost:4001", (4001, 4002), ["http://localhost:4001", "http://localhost:4002"]),
        ("127.0.0.1:4002", (4001, 4002), ["http://127.0.0.1:4001", "http://127.0.0.1:4002"]),
        ("[::1]:4001", (4001, 4002), ["http://[::1]:4001", "http://[::1]:4002"]),
        ("[::1]", (4001, 4002), ["http://[::1]"]),
        ("app.localhost", (80, 4002), ["http://app.localhost:80", "http://app.localhost:4002"]),
        ("localhost:8080", (4001, 4002), ["http://localhost:8080"]),
        ("localhost:5000", None, ["http://localhost:5000"]),
        ("localhost:4001", (4001, 4001), ["http://localhost:4001"]),
    ],
)
def test_servers_of_documents(host: str, ports: tuple[int, int] | None, urls: list[str]) -> None:
    client = create_app(ports=ports).test_client()
    openapi = client.get("/openapi.json", headers={"Host": host}).json
    asyncapi = client.get("/asyncapi.json", headers={"Host": host}).json
    assert openapi is not None
    assert asyncapi is not None
    assert [server["url"] for server in openapi["servers"]] == urls
    assert [f"http://{server['host']}" for server in asyncapi["servers"].values()] == urls


def test_servers_are_real() -> None:
    """A mock on free ports names those ports, and each serves what it says."""
    with MockServer() as mock:
        for port in (mock.port, mock.chat_port):
            servers = ask(port, "GET /openapi.json HTTP/1.1", host=f"127.0.0.1:{port}").json["servers"]
            assert [server["url"] for server in servers] == [mock.origin, mock.chat_origin]

"""Every declared endpoint as a call that would do something, and all that a call could change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from werkzeug.test import TestResponse

from duologue_mock.control.api.app import load_endpoints
from duologue_mock.control.api.endpoints import Endpoint
from tests.mockserver.control.steered_mock import SteeredMock

ENDPOINTS = load_endpoints()
CHANGING = [endpoint for endpoint in ENDPOINTS if endpoint.method != "GET"]
READING = [endpoint for endpoint in ENDPOINTS if endpoint.method == "GET"]
STREAM = "/events"
"""It does not end by itself."""

BODIES: dict[str, Any] = {
    "POST /channels/send": {"event": "user:deleted", "payload": {"userId": "1"}},
    "PUT /clock": {"frozen": False},
    "POST /clock/advance": {"milliseconds": 60_000},
    "POST /message-mappings": {"event": "user:created", "action": "drop"},
    "POST /mappings": {"request": {"url": "/y"}, "response": {"status": 503}},
    "POST /mappings/import": {"mappings": [{"request": {"url": "/y"}}]},
    "POST /mappings/remove-by-metadata": {"matchesJsonPath": "$"},
    "POST /requests/remove": {},
    "POST /requests/remove-by-metadata": {"matchesJsonPath": "$"},
    "POST /settings": {"fixedDelay": 60_000},
    "PUT /state": {},
    "PUT /mappings/{id}": {"request": {"url": "/z"}},
    "PUT /namespaces/{name}": {},
    "PUT /scenarios/{name}/state": {"state": "Started"},
}
"""Bodies that change something, of the endpoints that need one."""

NAME = "victim"


def name_endpoint(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


class Victim(SteeredMock):
    """A mock that has something of everything that could be changed: stub, scenario, snapshot, requests, namespace."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        token = settings.get("admin_token")
        self.trusted = {"Authorization": f"Token {token}"} if token else {}
        self.call("PUT", "/clock", {"frozen": True})
        added = self.call(
            "POST", "/mappings", {"request": {"url": "/x"}, "scenarioName": NAME, "newScenarioState": "done"}
        )
        self.id = added.get_json()["id"]
        assert self.get("/x").status_code == 200
        assert self.get("/api/users/1").status_code == 200
        assert self.call("PUT", f"/snapshots/{NAME}").status_code < 300
        assert self.call("PUT", f"/namespaces/{NAME}", {}).status_code < 300
        self.call("POST", "/message-mappings", {"event": "chat:deleted", "action": "drop"})

    def call(self, method: str, path: str, body: Any = None) -> TestResponse:
        """Make a control call as someone who may."""
        return self.control(method, path, body, **self.trusted)

    def fill(self, endpoint: Endpoint) -> str:
        """Return an endpoint's path, with the id or name of something that there is."""
        return "/__admin" + endpoint.path.replace("{id}", self.id).replace("{name}", NAME)

    def attack(
        self,
        endpoint: Endpoint,
        headers: Mapping[str, str] = MappingProxyType({}),
        *,
        method: str | None = None,
        data: bytes | None = None,
        **more: str,
    ) -> TestResponse:
        """Call an endpoint in an attacker's way."""
        sent = {name.replace("_", "-"): value for name, value in {**headers, **more}.items()}
        if data is None:
            body = BODIES.get(name_endpoint(endpoint))
            data = b"" if body is None else json.dumps(body).encode()
        client = self.app.test_client()
        return client.open(self.fill(endpoint), method=method or endpoint.method, headers=sent, data=data)

    def capture(self) -> dict[str, Any]:
        """Return all that a control call could change, as the control API itself shows it."""
        paths = (
            "/clock", "/mappings", "/message-mappings", "/messages", "/namespaces", "/requests", "/scenarios",
            "/settings", "/snapshots", "/state", "/violations", "/coverage", "/channels",
        )  # fmt: skip
        return {path: self.call("GET", path).get_json() for path in paths}

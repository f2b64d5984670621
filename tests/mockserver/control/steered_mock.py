"""A mock without a network that is steered by its control API, with a clock and a sleep of the test's own."""

from __future__ import annotations

from typing import Any

from werkzeug.test import TestResponse

from duologue_mock import Settings, create_app
from duologue_mock.store import State
from duologue_mock.store.clock import IdGenerator
from duologue_mock.store.seed import Fixtures
from tests.mockserver.clocks import ManualClock


class SteeredMock:
    """Requests go straight into the WSGI application; `slept` has the seconds that responses were delayed by."""

    def __init__(self, **settings: Any) -> None:
        self.clock = ManualClock()
        seed = settings.setdefault("seed", 3)
        self.state = State(clock=self.clock, ids=IdGenerator(seed))
        Fixtures().seed(self.state)
        self.slept: list[float] = []
        self.app = create_app(Settings(**{"self_check": True, **settings}), state=self.state, sleep=self.slept.append)

    def request(self, method: str, path: str, json: Any = None, **headers: str) -> TestResponse:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.app.test_client().open(path, method=method, headers=sent, json=json)

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.request("GET", path, **headers)

    def control(self, method: str, path: str, json: Any = None, **headers: str) -> TestResponse:
        """Call the control API."""
        return self.request(method, f"/__admin{path}", json, **headers)

    def stub(self, response: Any = None, *, url: str = "/x", request: Any = None, **fields: Any) -> str:
        """Add a stub and return its id."""
        body = {"request": {"url": url} if request is None else request, "response": response or {}, **fields}
        added = self.control("POST", "/mappings", body)
        assert added.status_code == 201, added.text
        return str(added.get_json()["id"])

    def list_names(self) -> list[str]:
        """Return the names of all stubs, in the order in which they are tried."""
        return [stub["name"] for stub in self.control("GET", "/mappings").get_json()["mappings"]]

    @property
    def delay(self) -> float:
        """Seconds of all delays so far."""
        return round(sum(self.slept), 6)

"""Two namespaces of one mock: whatever is done in one, over HTTP and Socket.IO, the other neither hears nor shows."""

from __future__ import annotations

import json
from typing import Any

import requests
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from duologue_mock import MockServer
from tests.mockserver.listeners import Listener

NAMES = ("w1", "w2")
HEADER = "X-Mock-Namespace"
namespaces = st.sampled_from(NAMES)


class Model:
    """What one namespace should have."""

    def __init__(self) -> None:
        self.clients: list[tuple[Listener, list[Any]]] = []
        """Each client, and what it should have received."""
        self.start()

    def start(self) -> None:
        """Be as after start; clients stay."""
        self.users = ["john@example.com", "jane@example.com"]
        self.tokens: list[str] = []
        self.is_dropping = False
        self.requests = 0

    def publish(self, event: Any) -> None:
        for _, expected in self.clients:
            expected.append(event)


class TwoNamespaces(RuleBasedStateMachine):
    """Compares a mock with a model of each of its namespaces."""

    def __init__(self) -> None:
        super().__init__()
        self.mock = MockServer(secret="one secret that signs the tokens of both", seed=1).start()
        self.session = requests.Session()
        self.models = {name: Model() for name in NAMES}
        self.number = 0

    def teardown(self) -> None:
        for model in self.models.values():
            for client, _ in model.clients:
                client.close()
        self.session.close()
        self.mock.stop()

    def call(self, name: str, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        url = self.mock.origin + path
        if not path.startswith("/__admin"):
            self.models[name].requests += 1
        return self.session.request(method, url, json=body, headers={HEADER: name, **headers}, timeout=60)

    def count(self) -> int:
        self.number += 1
        return self.number

    @rule(name=namespaces, by_header=st.booleans())
    def connect(self, name: str, by_header: bool) -> None:
        client = (
            Listener(self.mock.port, None, **{HEADER: name})
            if by_header
            else Listener(self.mock.port, {"namespace": name})
        )
        self.models[name].clients.append((client, []))

    @precondition(lambda self: any(model.clients for model in self.models.values()))
    @rule(name=namespaces)
    def disconnect_all(self, name: str) -> None:
        assert self.call(name, "DELETE", "/__admin/channels").status_code == 200
        self.read_all(name)
        for client, _ in self.models[name].clients:
            assert client.wait_for_disconnect()
            client.close()
        self.models[name].clients.clear()

    @rule(name=namespaces)
    def create_user(self, name: str) -> None:
        email = f"user-{self.count()}@example.com"
        assert self.call(name, "POST", "/api/users", {"name": "Ada", "email": email}).status_code == 201
        self.models[name].users.append(email)
        self.models[name].publish(email)

    @rule(name=namespaces)
    def push(self, name: str) -> None:
        model = self.models[name]
        id = f"pushed-{self.count()}"
        body = {"event": "user:deleted", "payload": {"userId": id}}
        sent = self.call(name, "POST", "/__admin/channels/send", body).json()
        assert sent["channelsMessaged"] == len(model.clients)
        if not model.is_dropping:
            model.publish(id)

    @rule(name=namespaces)
    def drop_pushed_events(self, name: str) -> None:
        body = {"event": "user:deleted", "action": "drop"}
        assert self.call(name, "POST", "/__admin/message-mappings", body).status_code == 201
        self.models[name].is_dropping = True

    @rule(name=namespaces)
    def log_in(self, name: str) -> None:
        credentials = {"email": "john@example.com", "password": "password"}
        token = self.call(name, "POST", "/api/auth/login", credentials).json()["token"]
        self.models[name].tokens.append(token)
        for other in NAMES:
            response = self.call(other, "GET", "/api/auth/me", Authorization=f"Bearer {token}")
            assert response.status_code == (200 if other == name else 401)

    @rule(name=namespaces)
    def expire_logins(self, name: str) -> None:
        assert self.call(name, "POST", "/__admin/clock/advance", {"milliseconds": 3_600_000}).status_code == 200
        self.models[name].tokens.clear()

    @rule(name=namespaces)
    def reset(self, name: str) -> None:
        assert self.call(name, "POST", "/__admin/reset").status_code == 200
        self.read_all(name)
        self.models[name].start()

    @invariant()
    def each_has_its_own(self) -> None:
        for name, model in self.models.items():
            recorded = self.call(name, "GET", "/__admin/requests").json()["meta"]["total"]
            assert recorded == model.requests
            users = self.call(name, "GET", "/api/users?limit=100").json()["users"]
            assert [user["email"] for user in users] == model.users
            for token in model.tokens:
                assert self.call(name, "GET", "/api/auth/me", Authorization=f"Bearer {token}").status_code == 200
            self.read_all(name)

    def read_all(self, name: str) -> None:
        """Check what the clients of a namespace have received, up to a last event that all of them receive."""
        marker = f"marker-{self.count()}"
        body = {"event": marker, "validate": False}
        sent = self.call(name, "POST", "/__admin/channels/send", body).json()
        if not sent["channelsMessaged"]:
            return
        for client, expected in self.models[name].clients:
            received = [summarize(*event) for event in read_until(client, marker)]
            assert received == expected
            expected.clear()


def read_until(client: Listener, marker: str) -> list[tuple[str, Any]]:
    events = [json.loads(packet[2:]) for packet in client.until_packet(f'42["{marker}"]')]
    return [(name, payload) for name, payload in events]


def summarize(name: str, payload: Any) -> str:
    """Return what tells an event from others: the email of a user who was created, or the id of one who was deleted."""
    return str(payload["user"]["email"] if name == "user:created" else payload["userId"])


TestTwoNamespaces = TwoNamespaces.TestCase
TestTwoNamespaces.settings = settings(max_examples=8, stateful_step_count=15, deadline=None)

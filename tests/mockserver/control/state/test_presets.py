"""Presets: those shipped, those of a folder, and what is refused in their files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from duologue_mock import MockServer, Settings, create_app
from duologue_mock.control.realtime import message_mappings
from duologue_mock.control.state import presets
from duologue_mock.control.state.presets import PresetError, Presets
from duologue_mock.control.stubs import stubs
from duologue_mock.store import State
from tests.mockserver.clocks import ManualClock
from tests.mockserver.control.state.calls import Calls, create_calls, list_errors

SHIPPED = ["ai-down", "empty", "expired-session", "flaky", "large", "offline", "rate-limited", "slow"]
CHAT_HEADERS = {"x-api-key": "dev-api-key", "x-user-id": "anonymous-user", "Unique-Reference-Code": "one"}
CHATS = "/chats-service/api/v1/chats"
ADA = {"id": "7", "name": "Ada", "email": "ada@example.com", "role": "admin", "password": "secret"}
STUB = {"request": {"operation": "users.LIST"}, "response": {"status": 418}}

Write = Callable[[str, Any], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a preset into a folder, and return the folder."""

    def write(name: str, content: Any) -> Path:
        data = content if isinstance(content, bytes) else json.dumps({"description": "A test.", **content}).encode()
        (tmp_path / f"{name}.json").write_bytes(data)
        return tmp_path

    return write


def test_list(calls: Calls) -> None:
    listed = calls.get("/presets")
    assert [preset["name"] for preset in listed["presets"]] == SHIPPED
    assert listed["meta"] == {"total": len(SHIPPED)}
    assert all(preset["shipped"] and preset["description"].endswith(".") for preset in listed["presets"])


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_preset_is_undone_by_reset(calls: Calls, name: str) -> None:
    def read_all() -> list[object]:
        return [calls.get(path) for path in ("/state", "/settings", "/mappings", "/message-mappings", "/namespaces")]

    before = read_all()
    calls.check("POST", f"/presets/{name}")
    applied = read_all()
    calls.check("POST", "/reset")
    assert applied != before
    assert read_all() == before


def test_empty(calls: Calls) -> None:
    calls.check("POST", "/presets/empty")
    assert calls.list_emails() == []


def test_large(calls: Calls) -> None:
    calls.check("POST", "/presets/large")
    page = calls.request("GET", "/api/users?page=100&limit=100").json
    assert page is not None
    assert (page["total"], len(page["users"]), page["hasMore"]) == (10_000, 100, False)
    login = calls.request("POST", "/api/auth/login", {"email": "john@example.com", "password": "password"})
    assert login.status_code == 200
    chats = calls.request("GET", CHATS, **CHAT_HEADERS).json
    assert chats is not None
    assert len(chats["data"]) == 100


def test_expired_session(calls: Calls) -> None:
    calls.check("POST", "/presets/expired-session")
    tokens = calls.login()
    calls.check("POST", "/clock/advance", {"milliseconds": 1})
    refreshed = calls.request("POST", "/api/auth/refresh", {"refreshToken": tokens["refreshToken"]})
    assert (calls.get_me(tokens["token"]), refreshed.status_code) == (401, 401)


def test_ai_down(calls: Calls) -> None:
    calls.check("POST", "/presets/ai-down")
    asked = calls.request("POST", f"{CHATS}/test-session-1/smart-chat", {"message": "Hi"}, **CHAT_HEADERS)
    assert (asked.status_code, calls.request("GET", CHATS, **CHAT_HEADERS).status_code) == (503, 200)
    assert asked.json is not None
    assert asked.json["code"]


def test_rate_limited(calls: Calls) -> None:
    calls.check("POST", "/presets/rate-limited")
    responses = [calls.request("GET", "/api/users") for _ in range(6)]
    assert [response.status_code for response in responses] == [200] * 5 + [429]
    assert responses[-1].headers["Retry-After"] == "60"


def test_slow(calls: Calls) -> None:
    calls.check("POST", "/presets/slow")
    assert calls.get("/settings")["settings"]["delayDistribution"]["type"] == "uniform"


def test_flaky(calls: Calls) -> None:
    """The same failures for the same requests, as the mock has a seed; and some successes."""

    def run() -> list[int]:
        calls.check("POST", "/presets/flaky")
        stubs = calls.get("/mappings")["mappings"]
        resetting = next(stub["id"] for stub in stubs if "fault" in stub["response"])
        calls.check("DELETE", f"/mappings/{resetting}")  # this client has no connection that could be reset
        return [calls.request("GET", "/api/users").status_code for _ in range(40)]

    first = run()
    assert set(first) == {200, 503}
    assert run() == first


def test_offline() -> None:
    with MockServer(preset="offline") as mock:
        assert mock.control_url is not None
        mappings = requests.get(f"{mock.control_url}/message-mappings", timeout=30).json()
        assert [mapping["name"] for mapping in mappings["messageMappings"]] == ["offline"]
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{mock.base_url}/users", timeout=30)
        assert requests.get(f"{mock.control_url}/health", timeout=30).status_code == 200


def test_preset_replaces_preset(calls: Calls) -> None:
    for name in ("slow", "rate-limited", "empty", "ai-down"):
        calls.check("POST", f"/presets/{name}")
    assert "delayDistribution" not in calls.get("/settings")["settings"]
    assert "RateLimit-Limit" not in calls.request("GET", "/api/users").headers
    assert len(calls.list_emails()) == 2
    assert len(calls.get("/mappings")["mappings"]) == 1


def test_settings_set_after_a_preset(calls: Calls) -> None:
    """They are no longer the preset's, so that a reset leaves them."""
    calls.check("POST", "/presets/slow")
    calls.check("POST", "/settings", {"fixedDelay": 5})
    calls.check("POST", "/reset")
    assert calls.get("/settings")["settings"]["fixedDelay"] == 5


def test_persistent_stubs_stay(calls: Calls) -> None:
    calls.check("POST", "/mappings", {**STUB, "persistent": True})
    calls.check("POST", "/presets/empty")
    assert len(calls.get("/mappings")["mappings"]) == 1


def test_own_preset(clock: ManualClock, write: Write) -> None:
    folder = write(
        "mine",
        {
            "fixtures": {"users": [ADA]},
            "settings": {"require_auth": True},
            "globalSettings": {"fixedDelay": 0},
            "mappings": [STUB, {"request": {}, "response": {"status": 204}}],
            "clock": {"now": "2030-01-01T00:00:00Z", "frozen": True},
        },
    )
    calls = create_calls(clock, presets=folder)
    calls.check("POST", "/presets/mine")
    assert calls.get("/clock") == {"now": "2030-01-01T00:00:00.000Z", "frozen": True, "offsetMilliseconds": 0}
    assert calls.get("/settings")["settings"]["fixedDelay"] == 0
    assert [user["id"] for user in calls.get("/state")["users"]] == ["7"]
    assert calls.request("GET", "/api/users").status_code == 418  # of two stubs that match, the first
    assert calls.request("GET", "/api/auth/me").status_code == 204
    assert calls.get("/namespaces")["namespaces"][0]["settings"] == {"require_auth": True}


def test_own_preset_comes_first(clock: ManualClock, write: Write) -> None:
    calls = create_calls(clock, presets=write("empty", {"fixtures": {"users": [ADA]}}))
    listed = {preset["name"]: preset for preset in calls.get("/presets")["presets"]}
    assert listed["empty"] == {"name": "empty", "description": "A test.", "shipped": False}
    calls.check("POST", "/presets/empty")
    assert calls.list_emails() == ["ada@example.com"]


def test_changed_file_is_read_again(clock: ManualClock, write: Write) -> None:
    calls = create_calls(clock, presets=write("mine", {"generate": {"users": 1}}))
    calls.check("POST", "/presets/mine")
    write("mine", {"generate": {"users": 2, "chats": 2, "messages": 5}})
    calls.check("POST", "/presets/mine")
    state = calls.get("/state")
    assert [len(state[kind]) for kind in ("users", "chats", "messages")] == [2, 2, 5]


INVALID = [
    ({"fixture": {}}, "/fixture"),
    ({"fixtures": []}, "/fixtures"),
    ({"fixtures": {"user": []}}, "/fixtures/user"),
    ({"fixtures": {"users": [ADA, {**ADA, "id": "8", "email": "x"}]}}, "/fixtures/users/1/email"),
    ({"fixtures": {"users": []}, "generate": {"users": 1}}, "/generate"),
    ({"generate": {"users": -1}}, "/generate/users"),
    ({"generate": {"users": 10**9}}, "/generate/users"),
    ({"generate": {"users": True}}, "/generate/users"),
    ({"generate": {"messages": 3}}, "/generate/messages"),
    ({"settings": {"port": 3001}}, "/settings/port"),
    ({"settings": {"rate_limit": 0}}, "/settings/rate_limit"),
    ({"globalSettings": {"fixedDelay": "long"}}, "/globalSettings/fixedDelay"),
    ({"mappings": {}}, "/mappings"),
    ({"mappings": [STUB, {"respond": {}}]}, "/mappings/1/respond"),
    ({"messageMappings": [{"event": "connect", "action": "drop"}]}, "/messageMappings/0/action"),
    ({"messageMappings": [{"event": "user:created", "action": "drop", "x": 1}]}, "/messageMappings/0/x"),
    ({"messageMappings": 1}, "/messageMappings"),
    ({"clock": {"time": 1}}, "/clock/time"),
    ({"clock": {"now": "noon"}}, "/clock/now"),
    ({"clock": {"frozen": 1}}, "/clock/frozen"),
]


@pytest.mark.parametrize(("content", "pointer"), INVALID, ids=[f"{n}-{row[1]}" for n, row in enumerate(INVALID)])
def test_invalid_preset(clock: ManualClock, write: Write, content: Any, pointer: str) -> None:
    calls = create_calls(clock, presets=write("mine", content))
    before = calls.get("/state"), calls.get("/settings"), calls.get("/mappings")
    response = calls.control("POST", "/presets/mine")
    assert (response.status_code, list_errors(response)[0][0]) == (422, pointer)
    assert (calls.get("/state"), calls.get("/settings"), calls.get("/mappings")) == before


def read_everything(calls: Calls) -> list[object]:
    paths = ("/state", "/settings", "/mappings", "/message-mappings", "/requests", "/clock", "/offline")
    return [calls.get(path) for path in paths]


OTHER_STUBS = {"mappings": [{"name": name, "persistent": True} for name in ("a", "b", "c")]}
TWO_STUBS = {"fixtures": {"users": []}, "settings": {"require_auth": True}, "mappings": [STUB, STUB]}


@pytest.mark.parametrize(("start", "path"), [("empty", "/presets/mine"), ("mine", "/reset")])
def test_more_stubs_than_fit(
    clock: ManualClock, write: Write, monkeypatch: pytest.MonkeyPatch, start: str, path: str
) -> None:
    """Besides persistent stubs, which stay: nothing is changed, also not the data."""
    monkeypatch.setattr(stubs, "MAX_STUBS", 4)
    calls = create_calls(clock, presets=write("mine", TWO_STUBS), preset=start)
    calls.check("POST", "/mappings/import", {**OTHER_STUBS, "importOptions": {"deleteAllNotInImport": True}})
    calls.create_user("new@example.com")
    before = read_everything(calls)
    assert calls.control("POST", path).status_code == 422
    assert read_everything(calls) == before
    calls.check("DELETE", "/mappings")
    calls.check("POST", path)
    assert len(calls.get("/mappings")["mappings"]) == 2


def test_more_stubs_than_fit_in_a_namespace(clock: ManualClock, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = create_calls(clock, presets=write("mine", TWO_STUBS)).in_namespace("w1")
    calls.create_user("new@example.com")
    before = read_everything(calls)
    monkeypatch.setattr(stubs, "MAX_STUBS", 1)
    assert calls.control("PUT", "/namespaces/w1", {"preset": "mine"}).status_code == 422
    assert read_everything(calls) == before


def test_more_message_mappings_than_fit(clock: ManualClock, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    mapping = {"event": "user:created", "action": "drop"}
    calls = create_calls(clock, presets=write("mine", {"fixtures": {}, "messageMappings": [mapping] * 3}))
    monkeypatch.setattr(message_mappings, "MAX_MAPPINGS", 2)
    before = read_everything(calls)
    assert calls.control("POST", "/presets/mine").status_code == 422
    assert read_everything(calls) == before


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff"])
def test_file_that_is_no_json_object(clock: ManualClock, write: Write, content: bytes) -> None:
    calls = create_calls(clock, presets=write("mine", content))
    response = calls.control("POST", "/presets/mine")
    assert response.status_code == 422
    assert "mine.json" in list_errors(response)[0][1]
    listed = {preset["name"]: preset["description"] for preset in calls.get("/presets")["presets"]}
    assert listed["mine"].startswith("Not valid")


def test_large_file(clock: ManualClock, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = create_calls(clock, presets=write("mine", {}))
    monkeypatch.setattr(presets, "MAX_SIZE", 10)
    assert calls.control("POST", "/presets/mine").status_code == 422


@pytest.mark.parametrize(
    "name", ["..%2Fsecret", "%2E%2E%2Fsecret", "link", "secret.json", "a%00b", "nothing", "x" * 64]
)
def test_files_outside_the_folder(clock: ManualClock, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "presets"
    folder.mkdir()
    (tmp_path / "secret.json").write_text('{"description": "Secret."}')
    (folder / "link.json").symlink_to(tmp_path / "secret.json")
    calls = create_calls(clock, presets=folder)
    assert calls.control("POST", f"/presets/{name}").status_code == 404
    assert "Secret" not in json.dumps(calls.get("/presets"))


def test_unknown_preset_names_the_others(calls: Calls) -> None:
    response = calls.control("POST", "/presets/rate-limit")
    assert response.status_code == 404
    assert all(name in list_errors(response)[0][1] for name in SHIPPED)


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(PresetError, match="no such folder"):
        Presets(tmp_path / "gone")


def test_preset_at_start(clock: ManualClock) -> None:
    """It is the start of every namespace."""
    calls = create_calls(clock, preset="empty")
    calls.create_user("a@example.com")
    calls.check("POST", "/reset")
    assert calls.list_emails() == calls.in_namespace("w1").list_emails() == []
    assert [one["preset"] for one in calls.get("/namespaces")["namespaces"]] == ["empty", "empty"]


def test_stubs_of_a_start_return(clock: ManualClock) -> None:
    calls = create_calls(clock, preset="ai-down")
    calls.check("DELETE", "/mappings")
    calls.check("POST", "/reset")
    assert len(calls.get("/mappings")["mappings"]) == 1


def test_preset_without_control_api(clock: ManualClock) -> None:
    state = State(clock=clock)
    calls = Calls(create_app(Settings(admin=False, preset="large"), state=state))
    assert len(calls.list_emails()) == 100
    assert calls.request("GET", "/api/users").json["total"] == 10_000  # type: ignore[index]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone", {}, "'gone'"),
        ("mine", {"fixtures": {"users": [{}]}}, "'mine': /fixtures/users/0/"),
        ("mine", b"{", "'mine': .*mine.json"),
    ],
    ids=["unknown", "record", "no JSON"],
)
def test_invalid_preset_at_start(write: Write, name: str, content: Any, message: str) -> None:
    with pytest.raises(PresetError, match=message):
        create_app(Settings(presets=write("mine", content), preset=name))

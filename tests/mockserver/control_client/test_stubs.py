"""Stubs, settings, scenarios and being offline, against the mock itself."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from duologue import APIError, Client, HTTPStatusError, NotFoundError, ServerError
from duologue.contract import users
from duologue_mock import ControlAPIError, MockControl


def get(control: MockControl, path: str) -> tuple[int, bytes, str | None]:
    """Return status, body and media type of a response, whatever the status."""
    request = urllib.request.Request(control.server_origin + path, headers=dict(control.headers))
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, response.read(), response.headers["Content-Type"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), error.headers["Content-Type"]


def test_fails_twice(control: MockControl, api: Client) -> None:
    """With the contract's own error, so that a client handles it as the real one."""
    stub = control.stub(users.LIST, status=503, times=2)
    for _ in range(2):
        with pytest.raises(ServerError) as caught:
            api.users.list()
        assert caught.value.code == "SERVER_ERROR"
    assert api.users.list().total == 2
    assert [request.status for request in control.requests()] == [503, 503, 200]
    assert [request.status for request in stub.requests()] == [503, 503]


def test_one_user_only(control: MockControl, api: Client) -> None:
    control.stub(users.GET, path={"id": "1"}, body_patch={"name": "Another name"})
    assert api.users.get("1").name == "Another name"
    assert api.users.get("2").name == "Jane Smith"


def test_stub_as_context(control: MockControl, api: Client) -> None:
    with control.stub(users.GET, status=404) as stub:
        with pytest.raises(NotFoundError):
            api.users.get("1")
        assert [each.id for each in control.stubs()] == [stub.id]
    assert api.users.get("1").id == "1"
    stub.remove()  # it is gone already


@pytest.mark.parametrize(
    ("body", "content", "media_type"),
    [({"a": [1]}, b'{"a":[1]}', "application/json"), ("text", b"text", None), (b"\x00\xff", b"\x00\xff", None)],
    ids=["JSON", "text", "bytes"],
)
def test_own_body(control: MockControl, body: object, content: bytes, media_type: str | None) -> None:
    control.stub("GET /hello", body=body)
    status, received, received_type = get(control, "/hello")
    assert status == 200
    assert (json.loads(received) == body) if media_type else (received == content)
    assert media_type is None or received_type == media_type


@pytest.mark.parametrize("fault", ["EMPTY_RESPONSE", "CONNECTION_RESET_BY_PEER", "TRUNCATED_BODY", "MALFORMED_JSON"])
def test_faults(control: MockControl, api: Client, fault: str) -> None:
    control.stub(users.LIST, fault=fault)  # type: ignore[arg-type]  # one of them
    with pytest.raises(APIError) as caught:
        api.users.list()
    assert not isinstance(caught.value, HTTPStatusError)
    assert control.stubs()[0].mapping["response"]["fault"] == fault


def test_removing(control: MockControl) -> None:
    first, second = control.stub("GET /a", persistent=True), control.stub("GET /b")
    control.remove_stub(second.id)
    assert [stub.id for stub in control.stubs()] == [first.id]
    control.remove_stubs()
    assert control.stubs() == []
    with pytest.raises(ControlAPIError) as caught:
        control.remove_stub(second.id)
    assert caught.value.status == 404


def test_refused_stub(control: MockControl) -> None:
    with pytest.raises(ControlAPIError) as caught:
        control.stub(users.LIST, where={"heders": {}})
    assert (caught.value.status, caught.value.pointer) == (422, "/request/heders")
    assert control.stubs() == []


def test_scenario(control: MockControl, api: Client) -> None:
    control.stub(users.LIST, status=503, scenario="outage", required_state="down")
    control.stub(users.CREATE, scenario="outage", new_state="down")
    assert api.users.list().total == 2
    api.users.create(name="Ada", email="ada@example.com")
    assert control.scenarios() == {"outage": "down"}
    with pytest.raises(ServerError):
        api.users.list()
    control.set_scenario("outage")
    assert control.scenarios() == {"outage": "Started"}
    assert api.users.list().total == 3


@pytest.mark.parametrize(
    ("delay", "setting"),
    [
        (0.002, {"fixedDelay": 2}),
        ((0.001, 0.002), {"delayDistribution": {"type": "uniform", "lower": 1, "upper": 2}}),
        (None, {}),
    ],
)
def test_delay_of_everything(control: MockControl, api: Client, delay: object, setting: dict[str, object]) -> None:
    control.set_delay(delay)  # type: ignore[arg-type]  # one of them
    settings = control.settings()
    assert {name: settings.get(name) for name in setting} == setting
    assert delay is not None or not {"fixedDelay", "delayDistribution"} & settings.keys()
    assert api.users.list().total == 2


def test_offline(control: MockControl, api: Client) -> None:
    with control.offline():
        control.offline()  # once is enough
        with pytest.raises(APIError) as caught:
            api.users.list()
        assert not isinstance(caught.value, HTTPStatusError)
        with pytest.raises(APIError):
            api.chats.list()
    assert api.users.list().total == 2
    assert control.stubs() == []


def test_offline_ends_with_reset(control: MockControl, api: Client) -> None:
    control.offline()
    control.set_delay(0.001)
    control.reset()
    assert api.users.list().total == 2
    assert "fixedDelay" not in control.settings()


def test_online_without_offline(control: MockControl) -> None:
    """It removes nothing but what `offline` has added."""
    control.stub("GET /a", name="another")
    control.online()
    assert len(control.stubs()) == 1

"""Socket.IO of the mock itself: channels, what is sent, and what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from duologue import APIError, Client, Event
from duologue.contract import notifications
from duologue.realtime import Realtime
from duologue_mock import ControlAPIError, MockControl, WaitTimeoutError

TIMEOUT = 20.0
OWN: Event[object] = Event("order:shipped")


@pytest.fixture
def live(api: Client) -> Iterator[Realtime]:
    """Jane's connection."""
    api.auth.login(email="jane@example.com", password="password")
    with api.realtime as connection:
        yield connection


def test_channels(control: MockControl, live: Realtime) -> None:
    (channel,) = control.channels()
    assert (channel.user_id, channel.role, channel.transport) == ("2", "user", "websocket")
    assert channel.since is not None
    assert channel.raw["id"] == channel.id


def test_notification(control: MockControl, live: Realtime) -> None:
    control.notify("1", title="Not for Jane", message="Nothing")
    control.notify("2", title="Hello", message="You have mail.", kind="mail")
    _, notification = live.receive("notification:new", timeout=TIMEOUT)
    assert (notification.title, notification.type, notification.read) == ("Hello", "mail", False)


def test_sending(control: MockControl, live: Realtime) -> None:
    with pytest.raises(ControlAPIError) as caught:
        control.send("no:such", {})
    assert caught.value.status == 422
    with pytest.raises(ControlAPIError):
        control.send(notifications.NEW, {"title": 7})
    control.send(OWN, {"a": 1}, to={"role": "user"}, validate=False)
    assert live.receive(OWN, timeout=TIMEOUT)[1] == {"a": 1}


def test_messages(control: MockControl, live: Realtime) -> None:
    control.notify("2", title="Hello", message="You have mail.")
    (message,) = control.wait_for_message("notification:new", direction="sent", timeout=TIMEOUT)
    assert message["payload"]["title"] == "Hello"
    assert control.messages(notifications.NEW) == [message]
    assert control.messages("user:created") == []
    assert len(control.messages()) > 1
    with pytest.raises(WaitTimeoutError):
        control.wait_for_message("user:created", timeout=0.01)


def test_dropped_event(control: MockControl, live: Realtime) -> None:
    control.stub_message(notifications.NEW, "drop", times=1)
    control.notify("2", title="Lost", message="…")
    control.notify("2", title="Found", message="…")
    assert live.receive("notification:new", timeout=TIMEOUT)[1].title == "Found"


def test_disconnecting(control: MockControl, live: Realtime) -> None:
    (channel,) = control.channels()
    control.disconnect(channel)
    assert channel.id not in {each.id for each in control.channels()}
    with pytest.raises(ControlAPIError) as caught:
        control.disconnect(channel.id)
    assert caught.value.status == 404
    control.disconnect(breaks=True)


def test_refused_connection(control: MockControl, api: Client) -> None:
    with control.stub_message("connect", "refuse"), pytest.raises(APIError):
        api.realtime.connect(timeout=TIMEOUT)
    api.realtime.connect(timeout=TIMEOUT)
    api.realtime.disconnect()


def test_offline(control: MockControl, live: Realtime, api: Client) -> None:
    with control.offline():
        assert control.channels() == []
    api.realtime.disconnect()
    api.realtime.connect(timeout=TIMEOUT)
    assert len(control.channels()) == 1

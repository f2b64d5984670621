"""Realtime in a namespace: who is connected, what is sent to them, and what goes wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from duologue_mock.control_client import realtime
from duologue_mock.control_client.base_control import BaseControl
from duologue_mock.control_client.errors import ControlAPIError, WaitTimeoutError
from duologue_mock.control_client.realtime import Channel, EventName, MessageAction, MessageStub
from duologue_mock.control_client.stubs import to_milliseconds
from duologue_mock.control_client.transport import join_path


class RealtimeControl(BaseControl):
    """The Socket.IO clients of a namespace."""

    def channels(self) -> list[Channel]:
        """Return the Socket.IO clients that are connected."""
        return realtime.list_channels(self._transport)

    def disconnect(self, channel: Channel | str | None = None, *, breaks: bool = False) -> None:
        """Disconnect a Socket.IO client, or all of them.

        Args:
            channel: the client, or its id; None for all.
            breaks: break the connection without a word, as a network does.
        """
        names = [] if channel is None else [channel if isinstance(channel, str) else channel.id]
        query = {"break": "true"} if breaks else None
        self._transport.call("DELETE", join_path("channels", *names), query=query)

    def send(
        self, event: EventName, payload: Any, *, to: Mapping[str, str] | None = None, validate: bool = True
    ) -> Mapping[str, Any]:
        """Send an event to Socket.IO clients.

        Args:
            event: an event of the contract, or its name.
            payload: its argument, as JSON.
            to: for whom: `{"userId": …}`, `{"role": …}`, `{"chatUserId": …}` or `{"channelId": …}`; None for all.
            validate: refuse an event that the contract does not have, and a payload that is not the contract's.

        Returns:
            what the mock says about it.
        """
        return realtime.send_event(self._transport, event, payload, to=to, validate=validate)

    def notify(self, user_id: str, *, title: str, message: str, kind: str = "message") -> None:
        """Send a `notification:new` to a user.

        Args:
            user_id: the user's id; with `chat:` before it, the chat service's user.
            title: its title.
            message: its text.
            kind: its `type`.
        """
        payload = {"type": kind, "title": title, "message": message}  # the mock fills in the rest
        self.send("notification:new", payload, to=realtime.get_recipient(user_id))

    def messages(self, event: EventName | None = None, **pattern: Any) -> list[Mapping[str, Any]]:
        """Return the Socket.IO messages of both directions that the namespace remembers, the first first.

        Args:
            event: only this event; None for all messages.
            pattern: what else they must be, under the control API's names: `direction="sent"`, `userId="2"`.
        """
        messages: list[Mapping[str, Any]]
        messages = self._transport.call("POST", "/messages/find", _build_message_pattern(event, pattern))["messages"]
        return messages

    def wait_for_message(
        self, event: EventName | None = None, *, count: int = 1, timeout: float = 10.0, **pattern: Any
    ) -> list[Mapping[str, Any]]:
        """Wait until so many Socket.IO messages were sent or received, those before included, and return them.

        Args:
            event: the event; None for any message.
            count: how many.
            timeout: seconds to wait.
            pattern: what else they must be, as for `messages`.

        Raises:
            WaitTimeoutError: they were not, in time.
        """
        wait = {
            **_build_message_pattern(event, pattern),
            "count": count,
            "timeoutMilliseconds": to_milliseconds(timeout),
        }
        try:
            messages: list[Mapping[str, Any]]
            messages = self._transport.call("POST", "/messages/wait", wait, wait=timeout)["messages"]
        except ControlAPIError as error:
            if error.status != 408:
                raise
            raise WaitTimeoutError(408, error.title, detail=error.detail) from None
        return messages

    def stub_message(
        self,
        event: EventName,
        action: MessageAction,
        *,
        times: int | None = None,
        probability: float | None = None,
        delay: float | None = None,
        **members: Any,
    ) -> MessageStub:
        """Have Socket.IO go wrong: drop, delay or duplicate an event, disconnect instead of it, or refuse connections.

            control.stub_message("user:created", "drop", times=1)
            control.stub_message("connect", "refuse")

        Args:
            event: an event of the contract, or its name; `connect` for connections.
            action: what is done instead of sending it.
            times: how often; None for always.
            probability: how likely, from 0 to 1.
            delay: seconds, for `delay`.
            members: further members of the mapping, under the control API's names.
        """
        milliseconds = None if delay is None else to_milliseconds(delay)
        mapping = {
            "event": realtime.get_event_name(event),
            "action": action,
            "times": times,
            "probability": probability,
            "delayMilliseconds": milliseconds,
            **members,
        }
        given = {name: value for name, value in mapping.items() if value is not None}
        return MessageStub(self._transport, self._transport.call("POST", "/message-mappings", given))


def _build_message_pattern(event: EventName | None, pattern: Mapping[str, Any]) -> dict[str, Any]:
    return {**pattern, **({} if event is None else {"event": realtime.get_event_name(event)})}

"""`duologue mock channels`, `emit`, `notify`: Socket.IO clients, and what they are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from duologue_mock.cli.mock.command import control_command
from duologue_mock.cli.mock.parameters import JSONType
from duologue_mock.cli.mock.terminal import Terminal

if TYPE_CHECKING:
    from duologue_mock.control_client.control import MockControl
    from duologue_mock.control_client.realtime import Channel


@control_command("channels", "duologue mock channels")
def channels(control: MockControl, terminal: Terminal) -> None:
    """List the Socket.IO clients that are connected."""
    connected = control.channels()
    if terminal.as_json:
        terminal.print_json([channel.raw for channel in connected])
    elif connected:
        rows = [(each.id, _describe_identity(each), each.transport or "", " ".join(each.rooms)) for each in connected]
        terminal.table(("id", "identity", "transport", "rooms"), rows)
    else:
        terminal.print("No Socket.IO client is connected.")


def _describe_identity(channel: Channel) -> str:
    user = f"{channel.user_id} ({channel.role})" if channel.user_id else ""
    chat_user = f"chat:{channel.chat_user_id}" if channel.chat_user_id else ""
    return " ".join(filter(None, (user, chat_user))) or "anonymous"


@control_command(
    "emit",
    'duologue mock emit user:deleted \'{"userId": "2"}\'',
    "duologue mock emit order:shipped '{\"id\": 7}' --to-user 2 --no-validate",
)
@click.argument("event")
@click.argument("payload", type=JSONType(), required=False)
@click.option("--to-user", "user_id", metavar="ID", help="Only to this user of the platform.")
@click.option("--to-chat-user", "chat_user_id", metavar="ID", help="Only to this user of the chat service.")
@click.option("--to-role", "role", help="Only to users of this role.")
@click.option("--to-channel", "channel_id", metavar="ID", help="Only to this Socket.IO client.")
@click.option("--no-validate", is_flag=True, help="Send it, whatever the contract says.")
def emit(
    control: MockControl,
    terminal: Terminal,
    event: str,
    payload: Any,
    user_id: str | None,
    chat_user_id: str | None,
    role: str | None,
    channel_id: str | None,
    no_validate: bool,
) -> None:
    """Send an event to Socket.IO clients. PAYLOAD is JSON."""
    named = {"userId": user_id, "chatUserId": chat_user_id, "role": role, "channelId": channel_id}
    to = {name: value for name, value in named.items() if value is not None}
    result = control.send(event, payload, to=to or None, validate=not no_validate)
    terminal.show(result, f"{event} is sent.")


@control_command("notify", "duologue mock notify 2 'You have mail.' --title Hello")
@click.argument("user_id")
@click.argument("message")
@click.option("--title", default="Notification", show_default=True, help="Its title.")
@click.option("--kind", default="message", show_default=True, help="Its type.")
def notify(control: MockControl, terminal: Terminal, user_id: str, message: str, title: str, kind: str) -> None:
    """Send a notification to a user.

    USER_ID is a user of the platform; with chat: before it, of the chat service.
    """
    control.notify(user_id, title=title, message=message, kind=kind)
    terminal.show({}, f"User {user_id} is notified.")

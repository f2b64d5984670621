"""`duologue messages`: list what was said in a chat session, and say something."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from duologue.cli.context import HELP, Session, api_command, format_examples

if TYPE_CHECKING:
    from duologue.contract.messages import ChatMessage
    from duologue.resources.page import PageModel

messages = click.Group(
    "messages",
    help="List the messages of a chat session, and store one.",
    epilog=format_examples("duologue messages list test-session-1"),
    context_settings=HELP,
)


@api_command("list", "duologue messages list test-session-1 --limit 20")
@click.argument("session_id", metavar="SESSION")
@click.option("--page", type=click.IntRange(min=1), default=1, show_default=True, help="Which page.")
@click.option("--limit", type=click.IntRange(1, 100), default=50, show_default=True, help="Messages on a page.")
def list_messages(session: Session, session_id: str, page: int, limit: int) -> None:
    """List the messages of a chat session, oldest first."""
    from duologue.contract import messages as contract

    found = session.api.messages.list(session_id, page=page, limit=limit).model
    session.show(contract.LIST, found, lambda: _print(session, found))


def _print(session: Session, page: PageModel[ChatMessage]) -> None:
    for message in page.items:
        _print_one(session, message)
    more = f"; more with --page {page.next_page}" if page.next_page else ""
    session.terminal.print(f"{len(page.items)} of {page.total} messages{more}")


def _print_one(session: Session, message: ChatMessage) -> None:
    session.terminal.print(f"{message.sender}, {message.created_at:%Y-%m-%d %H:%M} UTC:")
    session.terminal.text(message.content, indent="  ")


class JSONObject(click.ParamType["dict[str, Any] | None"]):
    """A JSON object."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any] | None:
        """Return the object."""
        try:
            found = json.loads(value)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            self.fail(f"{value!r} is no JSON object.", param, ctx)
        return found


@api_command(
    "send",
    "duologue messages send test-session-1 'What a day'",
    "echo 'What a day' | duologue messages send test-session-1 - --sender system",
)
@click.argument("session_id", metavar="SESSION")
@click.argument("content")
@click.option(
    "--sender",
    type=click.Choice(["user", "assistant", "system"]),
    default="user",
    show_default=True,
    help="Who says it.",
)
@click.option("--context", type=JSONObject(), help="An object to keep with it.")
def send(session: Session, session_id: str, content: str, sender: Any, context: dict[str, Any] | None) -> None:
    """Store a message without asking the assistant; `-` reads it from the standard input."""
    from duologue.contract import messages as contract

    said = sys.stdin.read().rstrip("\n") if content == "-" else content
    stored = session.api.messages.send(session_id, content=said, sender=sender, context=context)
    session.show(contract.SEND, stored, lambda: session.terminal.print(f"Stored message {stored.id}."))


for _command in (list_messages, send):
    messages.add_command(_command)

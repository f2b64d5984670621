"""`duologue messages`: list the messages of a chat session, and store one."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from duologue.cli.context import HELP, CommandContext, api_command, format_examples

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
def list_messages(ctx: CommandContext, session_id: str, page: int, limit: int) -> None:
    """List the messages of a chat session, oldest first."""
    messages = ctx.api.messages.list(session_id, page=page, limit=limit)
    ctx.show(messages, lambda: _print_page(ctx, messages))


def _print_page(ctx: CommandContext, page: PageModel[ChatMessage]) -> None:
    for message in page.items:
        _print_message(ctx, message)
    more = f"; more with --page {page.next_page}" if page.next_page else ""
    ctx.terminal.print(f"{len(page.items)} of {page.total} messages{more}")


def _print_message(ctx: CommandContext, message: ChatMessage) -> None:
    ctx.terminal.print(f"{message.sender}, {message.created_at:%Y-%m-%d %H:%M} UTC:")
    ctx.terminal.text(message.content, indent="  ")


def parse_json_object(text: str) -> dict[str, Any]:
    """Return the JSON object that a text is; anything else is an error of the command line."""
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise click.BadParameter(f"{text!r} is not a JSON object.")
    return parsed


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
    help="Author of the message.",
)
@click.option("--context", type=parse_json_object, metavar="JSON", help="JSON object to store with it.")
def send(ctx: CommandContext, session_id: str, content: str, sender: Any, context: dict[str, Any] | None) -> None:
    """Store a message without a reply of the assistant; `-` reads it from standard input."""
    text = sys.stdin.read().rstrip("\n") if content == "-" else content
    message = ctx.api.messages.send(session_id, content=text, sender=sender, context=context)
    ctx.show(message, lambda: ctx.terminal.print(f"Stored message {message.id}."))


for _command in (list_messages, send):
    messages.add_command(_command)

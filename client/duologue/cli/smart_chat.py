"""`duologue chat`: a conversation with the assistant, whose replies are printed as they arrive."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING

import click

from duologue.cli.context import CommandContext, api_command
from duologue.cli.exit_codes import ExitCode, format_error, get_exit_code, print_error
from duologue.cli.terminal import interactive

if TYPE_CHECKING:
    from duologue.http.streaming import ReplyStream

_PROMPT = "you> "
_TITLE_LENGTH = 60


@api_command(
    "chat",
    "duologue chat",
    "duologue chat test-session-1 --message 'Tell me more'",
    "echo 'Tell me more' | duologue chat test-session-1 --json",
)
@click.argument("session_id", metavar="[SESSION]", required=False)
@click.option("--message", metavar="TEXT", help="Send only this, print the reply, and exit.")
@click.option("--context", metavar="TEXT", help="Context for the assistant.")
@click.option("--title", help="Title of the session that is created when none is named.")
def chat(
    ctx: CommandContext, session_id: str | None, message: str | None, context: str | None, title: str | None
) -> None:
    """Talk with the assistant, in a session that exists or a new one.

    Replies are printed as they arrive. Ctrl-C stops a reply, Ctrl-D ends the conversation. Without a terminal each line
    of standard input is a message. With --json each chunk of a reply is a line of JSON.
    """
    if session_id is None:
        session_id = _create_session(ctx, title or message)
    conversation = _Conversation(ctx, session_id, context)
    if message is not None:
        conversation.send(message)
        return
    for line in _read_lines(ctx):
        conversation.send_and_continue(line)


def _create_session(ctx: CommandContext, title: str | None) -> str:
    """Create a session and return its id; it is printed, so that the conversation can be continued later."""
    session = ctx.api.chats.create(title=(title or "Conversation")[:_TITLE_LENGTH])
    if ctx.terminal.as_json:
        ctx.terminal.print_json({"event": "chat:created", "data": session.to_dict()}, line=True)
    else:
        ctx.terminal.print(f"Session {session.id}")
    return session.id


def _read_lines(ctx: CommandContext) -> Iterator[str]:
    """Yield the lines that are typed or piped in, without the blank ones."""
    if not interactive(sys.stdin):
        yield from filter(None, map(str.strip, sys.stdin))
        return
    with suppress(ImportError):
        import_module("readline")  # gives `input` its line editing
    prompt = "" if ctx.terminal.as_json else _PROMPT
    while True:
        try:
            line = input(prompt).strip()
        except EOFError:
            ctx.terminal.print("")
            return
        except KeyboardInterrupt:
            ctx.terminal.print("^C (Ctrl-D ends the conversation)")
            continue
        if line:
            yield line


class _Conversation:
    """Messages and replies of one session."""

    def __init__(self, ctx: CommandContext, session_id: str, context: str | None) -> None:
        self._ctx = ctx
        self._session_id = session_id
        self._context = context

    def send(self, message: str) -> None:
        """Send a message and print the reply; Ctrl-C stops the reply, and is raised."""
        terminal = self._ctx.terminal
        try:
            with terminal.spinner("…"):
                reply = self._ctx.api.smart_chat.stream(self._session_id, message=message, context=self._context)
            with reply:
                self._print_reply(reply)
        except KeyboardInterrupt:
            terminal.print(" [stopped]")
            raise

    def send_and_continue(self, message: str) -> None:
        """Send a message; on a terminal, neither Ctrl-C nor an error that may be temporary ends the conversation."""
        from duologue.errors import APIError

        try:
            self.send(message)
        except KeyboardInterrupt:
            if not interactive(sys.stdin):
                raise
        except APIError as error:
            if not interactive(sys.stdin) or get_exit_code(error) in (ExitCode.REFUSED, ExitCode.NOT_FOUND):
                raise
            print_error(format_error(error))

    def _print_reply(self, reply: ReplyStream) -> None:
        terminal = self._ctx.terminal
        with terminal.spinner("…"):
            first = next(reply, "")
        for chunk in chain(filter(None, [first]), reply):
            if terminal.as_json:
                terminal.print_json({"event": "message.delta", "data": {"delta": chunk}}, line=True)
            else:
                terminal.write(chunk)
        if terminal.as_json:
            completed = {"event": "message.completed", "data": reply.message.to_dict()}
            terminal.print_json(completed, line=True)
        else:
            terminal.print("")

"""`duologue chat`: a conversation with the assistant, whose replies are shown as they are written."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from duologue.cli.context import Session, api_command
from duologue.cli.exit_codes import ExitCode, format_error, get_exit_code, print_error
from duologue.cli.terminal import interactive, to_json

if TYPE_CHECKING:
    from duologue.contract.messages import ChatMessage
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
@click.option("--message", metavar="TEXT", help="Say only this, print the reply, and end.")
@click.option("--context", metavar="TEXT", help="What the assistant should have in mind.")
@click.option("--title", help="Title of the session that is begun when none is named.")
def chat(session: Session, session_id: str | None, message: str | None, context: str | None, title: str | None) -> None:
    """Talk with the assistant, in a session that exists or a new one.

    Replies are shown as they are written. Ctrl-C ends a reply, Ctrl-D the conversation. Without a terminal each line of
    the standard input is a message. With --json each piece of a reply is a line of JSON.
    """
    talk = _Conversation(session, _session_for(session, session_id, title or message), context)
    if message is not None:
        talk.say(message)
        return
    for said in _lines(session):
        talk.say_and_go_on(said)


def _session_for(session: Session, session_id: str | None, title: str | None) -> str:
    """Return the id of the session to talk in; one that is made is shown, so that it can be taken up again."""
    from duologue.contract import chats as contract

    if session_id is not None:
        return session_id
    made = session.api.chats.create(title=(title or "Conversation")[:_TITLE_LENGTH])
    if session.terminal.as_json:
        session.terminal.print_json({"event": "chat:created", "data": to_json(contract.CREATE, made)}, line=True)
    else:
        session.terminal.print(f"Session {made.id}")
    return made.id


def _lines(session: Session) -> Iterator[str]:
    """Yield what is said, until the input ends."""
    if not interactive(sys.stdin):
        yield from filter(None, map(str.strip, sys.stdin))
        return
    with suppress(ImportError):
        import readline  # noqa: F401  # gives `input` its line editing
    prompt = "" if session.terminal.as_json else _PROMPT
    while True:
        try:
            said = input(prompt).strip()
        except EOFError:
            session.terminal.print("")
            return
        except KeyboardInterrupt:
            session.terminal.print("^C (Ctrl-D ends the conversation)")
            continue
        if said:
            yield said


class _Conversation:
    """Messages and replies of one session."""

    def __init__(self, session: Session, id: str, context: str | None) -> None:
        self._session = session
        self._id = id
        self._context = context

    def say(self, message: str) -> None:
        """Send a message and show the reply; Ctrl-C ends the reply, and is passed on."""
        terminal = self._session.terminal
        try:
            with terminal.spinner("…"):
                reply = self._session.api.smart_chat.stream(self._id, message=message, context=self._context)
            with reply:
                self._show(reply)
        except KeyboardInterrupt:
            terminal.print(" [stopped]")
            raise

    def say_and_go_on(self, message: str) -> None:
        """Send a message; with a person, neither Ctrl-C nor a failure that may pass ends the conversation."""
        from duologue.errors import APIError

        try:
            self.say(message)
        except KeyboardInterrupt:
            if not interactive(sys.stdin):
                raise
        except APIError as error:
            if not interactive(sys.stdin) or get_exit_code(error) in (ExitCode.REFUSED, ExitCode.NOT_FOUND):
                raise
            print_error(format_error(error, self._session.api.config))

    def _show(self, reply: ReplyStream) -> None:
        terminal = self._session.terminal
        with terminal.spinner("…"):
            first = next(reply, "")
        for piece in _following(first, reply):
            if terminal.as_json:
                terminal.print_json({"event": "message.delta", "data": {"delta": piece}}, line=True)
            else:
                terminal.write(piece)
        self._end(reply.message)

    def _end(self, message: ChatMessage) -> None:
        from duologue.contract import smart_chat as contract

        if self._session.terminal.as_json:
            completed = to_json(contract.ASK, message)
            self._session.terminal.print_json({"event": "message.completed", "data": completed}, line=True)
        else:
            self._session.terminal.print("")


def _following(first: str, rest: Iterator[str]) -> Iterator[str]:
    if first:
        yield first
    yield from rest

"""`duologue chats`: list, get, create, rename, delete and mark chat sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from duologue.cli.context import HELP, Session, api_command, confirm_deletion, format_examples

if TYPE_CHECKING:
    from duologue.contract.chats import ChatSession
    from duologue.resources.page import PageModel

chats = click.Group(
    "chats",
    help="List, get, create, rename, delete and mark chat sessions.",
    epilog=format_examples("duologue chats list --favorite"),
    context_settings=HELP,
)


@api_command("list", "duologue chats list --search test", "duologue chats list --page 1 --limit 20 --json")
@click.option("--page", type=click.IntRange(min=1), help="Which page; all sessions if left out.")
@click.option("--limit", type=click.IntRange(1, 100), help="Sessions on a page.")
@click.option("--search", metavar="TEXT", help="Part of a title.")
@click.option("--favorite/--no-favorite", default=None, help="Only those that are marked, or are not.")
def list_chats(
    session: Session, page: int | None, limit: int | None, search: str | None, favorite: bool | None
) -> None:
    """List your chat sessions, newest message first."""
    from duologue.contract import chats as contract

    found = session.api.chats.list(page=page, limit=limit, search=search, favorite=favorite).model
    session.show(contract.LIST, found, lambda: _table(session, found))


def _table(session: Session, page: PageModel[ChatSession]) -> None:
    rows = [(one.id, one.title, "yes" if one.is_favorite else "", _moment(one)) for one in page.items]
    session.terminal.table(("id", "title", "favorite", "last message (UTC)"), rows)
    session.terminal.print(f"{len(rows)} of {page.total} sessions")


def _moment(session: ChatSession) -> str:
    return f"{session.last_message_at:%Y-%m-%d %H:%M}"


@api_command("get", "duologue chats get test-session-1")
@click.argument("id")
def get(session: Session, id: str) -> None:
    """Show one chat session."""
    from duologue.contract import chats as contract

    _show(session, contract.GET, session.api.chats.get(id))


@api_command("create", "duologue chats create 'Holiday plans'")
@click.argument("title")
def create(session: Session, title: str) -> None:
    """Begin a chat session; its title has 1 to 200 characters."""
    from duologue.contract import chats as contract

    _show(session, contract.CREATE, session.api.chats.create(title=title))


@api_command("rename", "duologue chats rename test-session-1 'Holiday plans'")
@click.argument("id")
@click.argument("title")
def rename(session: Session, id: str, title: str) -> None:
    """Give a chat session another title."""
    from duologue.contract import chats as contract

    _show(session, contract.RENAME, session.api.chats.rename(id, title=title))


@api_command("favorite", "duologue chats favorite test-session-1", "duologue chats favorite test-session-1 --off")
@click.argument("id")
@click.option("--on/--off", "marked", default=True, help="Mark it (the default), or mark it no longer.")
def favorite(session: Session, id: str, marked: bool) -> None:
    """Mark a chat session as a favourite, or no longer as one."""
    from duologue.contract import chats as contract

    _show(session, contract.FAVORITE, session.api.chats.set_favorite(id, favorite=marked))


@api_command("delete", "duologue chats delete test-session-1 --yes")
@click.argument("id")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(session: Session, id: str, yes: bool) -> None:
    """Delete a chat session and its messages for good."""
    from duologue.contract import chats as contract

    confirm_deletion(f"session {id} and its messages", agreed=yes)
    session.api.chats.delete(id)
    session.show(contract.DELETE, None, lambda: session.terminal.print(f"Deleted session {id}."))


def _show(session: Session, operation: Any, chat: ChatSession) -> None:
    shown = {
        "id": chat.id,
        "title": chat.title,
        "favorite": "yes" if chat.is_favorite else "no",
        "last message": f"{_moment(chat)} UTC",
    }
    session.show(operation, chat, lambda: session.terminal.fields(shown))


for _command in (list_chats, get, create, rename, favorite, delete):
    chats.add_command(_command)

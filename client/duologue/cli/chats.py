"""`duologue chats`: list, get, create, rename, delete and mark chat sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from duologue.cli.context import HELP, CommandContext, api_command, confirm_deletion, format_examples

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
@click.option("--favorite/--no-favorite", default=None, help="Only favorites, or only others.")
def list_chats(
    ctx: CommandContext, page: int | None, limit: int | None, search: str | None, favorite: bool | None
) -> None:
    """List your chat sessions, those with the newest message first."""
    sessions = ctx.api.chats.list(page=page, limit=limit, search=search, favorite=favorite)
    ctx.show(sessions, lambda: _print_table(ctx, sessions))


def _print_table(ctx: CommandContext, page: PageModel[ChatSession]) -> None:
    rows = [(chat.id, chat.title, "yes" if chat.is_favorite else "", _format_time(chat)) for chat in page.items]
    ctx.terminal.table(("id", "title", "favorite", "last message (UTC)"), rows)
    ctx.terminal.print(f"{len(rows)} of {page.total} sessions")


def _format_time(chat: ChatSession) -> str:
    return f"{chat.last_message_at:%Y-%m-%d %H:%M}"


@api_command("get", "duologue chats get test-session-1")
@click.argument("id")
def get(ctx: CommandContext, id: str) -> None:
    """Show one chat session."""
    _show(ctx, ctx.api.chats.get(id))


@api_command("create", "duologue chats create 'Holiday plans'")
@click.argument("title")
def create(ctx: CommandContext, title: str) -> None:
    """Create a chat session; its title has 1 to 200 characters."""
    _show(ctx, ctx.api.chats.create(title=title))


@api_command("rename", "duologue chats rename test-session-1 'Holiday plans'")
@click.argument("id")
@click.argument("title")
def rename(ctx: CommandContext, id: str, title: str) -> None:
    """Change the title of a chat session."""
    _show(ctx, ctx.api.chats.rename(id, title=title))


@api_command("favorite", "duologue chats favorite test-session-1", "duologue chats favorite test-session-1 --off")
@click.argument("id")
@click.option("--on/--off", "marked", default=True, help="Mark it (the default), or remove the mark.")
def favorite(ctx: CommandContext, id: str, marked: bool) -> None:
    """Mark a chat session as a favorite, or remove the mark."""
    _show(ctx, ctx.api.chats.set_favorite(id, favorite=marked))


@api_command("delete", "duologue chats delete test-session-1 --yes")
@click.argument("id")
@click.option("--yes", is_flag=True, help="Skip the confirmation.")
def delete(ctx: CommandContext, id: str, yes: bool) -> None:
    """Delete a chat session and its messages permanently."""
    confirm_deletion(f"session {id} and its messages", confirmed=yes)
    ctx.api.chats.delete(id)
    ctx.show(None, lambda: ctx.terminal.print(f"Deleted session {id}."))


def _show(ctx: CommandContext, chat: ChatSession) -> None:
    fields = {
        "id": chat.id,
        "title": chat.title,
        "favorite": "yes" if chat.is_favorite else "no",
        "last message": f"{_format_time(chat)} UTC",
    }
    ctx.show(chat, lambda: ctx.terminal.fields(fields))


for _command in (list_chats, get, create, rename, favorite, delete):
    chats.add_command(_command)

"""`duologue users`: list, get, create, update and delete users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from duologue.cli.context import HELP, CommandContext, api_command, confirm_deletion, format_examples, read_password

if TYPE_CHECKING:
    from duologue.contract.users import User
    from duologue.resources.page import PageModel

_ROLES = click.Choice(["admin", "user"])

users = click.Group(
    "users",
    help="List, get, create, update and delete users of the platform.",
    epilog=format_examples("duologue users list --search doe"),
    context_settings=HELP,
)


@api_command("list", "duologue users list --search doe", "duologue users list --all --json")
@click.option("--page", type=click.IntRange(min=1), default=1, show_default=True, help="Which page.")
@click.option("--limit", type=click.IntRange(1, 100), default=10, show_default=True, help="Users on a page.")
@click.option("--search", metavar="TEXT", help="Part of a name or an e-mail address.")
@click.option("--all", "all_pages", is_flag=True, help="All pages.")
def list_users(ctx: CommandContext, page: int, limit: int, search: str | None, all_pages: bool) -> None:
    """List users in the order of their creation."""
    users = _list_all(ctx, search) if all_pages else ctx.api.users.list(page=page, limit=limit, search=search)
    ctx.show(users, lambda: _print_table(ctx, users))


def _list_all(ctx: CommandContext, search: str | None) -> PageModel[User]:
    """Return all users as one page: the contract has no other JSON for them."""
    from duologue.contract.users import UserPage

    users = list(ctx.api.users.list(limit=100, search=search))
    return UserPage(users, total=len(users), page=1, limit=len(users), has_more=False)


def _print_table(ctx: CommandContext, page: PageModel[User]) -> None:
    rows = [(user.id, user.name, user.email, user.role) for user in page.items]
    ctx.terminal.table(("id", "name", "email", "role"), rows)
    more = f"; more with --page {page.next_page}" if page.next_page else ""
    ctx.terminal.print(f"{len(rows)} of {page.total} users{more}")


@api_command("get", "duologue users get 1")
@click.argument("id")
def get(ctx: CommandContext, id: str) -> None:
    """Show one user."""
    _show(ctx, ctx.api.users.get(id))


@api_command("create", "duologue users create --name 'Ada Lovelace' --email ada@example.com --role admin")
@click.option("--name", required=True, help="1 to 100 characters.")
@click.option("--email", required=True, help="An address that no other user has.")
@click.option("--role", type=_ROLES, default="user", show_default=True, help="What the user may do.")
@click.option("--with-password", is_flag=True, help="Prompt for a password, or read it from standard input.")
def create(ctx: CommandContext, name: str, email: str, role: Any, with_password: bool) -> None:
    """Create a user. Without a password the user cannot log in."""
    password = read_password("Password of the new user") if with_password else None
    _show(ctx, ctx.api.users.create(name=name, email=email, role=role, password=password))


@api_command("update", "duologue users update 1 --name 'John A. Doe'")
@click.argument("id")
@click.option("--name", help="Another name.")
@click.option("--email", help="Another e-mail address.")
@click.option("--role", type=_ROLES, help="Another role.")
def update(ctx: CommandContext, id: str, name: str | None, email: str | None, role: Any) -> None:
    """Change a user; what is left out stays the same."""
    if name is None and email is None and role is None:
        raise click.UsageError("There is nothing to change. Pass --name, --email or --role.")
    _show(ctx, ctx.api.users.update(id, name=name, email=email, role=role))


@api_command("delete", "duologue users delete 2 --yes")
@click.argument("id")
@click.option("--yes", is_flag=True, help="Skip the confirmation.")
def delete(ctx: CommandContext, id: str, yes: bool) -> None:
    """Delete a user permanently."""
    confirm_deletion(f"user {id}", confirmed=yes)
    ctx.api.users.delete(id)
    ctx.show(None, lambda: ctx.terminal.print(f"Deleted user {id}."))


def _show(ctx: CommandContext, user: User) -> None:
    fields = {"id": user.id, "name": user.name, "email": user.email, "role": user.role}
    ctx.show(user, lambda: ctx.terminal.fields(fields))


for _command in (list_users, get, create, update, delete):
    users.add_command(_command)

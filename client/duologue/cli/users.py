"""`duologue users`: list, get, create, update and delete users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from duologue.cli.context import HELP, Session, api_command, confirm_deletion, format_examples, read_password

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
@click.option("--all", "everyone", is_flag=True, help="All pages.")
def list_users(session: Session, page: int, limit: int, search: str | None, everyone: bool) -> None:
    """List users in the order they were made."""
    from duologue.contract import users as contract

    found = _all(session, search) if everyone else session.api.users.list(page=page, limit=limit, search=search).model
    session.show(contract.LIST, found, lambda: _table(session, found))


def _all(session: Session, search: str | None) -> PageModel[User]:
    """Return all users as one page: the contract has no other JSON for them."""
    from duologue.contract.users import UserPage

    found = list(session.api.users.list(limit=100, search=search))
    return UserPage(found, total=len(found), page=1, limit=len(found), has_more=False)


def _table(session: Session, page: PageModel[User]) -> None:
    rows = [(user.id, user.name, user.email, user.role) for user in page.items]
    session.terminal.table(("id", "name", "email", "role"), rows)
    more = f"; more with --page {page.next_page}" if page.next_page else ""
    session.terminal.print(f"{len(rows)} of {page.total} users{more}")


@api_command("get", "duologue users get 1")
@click.argument("id")
def get(session: Session, id: str) -> None:
    """Show one user."""
    from duologue.contract import users as contract

    _show(session, contract.GET, session.api.users.get(id))


@api_command("create", "duologue users create --name 'Ada Lovelace' --email ada@example.com --role admin")
@click.option("--name", required=True, help="1 to 100 characters.")
@click.option("--email", required=True, help="An address that nobody else has.")
@click.option("--role", type=_ROLES, default="user", show_default=True, help="What the user may do.")
@click.option("--with-password", is_flag=True, help="Ask for a password, or read it from the standard input.")
def create(session: Session, name: str, email: str, role: Any, with_password: bool) -> None:
    """Make a user. Without a password the user cannot log in."""
    from duologue.contract import users as contract

    password = read_password("Password of the new user") if with_password else None
    _show(session, contract.CREATE, session.api.users.create(name=name, email=email, role=role, password=password))


@api_command("update", "duologue users update 1 --name 'John A. Doe'")
@click.argument("id")
@click.option("--name", help="Another name.")
@click.option("--email", help="Another e-mail address.")
@click.option("--role", type=_ROLES, help="Another role.")
def update(session: Session, id: str, name: str | None, email: str | None, role: Any) -> None:
    """Change a user; what is left out stays as it is."""
    from duologue.contract import users as contract

    if name is None and email is None and role is None:
        raise click.UsageError("Say what to change: --name, --email or --role.")
    _show(session, contract.UPDATE, session.api.users.update(id, name=name, email=email, role=role))


@api_command("delete", "duologue users delete 2 --yes")
@click.argument("id")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(session: Session, id: str, yes: bool) -> None:
    """Delete a user for good."""
    from duologue.contract import users as contract

    confirm_deletion(f"user {id}", agreed=yes)
    session.api.users.delete(id)
    session.show(contract.DELETE, None, lambda: session.terminal.print(f"Deleted user {id}."))


def _show(session: Session, operation: Any, user: User) -> None:
    shown = {"id": user.id, "name": user.name, "email": user.email, "role": user.role}
    session.show(operation, user, lambda: session.terminal.fields(shown))


for _command in (list_users, get, create, update, delete):
    users.add_command(_command)

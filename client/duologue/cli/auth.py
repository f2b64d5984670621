"""`duologue login`, `logout` and `me`."""

from __future__ import annotations

import click

from duologue.cli.context import CommandContext, api_command, read_password


@api_command(
    "login",
    "duologue login --email john@example.com",
    "printf '%s' \"$PASSWORD\" | duologue login --email john@example.com",
)
@click.option("--email", help="E-mail address of the user; prompted for if left out.")
def login(ctx: CommandContext, email: str | None) -> None:
    """Log in to the platform, and stay logged in on this machine.

    The password is prompted for, or read from standard input. The tokens are stored in a file that only you can read,
    one for each server, and refreshed as long as the platform allows it.
    """
    if email is None:
        email = click.prompt("E-mail address", err=True)
    user = ctx.api.auth.login(email=email, password=read_password("Password")).user
    ctx.show(user, lambda: ctx.terminal.print(f"Logged in as {user.name} <{user.email}>, {user.role}."))


@api_command("logout", "duologue logout")
def logout(ctx: CommandContext) -> None:
    """Log out: the platform revokes the tokens, and this machine deletes them."""
    from duologue.errors import AuthenticationError

    message = "Logged out." if ctx.api.auth.logged_in else "Not logged in."
    if ctx.api.auth.logged_in:
        try:
            ctx.api.auth.logout()
        except AuthenticationError:
            message = "Logged out; the login had expired."
    ctx.show(None, lambda: ctx.terminal.print(message))


@api_command("me", "duologue me", "duologue me --json")
def me(ctx: CommandContext) -> None:
    """Show who is logged in."""
    user = ctx.api.auth.require_role()
    fields = {"id": user.id, "name": user.name, "email": user.email, "role": user.role}
    ctx.show(user, lambda: ctx.terminal.fields(fields))

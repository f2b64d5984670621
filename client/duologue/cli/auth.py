"""`duologue login`, `logout` and `me`."""

from __future__ import annotations

import click

from duologue.cli.context import Session, api_command, read_password


@api_command(
    "login",
    "duologue login --email john@example.com",
    "printf '%s' \"$PASSWORD\" | duologue login --email john@example.com",
)
@click.option("--email", help="Who logs in; asked for if left out.")
def login(session: Session, email: str | None) -> None:
    """Log in to the platform, and stay logged in on this machine.

    The password is asked for, or read from the standard input. The tokens are kept in a file that only you can read,
    one for each server; they are renewed as long as the platform does so.
    """
    from duologue.contract import auth

    if email is None:
        email = click.prompt("E-mail address", err=True)
    user = session.api.auth.login(email=email, password=read_password("Password")).user
    session.show(
        auth.ME, user, lambda: session.terminal.print(f"Logged in as {user.name} <{user.email}>, {user.role}.")
    )


@api_command("logout", "duologue logout")
def logout(session: Session) -> None:
    """Log out: the platform revokes the tokens, and this machine forgets them."""
    from duologue.contract import auth
    from duologue.errors import AuthenticationError

    said = "Logged out." if session.api.auth.logged_in else "Nobody was logged in."
    if session.api.auth.logged_in:
        try:
            session.api.auth.logout()
        except AuthenticationError:
            said = "Logged out; the login had ended already."
    session.show(auth.LOGOUT, None, lambda: session.terminal.print(said))


@api_command("me", "duologue me", "duologue me --json")
def me(session: Session) -> None:
    """Show who is logged in."""
    from duologue.contract import auth

    user = session.api.auth.require_role()
    shown = {"id": user.id, "name": user.name, "email": user.email, "role": user.role}
    session.show(auth.ME, user, lambda: session.terminal.fields(shown))

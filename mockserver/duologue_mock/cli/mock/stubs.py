"""`duologue mock stub`, `stubs`, `unstub`, `offline`, `online`: what the mock sends instead of its own response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from duologue_mock.cli.mock.command import control_command
from duologue_mock.cli.mock.parameters import DelayType, DurationType, JSONType, parse_headers
from duologue_mock.cli.mock.terminal import Terminal, shorten

if TYPE_CHECKING:
    from datetime import timedelta

    from duologue_mock.control_client.control import MockControl

FAULTS = (
    "EMPTY_RESPONSE",
    "MALFORMED_RESPONSE_CHUNK",
    "RANDOM_DATA_THEN_CLOSE",
    "CONNECTION_RESET_BY_PEER",
    "HANG",
    "TRUNCATED_BODY",
    "MALFORMED_JSON",
)


@control_command(
    "stub",
    "duologue mock stub users.LIST --status 503 --times 2   # fails twice, then recovers",
    "duologue mock stub users.GET --delay 200ms..800ms",
    "duologue mock stub 'GET /api/flags' --body '{\"beta\": true}'",
    "duologue mock stub users.LIST --fault CONNECTION_RESET_BY_PEER --probability 0.1",
)
@click.argument("target")
@click.option("--status", type=click.IntRange(200, 999), help="HTTP status.")
@click.option("--body", help="Body: JSON, or any other text.")
@click.option("--body-patch", type=JSONType(), help="Merge patch (RFC 7396) of the mock's own body.")
@click.option(
    "--header",
    "headers",
    multiple=True,
    callback=parse_headers,
    metavar="'NAME: VALUE'",
    help="Response header. Repeat it for more.",
)
@click.option("--delay", type=DelayType(), help="Delay: 500ms, 1.5s; or a range, 200ms..800ms.")
@click.option("--fault", type=click.Choice(FAULTS, case_sensitive=False), help="How the connection fails.")
@click.option("--times", type=click.IntRange(1), help="How often it serves before it steps aside.")
@click.option("--probability", type=click.FloatRange(0, 1), help="How likely it serves.")
@click.option("--priority", type=int, help="Lower wins; 5 by default. Among equals the newest wins.")
@click.option("--expires-after", type=DurationType(), help="After this time, by the mock's clock, it is gone.")
@click.option("--persistent", is_flag=True, help="Keep it when the mock is reset.")
@click.option("--name", help="A name for people.")
def stub(
    control: MockControl,
    terminal: Terminal,
    target: str,
    body: str | None,
    expires_after: timedelta | None,
    persistent: bool,
    **options: Any,
) -> None:
    """Have the mock respond to some requests in another way.

    TARGET is an operation (users.LIST), or a method and a path ('GET /api/users/{id}'). Without a body or a fault, the
    response is the mock's own; with a status of 400 and above, it is the contract's error of that status.
    """
    added = control.stub(
        target,
        body=None if body is None else _parse_body(body),
        expires_after=None if expires_after is None else expires_after.total_seconds(),
        persistent=persistent or None,
        **options,
    )
    terminal.show(added.mapping, f"Stub {added.id} answers {target}.")  # fmt: skip


@control_command("stubs", "duologue mock stubs")
def stubs(control: MockControl, terminal: Terminal) -> None:
    """List the stubs, the newest first."""
    mappings = [stub.mapping for stub in control.stubs()]
    if terminal.as_json:
        terminal.print_json(mappings)
    elif mappings:
        rows = [
            (str(each["id"]), _describe_request(each), _describe_response(each), _get_name(each)) for each in mappings
        ]
        terminal.table(("id", "request", "response", "name"), rows)
    else:
        terminal.print("There are no stubs.")


@control_command("unstub", "duologue mock unstub --all")
@click.argument("stub_id", required=False)
@click.option("--all", "remove_all", is_flag=True, help="Remove all stubs, the persistent ones too.")
def unstub(control: MockControl, terminal: Terminal, stub_id: str | None, remove_all: bool) -> None:
    """Remove a stub, or all of them."""
    if remove_all == (stub_id is not None):
        raise click.UsageError("Name the id of a stub, or pass --all.")
    if stub_id is None:
        control.remove_stubs()
        terminal.show({}, "All stubs are removed.")
    else:
        control.remove_stub(stub_id)
        terminal.show({}, f"Stub {stub_id} is removed.")


@control_command("offline", "duologue mock offline 10s", "duologue mock offline; npm test; duologue mock online")
@click.argument("duration", type=DurationType(), required=False)
def offline(control: MockControl, terminal: Terminal, duration: timedelta | None) -> None:
    """Reset every connection, those of Socket.IO too, for DURATION by the mock's clock, or until `online` or `reset`.

    DURATION has units: d, h, m, s, ms.
    """
    control.offline(None if duration is None else duration.total_seconds())
    until = "Bring it back with: duologue mock online" if duration is None else f"It is back in {duration}."
    terminal.show({}, f"The mock is offline. {until}")


@control_command("online", "duologue mock online")
def online(control: MockControl, terminal: Terminal) -> None:
    """End `offline`."""
    control.online()
    terminal.show({}, "The mock is online.")


def _parse_body(text: str) -> Any:
    import json

    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if value is None else value


def _describe_request(mapping: Mapping[str, Any]) -> str:
    from duologue_mock.control_client.patterns import describe_target

    return shorten(describe_target(mapping.get("request") or {}))


def _describe_response(mapping: Mapping[str, Any]) -> str:
    response: Mapping[str, Any] = mapping.get("response") or {}
    own = "own response" if response.get("passThrough") else ""
    delay = f"{response['fixedDelayMilliseconds']} ms" if "fixedDelayMilliseconds" in response else ""
    times = f"{mapping['times']} times" if "times" in mapping else ""
    parts = [own, str(response.get("status", "")), str(response.get("fault", "")), delay, times]
    return ", ".join(part for part in parts if part)


def _get_name(mapping: Mapping[str, Any]) -> str:
    return str(mapping.get("name") or "")

"""`duologue serve`: both services, by default on ports 3001 and 3002."""

from __future__ import annotations

import gc
import logging
import sys
from typing import TYPE_CHECKING, Any, Unpack

import click

from duologue.contract.core import CHAT, PLATFORM
from duologue_mock.cli.config_file import add_config_option, get_config_file
from duologue_mock.cli.setting_options import add_setting_options
from duologue_mock.cli.strict import EXIT_STATUS, StrictLog, add_strict_option
from duologue_mock.settings import MockSettings

if TYPE_CHECKING:
    from duologue_mock.cli.reloading import Reloader
    from duologue_mock.server import MockServer


class _ServeCommand(click.Command):
    """A command that knows its arguments, so that it can read its options once more."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, and remember them."""
        ctx.obj = tuple(args)
        return super().parse_args(ctx, args)


@click.command(
    cls=_ServeCommand,
    context_settings={"show_default": True},
    epilog="\b\nExamples:\n  duologue serve --require-auth --access-token-lifetime 60\n"
    "  duologue serve --port 3001 --chat-port 3001   # both services on one port",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PLATFORM.port,
    envvar="DUOLOGUE_MOCK_PORT",
    show_envvar=True,
    help="Port of the platform; 0 picks a free one.",
)
@click.option(
    "--chat-port",
    type=click.IntRange(0, 65535),
    default=CHAT.port,
    envvar="DUOLOGUE_MOCK_CHAT_PORT",
    show_envvar=True,
    help="Port of the chat service; 0 picks a free one.",
)
@click.option(
    "--host",
    default="localhost",
    envvar="DUOLOGUE_MOCK_HOST",
    show_envvar=True,
    help="Address to listen on; localhost is 127.0.0.1 and ::1.",
)
@click.option("--expose", is_flag=True, help="Allow an address that other machines can reach.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of banner and request log.")
@click.option(
    "--quiet/--no-quiet",
    type=bool,
    default=False,
    envvar="DUOLOGUE_MOCK_QUIET",
    show_envvar=True,
    help="Print neither banner nor request log.",
)
@click.option(
    "--watch/--no-watch",
    type=bool,
    default=False,
    envvar="DUOLOGUE_MOCK_WATCH",
    show_envvar=True,
    help="Start over when the fixtures, mappings, presets or the configuration file change.",
)
@add_strict_option
@add_config_option
@add_setting_options
@click.pass_context
def serve(
    ctx: click.Context,
    port: int,
    chat_port: int,
    host: str,
    expose: bool,
    as_json: bool,
    quiet: bool,
    watch: bool,
    strict: bool,
    **settings: Unpack[MockSettings],
) -> None:
    """Serve the mock: the platform, the chat service, and Socket.IO on the ports of both."""
    from duologue_mock.cli import banner
    from duologue_mock.control.request_log import log_request
    from duologue_mock.http.listening import LOOPBACK_HOSTS, PortInUseError
    from duologue_mock.server import MockServer
    from duologue_mock.store.seed import FixtureError

    if host not in LOOPBACK_HOSTS and not expose:
        _fail(f"Other machines can reach {host}. Pass --expose to allow it.")
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s", stream=sys.stderr)

    def report_start() -> None:
        _freeze_garbage_collector()
        if as_json:
            banner.print_json(mock)
        elif not quiet:
            banner.print_banner(mock, exposed=expose)
        if reloader is not None:
            _check_regularly(reloader)

    strict_log = StrictLog()
    try:
        mock = MockServer(
            port=port,
            chat_port=chat_port,
            host=host,
            request_hooks=[*(() if quiet or as_json else (log_request,)), *((strict_log,) if strict else ())],
            **settings,
        )
        reloader = _create_reloader(ctx, mock) if watch else None  # before the files are read
        mock.serve_forever(report_start)
    except PortInUseError as error:
        flag = "--chat-port" if error.port == chat_port else "--port"
        _fail(f"{error} Stop the process using it or pass {flag}.")
    except (FixtureError, ValueError, OSError, ImportError) as error:
        _fail(str(error))
    if strict_log.count:
        strict_log.report_total()
        raise SystemExit(EXIT_STATUS)


def _create_reloader(ctx: click.Context, mock: MockServer) -> Reloader:
    from duologue_mock.cli.reloading import Reloader

    def read_options() -> dict[str, Any]:
        return ctx.command.make_context(ctx.info_name, list(ctx.obj), parent=ctx.parent).params

    return Reloader(
        mock,
        ctx.params,
        config=get_config_file(ctx),
        read_options=read_options,
        report=lambda sentence: click.echo(f"duologue: {sentence}", err=True),
    )


def _check_regularly(reloader: Reloader) -> None:
    """Look at the files every now and then, beside the requests."""
    import gevent

    from duologue_mock.cli.reloading import INTERVAL

    def run() -> None:
        while True:
            gevent.sleep(INTERVAL)
            reloader.check()

    gevent.spawn(run)


def _freeze_garbage_collector() -> None:
    """Exempt from collection what lives until the end; a store that only grows would be traversed over and over."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _fail(message: str) -> None:
    click.echo(f"duologue: {message}", err=True)
    raise SystemExit(2)

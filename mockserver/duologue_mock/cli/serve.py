"""`duologue serve`: the whole backend on ports 3001 and 3002."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from duologue.contract.core import CHAT, PLATFORM

_LOOPBACKS = ("localhost", "127.0.0.1", "::1")


class RateLimit(click.ParamType["int | None"]):
    """A number of requests a minute, or `off`."""

    name = "number|off"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Return the number, or None for `off`."""
        if value in (None, "off"):
            return None
        try:
            number = int(value)
        except (TypeError, ValueError):
            number = 0
        if number < 1:
            self.fail(f"{value!r} is neither a number above 0 nor 'off'.", param, ctx)
        return number


@click.command(epilog="\b\nExample:\n  duologue serve --require-auth --token-lifetime 60")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=PLATFORM.port, show_default=True, help="Platform's port."
)
@click.option("--chat-port", type=click.IntRange(0, 65535), default=CHAT.port, show_default=True, help="Chat's port.")
@click.option(
    "--host", default="localhost", show_default=True, help="Address to listen on; localhost is both loopbacks."
)
@click.option("--expose", is_flag=True, help="Allow an address other machines can reach.")
@click.option(
    "--fixtures",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with users.json, chats.json, messages.json, smart_chat.json; the shipped ones fill in.",
)
@click.option(
    "--api-key", "api_keys", multiple=True, metavar="KEY", help="API key of the chat service; repeat for more."
)
@click.option("--require-auth", is_flag=True, help="Refuse platform requests without a token.")
@click.option(
    "--access-token-lifetime",
    "--token-lifetime",
    "access_token_lifetime",
    type=float,
    default=3600.0,
    show_default=True,
    help="Seconds an access token lives.",
)
@click.option("--rate-limit", type=RateLimit(), default="600", show_default=True, help="Requests a minute and caller.")
@click.option(
    "--max-request-size",
    "--max-body",
    "max_request_size",
    type=int,
    default=1024 * 1024,
    show_default=True,
    help="Longest request body, in bytes.",
)
@click.option(
    "--allow-origin", "allowed_origins", multiple=True, metavar="URL", help="Further origin for CORS; repeat."
)
@click.option("--allow-host", "allowed_hosts", multiple=True, metavar="NAME", help="Further Host to answer to; repeat.")
@click.option("--reply-url", metavar="URL", help="OpenAI-compatible API that makes the smart-chat replies.")
@click.option("--reply-model", default="default", show_default=True, help="Model to ask that API for.")
@click.option(
    "--reply-api-key", envvar="DUOLOGUE_REPLY_API_KEY", help="Key for that API.  [env: DUOLOGUE_REPLY_API_KEY]"
)
@click.option("--reply-timeout", type=float, default=60.0, show_default=True, help="Seconds that API may be silent.")
@click.option(
    "--stream-delay",
    "--delta-delay",
    "stream_delay",
    type=float,
    default=0.0,
    show_default=True,
    help="Seconds between streamed pieces.",
)
@click.option("--seed", type=int, help="Make the same ids in every run.")
@click.option("--quiet", is_flag=True, help="No banner and no request log.")
def serve(
    port: int,
    chat_port: int,
    host: str,
    expose: bool,
    fixtures: Path | None,
    api_keys: tuple[str, ...],
    quiet: bool,
    **settings: Any,
) -> None:
    """Serve the mock backend: the platform on port 3001, the chat service on port 3002, Socket.IO on both."""
    from duologue_mock.cli import banner
    from duologue_mock.control.request_log import log_request
    from duologue_mock.seed import FixtureError
    from duologue_mock.server import MockServer, PortInUseError

    if host not in _LOOPBACKS and not expose:
        _fail(f"{host} can be reached by other machines. Add --expose if that is meant.")
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s", stream=sys.stderr)
    if api_keys:
        settings["api_keys"] = api_keys
    try:
        mock = MockServer(
            port=port,
            chat_port=chat_port,
            host=host,
            fixtures=fixtures,
            request_hooks=() if quiet else (log_request,),
            **settings,
        )
        mock.serve_forever(lambda: _settle(None if quiet else lambda: banner.show(mock, exposed=expose)))
    except PortInUseError as error:
        _fail(f"{error} Stop what uses it, or choose others with --port and --chat-port (0 picks a free one).")
    except (FixtureError, ValueError, OSError) as error:
        _fail(str(error))


def _settle(publish: Callable[[], None] | None) -> None:
    """Say that the mock is there, and spare the collector what will be there until the end.

    A store that only grows would have it look at everything again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    if publish is not None:
        publish()


def _fail(sentence: str) -> None:
    click.echo(f"duologue: {sentence}", err=True)
    raise SystemExit(2)

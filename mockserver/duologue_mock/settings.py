"""The settings of a mock server, each declared once.

`MockSettings` has the type, default, bounds, flag and description of each. From it come the keyword arguments of
`MockServer`, validation, the options and environment variables of `duologue serve`, and the table in the documentation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, TypedDict, Unpack, cast

from duologue.contract import headers
from duologue.contract.chats import ChatSession
from duologue.contract.messages import ChatMessage
from duologue.contract.options import Option, OptionSet

_MIN_SECRET_SIZE = 32
_MIN_ADMIN_TOKEN_SIZE = 8


@dataclass(frozen=True)
class ReplyRequest:
    """What a reply function gets: the session, its history with the user's message last, and the context."""

    session: ChatSession
    history: tuple[ChatMessage, ...]
    message: str
    context: str | None


ReplyFunction = Callable[[ReplyRequest], "str | Iterator[str]"]
"""Returns the assistant's reply: as one text, or in the chunks in which it is streamed."""


def _check_api_keys(keys: tuple[str, ...]) -> None:
    if not keys or not all(re.fullmatch(headers.VALUE, key) for key in keys):
        raise ValueError("needs at least one key, each of printable ASCII characters, as in a header")


def _check_secret(secret: str) -> None:
    if len(secret.encode()) < _MIN_SECRET_SIZE:
        raise ValueError(f"is too short; it must have at least {_MIN_SECRET_SIZE} bytes (RFC 7518, section 3.2)")


def _check_admin_token(token: str) -> None:
    if len(token) < _MIN_ADMIN_TOKEN_SIZE or not re.fullmatch(r"[!-~]+", token):
        raise ValueError(
            f"must have at least {_MIN_ADMIN_TOKEN_SIZE} printable ASCII characters without spaces, as in a header"
        )


def _check_origins(origins: tuple[str, ...]) -> None:
    for origin in origins:
        if not re.fullmatch(r"https?://[^/?#*]+/?", origin):
            raise ValueError(f"has {origin!r}, which is not an origin like 'https://app.example:8443'")


def _check_hosts(hosts: tuple[str, ...]) -> None:
    for host in hosts:
        if not re.fullmatch(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]", host):
            raise ValueError(f"has {host!r}, which is not a host name like 'mock.example', without a port")


_MAX_LATENCY = 600_000
"""Milliseconds; longer than any client waits."""


def parse_latency(latency: str | int | None) -> tuple[int, int] | None:
    """Return the least and the most milliseconds of a latency: `(200, 800)` of `"200..800"`; None for none.

    Raises:
        ValueError: it is not one number, or two with `..` between them.
    """
    if latency is None:
        return None
    texts = str(latency).split("..")
    if len(texts) > 2 or isinstance(latency, bool) or not all(re.fullmatch("[0-9]{1,9}", text) for text in texts):
        raise ValueError(f"is {latency!r}; it must be whole milliseconds like 300 or 200..800")
    least, most = int(texts[0]), int(texts[-1])
    if not least <= most <= _MAX_LATENCY:
        raise ValueError(f"is {latency!r}; it must rise, to {_MAX_LATENCY} at most")
    return least, most


def _check_latency(latency: str | int | None) -> None:
    parse_latency(latency)


class MockSettings(TypedDict, total=False):
    """The settings of `MockServer` and `duologue serve`; [Settings](../mock-server.md#settings) describes them."""

    api_keys: Annotated[
        tuple[str, ...],
        Option(
            "API keys that the chat service accepts.",
            default=("dev-api-key",),
            check=_check_api_keys,
            flag=("--api-key",),
            metavar="KEY",
        ),
    ]
    require_auth: Annotated[
        bool,
        Option(
            "Refuse platform requests without a token, and Socket.IO handshakes without credentials.", default=False
        ),
    ]
    access_token_lifetime: Annotated[
        float,
        Option(
            "Seconds until an access token expires.",
            default=3600.0,
            minimum=0.001,
            flag=("--access-token-lifetime", "--token-lifetime"),
        ),
    ]
    refresh_token_lifetime: Annotated[
        float, Option("Seconds until a refresh token expires.", default=7 * 24 * 3600.0, minimum=0.001)
    ]
    secret: Annotated[
        str | None,
        Option(
            "Key of at least 32 bytes that signs access tokens; without one, a restart ends all logins.",
            check=_check_secret,
            secret=True,
        ),
    ]
    rate_limit: Annotated[
        int | None, Option("Requests that one caller may send in a minute; `off` for no limit.", minimum=1)
    ]
    max_request_size: Annotated[
        int,
        Option(
            "Size of the largest request body, in bytes.",
            default=1024 * 1024,
            minimum=1,
            flag=("--max-request-size", "--max-body"),
        ),
    ]
    read_timeout: Annotated[
        float, Option("Seconds that a client may take to send a request.", default=8.0, minimum=0.001)
    ]
    idle_timeout: Annotated[
        float, Option("Seconds that a connection stays open between requests.", default=75.0, minimum=0.001)
    ]
    shutdown_timeout: Annotated[
        float, Option("Seconds that requests in flight may take when the server stops.", default=5.0, minimum=0)
    ]
    allowed_origins: Annotated[
        tuple[str, ...],
        Option(
            "Origins besides those of this machine whose pages may call the server, as `https://app.example`.",
            default=(),
            check=_check_origins,
            flag=("--allow-origin",),
            metavar="URL",
        ),
    ]
    allowed_hosts: Annotated[
        tuple[str, ...],
        Option(
            "Host names besides those of this machine that requests may be sent to, as `mock.example`.",
            default=(),
            check=_check_hosts,
            flag=("--allow-host",),
            metavar="NAME",
        ),
    ]
    https: Annotated[
        bool,
        Option(
            "Serve HTTPS, with a certificate made for it by an authority of its own; `certificate` implies it.",
            default=False,
        ),
    ]
    ca_file: Annotated[
        str | Path | None,
        Option("File that the certificate of this authority is written to, for clients to trust.", metavar="FILE"),
    ]
    ca_key_file: Annotated[
        str | Path | None,
        Option(
            "File in which the private key of this authority is kept: with `ca_file`, the next run has the same "
            "authority. Without it, each run has a new one.",
            metavar="FILE",
        ),
    ]
    certificate: Annotated[
        str | Path | None,
        Option("PEM file with a certificate of your own, followed by those that prove it.", metavar="FILE"),
    ]
    certificate_key: Annotated[
        str | Path | None,
        Option(
            "PEM file with the private key of `certificate`, if it is not in the same file.",
            flag=("--key",),
            metavar="FILE",
        ),
    ]
    admin: Annotated[bool, Option("Serve the control API below `/__admin`.", default=True)]
    admin_token: Annotated[
        str | None,
        Option(
            "Token that calls of the control API need, as `Authorization: Token …`; one is generated where other "
            "machines can reach the server.",
            check=_check_admin_token,
            metavar="TOKEN",
            secret=True,
        ),
    ]
    journal: Annotated[
        int | None,
        Option("Requests that the journal of the control API keeps; `off` or 0 for none.", default=1000, minimum=0),
    ]
    fixtures: Annotated[
        str | Path | None,
        Option(
            "Folder with `users.json`, `chats.json`, `messages.json` and `smart_chat.json`; a missing file is taken "
            "from those shipped with Duologue.",
            metavar="FOLDER",
        ),
    ]
    mappings: Annotated[
        str | Path | None,
        Option(
            "Folder of stubs in WireMock's JSON files, loaded at start; saving stubs writes them there.",
            metavar="FOLDER",
        ),
    ]
    presets: Annotated[
        str | Path | None,
        Option(
            "Folder with presets of your own: JSON files, each named by its preset.",
            metavar="FOLDER",
        ),
    ]
    preset: Annotated[
        str | None,
        Option(
            "Preset that every namespace starts with, as `large`; GET `/__admin/presets` lists them.", metavar="NAME"
        ),
    ]
    reply_function: Annotated[
        ReplyFunction | None,
        Option("Function that returns smart-chat replies, instead of the rules.", env=False, flag=()),
    ]
    reply_url: Annotated[
        str | None,
        Option(
            "Base URL of an OpenAI-compatible API that generates smart-chat replies, as `http://localhost:11434/v1`.",
            metavar="URL",
        ),
    ]
    reply_model: Annotated[str, Option("Model that this API uses.", default="default", metavar="NAME")]
    reply_api_key: Annotated[
        str | None, Option("Key for this API.", env="DUOLOGUE_REPLY_API_KEY", metavar="KEY", secret=True)
    ]
    reply_timeout: Annotated[float, Option("Seconds that this API may send nothing.", default=60.0, minimum=0.001)]
    latency: Annotated[
        str | int | None,
        Option(
            "Milliseconds by which each response is delayed: `300`, or `200..800` for a random number between them; "
            "with `seed`, the same numbers in every run.",
            check=_check_latency,
            parse=lambda text: None if text.lower() == "off" else text,
            metavar="MS|MS..MS|off",
        ),
    ]
    stream_delay: Annotated[
        float,
        Option(
            "Seconds between the chunks of a streamed reply.",
            default=0.0,
            minimum=0,
            flag=("--stream-delay", "--delta-delay"),
        ),
    ]
    self_check: Annotated[
        bool,
        Option(
            "Check each response of an operation against the contract, and send 500 with the reasons in place of one "
            "that breaks it: for tests of the mock itself.",
            default=False,
        ),
    ]
    seed: Annotated[int | None, Option("Number that makes generated ids the same in every run.")]


SETTINGS = OptionSet(MockSettings, env_prefix="DUOLOGUE_MOCK_")
"""The settings by name."""


_NEEDS = MappingProxyType(
    {
        "latency": ("admin",),
        "mappings": ("admin",),
        "ca_file": ("https",),
        "ca_key_file": ("https", "ca_file"),
        "certificate_key": ("certificate",),
    }
)
"""Settings that mean something only together with others."""


def _check_combinations(values: dict[str, Any]) -> None:
    for name, others in _NEEDS.items():
        for other in others:
            if values[name] is not None and not values[other]:
                raise ValueError(f"{name} has no effect without {other}")
    if values["certificate"] is not None and values["ca_file"] is not None:
        raise ValueError("ca_file is of a certificate that is made, and certificate is one that is not; pass either")


class Settings:
    """The settings of one mock server: those that are given, and the defaults of the others.

    Two with the same values are equal. The repr shows what differs from the defaults, without secrets.

    Args:
        settings: any of `MockSettings`.

    Raises:
        TypeError: a name that is not a setting.
        ValueError: a value that is not valid.
    """

    __slots__ = ("_values",)

    def __init__(self, **settings: Unpack[MockSettings]) -> None:
        SETTINGS.check_names(settings, owner="Settings")
        SETTINGS.validate(settings)
        values: dict[str, Any] = {**SETTINGS.defaults, **settings}
        for name, declared in SETTINGS.items():
            if declared.repeatable:
                values[name] = tuple(values[name])
        _check_combinations(values)
        self._values = MappingProxyType(values)

    @property
    def values(self) -> MockSettings:
        """All of them by name, typed: `settings.values["rate_limit"]`. They cannot be changed."""
        return cast("MockSettings", self._values)

    @property
    def uses_https(self) -> bool:
        """Whether the mock serves HTTPS."""
        return self._values["https"] or self._values["certificate"] is not None

    def __eq__(self, other: object) -> bool:
        return self._values == other._values if isinstance(other, Settings) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self._values.values()))

    def __repr__(self) -> str:
        shown = (
            f"{name}={'***' if SETTINGS[name].option.secret else repr(value)}"
            for name, value in self._values.items()
            if value != SETTINGS[name].option.default
        )
        return f"Settings({', '.join(shown)})"

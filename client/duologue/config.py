"""The options of `Client`, each declared once, and `Config`, the values they have for one client.

This module imports neither requests nor the rest of the client: the command line reads the options for its flags.
"""

# No `from __future__ import annotations`: the declarations are read at import, and texts would have to be evaluated.

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, NamedTuple, Self, TypedDict, TypeVar, Unpack, cast
from urllib.parse import urlsplit

from duologue import defaults
from duologue.contract.core import CHAT, PLATFORM, Service
from duologue.contract.headers import validate_header_name, validate_header_value
from duologue.contract.lazy_property import lazy_property
from duologue.contract.options import Option, OptionSet

T = TypeVar("T")

EnvironmentName = Literal["development", "staging", "production"]


def _check_url(url: str, schemes: tuple[str, ...] = ("http", "https")) -> None:
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise ValueError("must not contain a user name or password; they would replace the token")
    if parts.scheme not in schemes or not parts.hostname:
        begin = " or ".join(f"{scheme}://" for scheme in schemes)
        raise ValueError(f"is {url!r}; it must begin with {begin} and name a host")
    if parts.query or parts.fragment:
        raise ValueError("must not have a query or fragment")
    if " " in url:
        raise ValueError("must not contain a space")
    _check_header_value(url)


def _check_header_value(value: Any) -> None:
    try:
        if not callable(value):
            validate_header_value("", value)
    except ValueError as error:
        raise ValueError(str(error).strip()) from None


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        try:
            validate_header_value(validate_header_name(name), value)
        except ValueError as error:
            raise ValueError(f"contain an invalid field: {error}") from None


def _parse_verify(text: str) -> bool | str:
    return {"true": True, "false": False}.get(text.lower(), text)


class CallOptions(TypedDict, total=False):
    """The options of single calls, for `Client.with_options`. A client has them too: see `Options`."""

    timeout: Annotated[
        float | None,
        Option(
            "Seconds to connect, and between two pieces of a response. For both services; None for no limit.",
            minimum=0.001,
            metavar="SECONDS",
        ),
    ]
    max_retries: Annotated[int, Option("How often a failed call is retried, on both services.", minimum=0, flag=())]
    deadline: Annotated[
        float | None,
        Option(
            "Seconds a call may take altogether, with retries, waits and the whole body; None for no limit.",
            default=300.0,  # enough for two of the longest `Retry-After` that are waited for
            minimum=0.001,
            flag=(),
        ),
    ]
    headers: Annotated[
        Mapping[str, str] | None,
        Option(
            "Headers to send with every call, and to connect Realtime; they replace the client's own of the same name.",
            check=_check_headers,
            env=False,
            flag=(),
            secret=True,
        ),
    ]


class Options(CallOptions, total=False):
    """The options of `Client`, all by name, with those of `CallOptions`; see [the table](../client.md#options).

    None turns off what can be off: `timeout=None` waits without limit, `api_key=None` sends no key.
    """

    environment: Annotated[
        EnvironmentName,
        Option("Base URLs, timeouts and retries of a named environment.", default="development"),
    ]
    base_url: Annotated[
        str, Option("URL of the Platform API; `/api` is added if it has no path.", check=_check_url, metavar="URL")
    ]
    chat_base_url: Annotated[
        str,
        Option(
            "URL of the Smart Chat API; `/chats-service/api/v1` is added if it has no path.",
            check=_check_url,
            flag=("--chat-base-url", "--chat-url"),
            metavar="URL",
        ),
    ]
    realtime_url: Annotated[
        str,
        Option(
            "URL of the Socket.IO server.", check=partial(_check_url, schemes=("http", "https", "ws", "wss")), flag=()
        ),
    ]
    api_key: Annotated[
        str | Callable[[], str | None] | None,
        Option(
            "Key of the Smart Chat API. Or a function that returns it before each request; None sends none.",
            check=_check_header_value,
            secret=True,
            metavar="KEY",
        ),
    ]
    user_id: Annotated[
        str | None,
        Option("User of the Smart Chat API. None for an anonymous one.", check=_check_header_value, metavar="ID"),
    ]
    access_token: Annotated[
        str | None,
        Option(
            "Access token of the Platform API, instead of a login.", check=_check_header_value, flag=(), secret=True
        ),
    ]
    chat_timeout: Annotated[float | None, Option("`timeout` for the Smart Chat API alone.", minimum=0.001, flag=())]
    chat_max_retries: Annotated[int, Option("`max_retries` for the Smart Chat API alone.", minimum=0, flag=())]
    retry_delay: Annotated[
        float,
        Option(
            "Seconds before the first retry; each further wait doubles.",
            default=defaults.RETRY_DELAY,
            minimum=0,
            flag=(),
        ),
    ]
    retry_budget: Annotated[
        int | None,
        Option(
            "Retries made while none of them helps, over all calls together; None for no limit.",
            default=defaults.RETRY_BUDGET,
            minimum=0,
            flag=(),
        ),
    ]
    max_response_size: Annotated[
        int | None,
        Option(
            "Bytes of the largest response body that is read, decompressed; None for no limit.",
            default=10 * 1024 * 1024,
            minimum=0,
            flag=(),
        ),
    ]
    proxies: Annotated[
        Mapping[str, str] | None,
        Option(
            "A proxy's URL by scheme; the variable sets both. `HTTP_PROXY` is not read: it would be sent the token.",
            parse=lambda url: {"http": url, "https": url},
            env="DUOLOGUE_PROXY",
            flag=(),
            secret=True,
        ),
    ]
    verify: Annotated[
        bool | str,
        Option(
            "Whether to verify certificates, or the path of a CA bundle.", default=True, parse=_parse_verify, flag=()
        ),
    ]
    cert: Annotated[
        str | tuple[str, str] | None, Option("Path of a client certificate, or of a certificate and its key.", flag=())
    ]
    pool_size: Annotated[
        int, Option("Idle connections kept for each host.", default=defaults.POOL_SIZE, minimum=1, flag=())
    ]
    pool_block: Annotated[
        bool,
        Option(
            "Whether `pool_size` is the most connections there are, and calls wait for one.", default=False, flag=()
        ),
    ]


OPTIONS: Final = OptionSet(Options, env_prefix="DUOLOGUE_")
CALL_OPTIONS: Final = OptionSet(CallOptions, env_prefix="DUOLOGUE_")

_CHAT: Final[Options] = {"chat_timeout": 15.0, "chat_max_retries": 3}
"""The Smart Chat API specification has one value for all environments."""

ENVIRONMENTS: Final[dict[EnvironmentName, Options]] = {
    "development": {
        "base_url": "http://localhost:3001/api",
        "chat_base_url": "http://localhost:3002/chats-service/api/v1",
        "timeout": 10.0,
        "max_retries": 3,
        **_CHAT,
        "api_key": "dev-api-key",
    },
    "staging": {
        "base_url": "https://staging-api.dafnckmachine.com/api",
        "chat_base_url": "https://staging-api.dafnckmachine.com/chats-service/api/v1",
        "timeout": 15.0,
        "max_retries": 2,
        **_CHAT,
    },
    "production": {
        "base_url": "https://api.dafnckmachine.com/api",
        "chat_base_url": "https://api.dafnckmachine.com/chats-service/api/v1",
        "timeout": 20.0,
        "max_retries": 1,
        **_CHAT,
    },
}
"""The options that each environment sets, from the Platform API specification. The Smart Chat API specification names
no host but localhost: elsewhere the chat service is taken to be behind the platform's host."""


class ServiceConfig(NamedTuple):
    """What is configured for each of the two services."""

    base_url: str
    """Its URL, without a slash at the end."""
    timeout: float | None
    """Seconds to connect, and between two pieces of a response; None for no limit."""
    max_retries: int
    """How often a failed call is retried."""


@dataclass(frozen=True, repr=False)
class Config:
    """The configuration of one client: a value. Its repr hides secrets.

    Args:
        options: the value of every option; read-only.
    """

    options: Options

    @classmethod
    def resolve(cls, environ: Mapping[str, str], **options: Unpack[Options]) -> Self:
        """Return the configuration for some options.

        An option that was passed wins, then what a passed `environment` sets, then the environment variables, then what
        the environment that a variable names sets, then the defaults.

        Args:
            environ: the environment variables.
            options: the options that were passed to `Client`.

        Raises:
            TypeError: there is no such option.
            ValueError: an invalid value; the message names the option or the variable.
        """
        OPTIONS.check_names(options, owner="Client")
        OPTIONS.validate(options)
        variables = OPTIONS.from_environ(environ)
        defaults = OPTIONS.defaults
        name = options.get("environment") or variables.get("environment") or defaults["environment"]
        environment = ENVIRONMENTS[name]
        layers = (variables, environment) if "environment" in options else (environment, variables)
        resolved = {**defaults, "environment": name}
        for layer in (*layers, options):
            resolved |= _add_implied(layer)
        resolved["base_url"] = PLATFORM.complete_url(resolved["base_url"])
        resolved["chat_base_url"] = CHAT.complete_url(resolved["chat_base_url"])
        return cls(_freeze(resolved))

    def with_options(self, **options: Unpack[CallOptions]) -> Self:
        """Return this configuration with other options for both services; headers are added to those there are.

        Raises:
            TypeError: single calls have no such option.
            ValueError: an invalid value.
        """
        CALL_OPTIONS.check_names(options, owner="A call")
        CALL_OPTIONS.validate(options)
        changed = {**self.options, **_add_implied(options)}
        if "headers" in options:
            changed["headers"] = {**(self.options["headers"] or {}), **(options["headers"] or {})}
        return type(self)(_freeze(changed))

    @lazy_property
    def platform(self) -> ServiceConfig:
        """The Platform API's configuration."""
        options = self.options
        return ServiceConfig(options["base_url"], options["timeout"], options["max_retries"])

    @lazy_property
    def chat(self) -> ServiceConfig:
        """The Smart Chat API's configuration."""
        options = self.options
        return ServiceConfig(options["chat_base_url"], options["chat_timeout"], options["chat_max_retries"])

    def for_service(self, service: Service) -> ServiceConfig:
        """Return the configuration of a service."""
        return self.chat if service is CHAT else self.platform

    def __hash__(self) -> int:
        return hash((self.platform, self.chat))

    def __repr__(self) -> str:
        shown = (f"{name}={value!r}" for name, value in self.options.items() if not OPTIONS[name].option.secret)
        return f"Config({', '.join(shown)})"


class _Values(dict[str, Any]):
    """The values of options by name; its repr leaves out secrets."""

    def __repr__(self) -> str:
        shown = {name: value for name, value in self.items() if name in OPTIONS and not OPTIONS[name].option.secret}
        return repr(shown)


def hide_secrets(options: T) -> T:
    """Return the same options with a repr that leaves out secrets: some tools show the variables of a traceback."""
    return cast(T, _Values(cast(Mapping[str, Any], options)))


def _freeze(values: Mapping[str, Any]) -> Options:
    return cast(Options, MappingProxyType(_Values(values)))


def _add_implied(options: Mapping[str, Any]) -> dict[str, Any]:
    """Add what options decide besides themselves, so that they win over whatever is less important for that too."""
    implied = {f"chat_{name}": options[name] for name in ("timeout", "max_retries") if name in options}
    if "base_url" in options:
        parts = urlsplit(options["base_url"])
        implied["realtime_url"] = f"{parts.scheme}://{parts.netloc}"
    return {**implied, **options}

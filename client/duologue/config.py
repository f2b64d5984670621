"""What a client is configured with, and where each setting comes from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypedDict, Unpack, cast
from urllib.parse import urlsplit

from duologue import defaults
from duologue.defaults import ENVIRONMENTS, EnvironmentName
from duologue.http.encoding import header_name, header_value
from duologue.http.transport import Cert, Verify


class Options(TypedDict, total=False):
    """The options of `Client`, all by name; one that is left out comes from the environment or the defaults.

    None switches off what can be off: `timeout=None` waits for ever, `api_key=None` sends no key.

    Args:
        environment: `development`, `staging` or `production`: the base URLs, timeouts and retries of the documents.
        base_url: where the platform API is, as `http://localhost:3001/api`.
        chat_base_url: where the chat API is, as `http://localhost:3002/chats-service/api/v1`.
        realtime_url: where Socket.IO is; by default the origin of `base_url`.
        api_key: the chat service's key, or a function that is asked for it before each request; in development
            `dev-api-key`.
        user_id: the chat service's user; by default an `anon-…` id, generated once and kept.
        access_token: an access token of the platform, for those who did not log in here.
        timeout: seconds to connect, and between two pieces of an answer, on both services.
        chat_timeout: the same for the chat service alone.
        max_retries: how often a failed call is tried again, on both services; 0 for never.
        chat_max_retries: the same for the chat service alone.
        retry_delay: seconds before the first retry; each further wait doubles.
        retry_budget: retries made while none of them helps, over all calls together; None for no limit.
        deadline: seconds a call may take altogether, with retries, waits and the whole body; None for no end.
        max_response_size: the largest body of an answer, unpacked, in bytes; None for any size.
        headers: headers to send with every call; they go before our own.
        proxies: a proxy's address by scheme. `HTTP_PROXY` and its sisters are not read: they would be sent the token.
        verify: whether to check certificates, or the path of a bundle of authorities.
        cert: the path of a client certificate, or of a certificate and its key.
        pool_size: idle connections kept for each host.
        pool_block: whether there are never more connections than that, and a call waits for its turn; else more are
            made when needed, and closed afterwards.
    """

    environment: EnvironmentName
    base_url: str
    chat_base_url: str
    realtime_url: str
    api_key: str | Callable[[], str | None] | None
    user_id: str
    access_token: str | None
    timeout: float | None
    chat_timeout: float | None
    max_retries: int
    chat_max_retries: int
    retry_delay: float
    retry_budget: int | None
    deadline: float | None
    max_response_size: int | None
    headers: Mapping[str, str] | None
    proxies: Mapping[str, str] | None
    verify: Verify
    cert: Cert | None
    pool_size: int
    pool_block: bool


class CallOptions(TypedDict, total=False):
    """The options of single calls, for `Client.with_options`; what they mean is described at `Options`.

    Args:
        timeout: seconds to connect, and between two pieces of an answer.
        max_retries: how often a failed call is tried again.
        deadline: seconds a call may take altogether.
        headers: headers to send; they go before the client's and our own.
    """

    timeout: float | None
    max_retries: int
    deadline: float | None
    headers: Mapping[str, str] | None


@dataclass(frozen=True, kw_only=True)
class Config:
    """The settings of one client; see `Options` for what they mean. Secrets are not in its repr."""

    environment: EnvironmentName
    base_url: str
    chat_base_url: str
    realtime_url: str
    api_key: str | Callable[[], str | None] | None = field(repr=False)
    user_id: str | None
    access_token: str | None = field(repr=False)
    timeout: float | None
    chat_timeout: float | None
    max_retries: int
    chat_max_retries: int
    retry_delay: float
    retry_budget: int | None
    deadline: float | None
    max_response_size: int | None
    headers: Mapping[str, str] | None = field(repr=False, hash=False)
    proxies: Mapping[str, str] | None = field(repr=False, hash=False)
    verify: Verify
    cert: Cert | None
    pool_size: int
    pool_block: bool

    def __post_init__(self) -> None:
        for name in ("base_url", "chat_base_url", "realtime_url"):
            _check_url(name, getattr(self, name))
        for name in ("api_key", "user_id", "access_token"):
            value = getattr(self, name)
            if value is not None and not (name == "api_key" and callable(value)):
                header_value(name, value)
        for name, least in _LEAST.items():
            _check_number(name, getattr(self, name), least)
        for name, value in (self.headers or {}).items():
            header_name(name)
            header_value(name, value)

    def for_calls(self, **options: Unpack[CallOptions]) -> Config:
        """Return these settings with some changed for both services; headers are added to those there are.

        Raises:
            TypeError: single calls have no such option.
            ValueError: a value that cannot be meant.
        """
        unknown = sorted(options.keys() - CallOptions.__annotations__.keys())
        if unknown:
            raise TypeError(f"calls have no option {unknown[0]!r}; they have {', '.join(CallOptions.__annotations__)}")
        changed: dict[str, Any] = dict(options)
        for name in ("timeout", "max_retries"):
            if name in changed:
                changed[f"chat_{name}"] = changed[name]
        if "headers" in changed:
            changed["headers"] = {**(self.headers or {}), **(changed["headers"] or {})}
        return replace(self, **changed)


def resolve(environ: Mapping[str, str], **options: Unpack[Options]) -> Config:
    """Return the configuration for some options.

    An option wins over its environment variable (`DUOLOGUE_BASE_URL`, `DUOLOGUE_TIMEOUT` …, `DUOLOGUE_PROXY` for both
    schemes), that over the named environment, and that over the defaults.

    Raises:
        TypeError: there is no such option.
        ValueError: a value that cannot be meant, naming the option or the variable.
    """
    unknown = sorted(options.keys() - Options.__annotations__.keys())
    if unknown:
        raise TypeError(f"there is no option {unknown[0]!r}; there are {', '.join(Options.__annotations__)}")
    chosen = {**_from_variables(environ), **options}
    return Config(**{**_environment_values(chosen), **chosen})


def _environment_values(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """What holds where nothing was chosen. A timeout chosen for both services holds for the chat service too."""
    name = chosen.get("environment", defaults.ENVIRONMENT)
    if name not in ENVIRONMENTS:
        raise ValueError(f"environment is {name!r}; it must be one of {', '.join(ENVIRONMENTS)}")
    named = ENVIRONMENTS[cast(EnvironmentName, name)]
    return {
        "environment": name,
        "base_url": named.base_url,
        "chat_base_url": named.chat_base_url,
        "realtime_url": origin(chosen.get("base_url", named.base_url)),
        "api_key": named.api_key,
        "user_id": None,
        "access_token": None,
        "timeout": named.timeout,
        "chat_timeout": chosen.get("timeout", defaults.CHAT_TIMEOUT),
        "max_retries": named.max_retries,
        "chat_max_retries": chosen.get("max_retries", defaults.CHAT_MAX_RETRIES),
        "retry_delay": defaults.RETRY_DELAY,
        "retry_budget": defaults.RETRY_BUDGET,
        "deadline": defaults.DEADLINE,
        "max_response_size": defaults.MAX_RESPONSE_SIZE,
        "headers": None,
        "proxies": None,
        "verify": True,
        "cert": None,
        "pool_size": defaults.POOL_SIZE,
        "pool_block": False,
    }


def origin(url: str) -> str:
    """Return scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _truth_or_path(text: str) -> Verify:
    return {"true": True, "false": False}.get(text.lower(), text)


def _truth(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


_VARIABLES: dict[str, tuple[str, Callable[[str], Any]]] = {
    "DUOLOGUE_ENVIRONMENT": ("environment", str),
    "DUOLOGUE_BASE_URL": ("base_url", str),
    "DUOLOGUE_CHAT_BASE_URL": ("chat_base_url", str),
    "DUOLOGUE_REALTIME_URL": ("realtime_url", str),
    "DUOLOGUE_API_KEY": ("api_key", str),
    "DUOLOGUE_USER_ID": ("user_id", str),
    "DUOLOGUE_ACCESS_TOKEN": ("access_token", str),
    "DUOLOGUE_TIMEOUT": ("timeout", float),
    "DUOLOGUE_CHAT_TIMEOUT": ("chat_timeout", float),
    "DUOLOGUE_MAX_RETRIES": ("max_retries", int),
    "DUOLOGUE_CHAT_MAX_RETRIES": ("chat_max_retries", int),
    "DUOLOGUE_RETRY_DELAY": ("retry_delay", float),
    "DUOLOGUE_RETRY_BUDGET": ("retry_budget", int),
    "DUOLOGUE_DEADLINE": ("deadline", float),
    "DUOLOGUE_MAX_RESPONSE_SIZE": ("max_response_size", int),
    "DUOLOGUE_PROXY": ("proxies", lambda url: {"http": url, "https": url}),
    "DUOLOGUE_VERIFY": ("verify", _truth_or_path),
    "DUOLOGUE_CERT": ("cert", str),
    "DUOLOGUE_POOL_SIZE": ("pool_size", int),
    "DUOLOGUE_POOL_BLOCK": ("pool_block", _truth),
}


def _from_variables(environ: Mapping[str, str]) -> dict[str, Any]:
    found = {}
    for variable, (name, read) in _VARIABLES.items():
        text = environ.get(variable, "").strip()
        if not text:
            continue
        try:
            found[name] = read(text)
        except ValueError:
            raise ValueError(f"{variable} must be a number, not {text!r}") from None
        except KeyError:
            raise ValueError(f"{variable} must be true or false, not {text!r}") from None
    return found


_LEAST = {
    "timeout": 0.001,
    "chat_timeout": 0.001,
    "max_retries": 0,
    "chat_max_retries": 0,
    "retry_delay": 0,
    "retry_budget": 0,
    "deadline": 0.001,
    "max_response_size": 0,
    "pool_size": 1,
}

_WHOLE = ("max_retries", "chat_max_retries", "retry_budget", "max_response_size", "pool_size")
_OFF_BY_NONE = ("timeout", "chat_timeout", "retry_budget", "deadline", "max_response_size")


def _check_number(name: str, value: float | None, least: float) -> None:
    if value is None and name in _OFF_BY_NONE:
        return
    whole = name in _WHOLE
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value) or value < least:
        raise ValueError(f"{name} is {value!r}; it must be a {'whole ' if whole else ''}number, at least {least}")


def _check_url(name: str, url: str) -> None:
    parts = urlsplit(url)
    schemes = ("http", "https", "ws", "wss") if name == "realtime_url" else ("http", "https")
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"{name} is {url!r}; it must begin with {schemes[0]}:// or {schemes[1]}:// and name a host")
    if parts.username or parts.password:
        raise ValueError(f"{name} must not hold a user name or password; they would replace the token")
    if parts.query or parts.fragment:
        raise ValueError(f"{name} must not have a query or fragment")
    if " " in header_value(name, url):
        raise ValueError(f"{name} must not hold a space")


assert {field.name for field in fields(Config)} == set(Options.__annotations__)  # each option is written in both

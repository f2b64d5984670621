"""Where the value of each option comes from, and which values are refused."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import Any, assert_type

import pytest

from duologue import Client
from duologue.config import ENVIRONMENTS, OPTIONS, CallOptions, Config, Options, ServiceConfig
from duologue.contract import CHAT, PLATFORM, operations

CLIENT_PAGE = Path(__file__).parents[2] / "docs" / "client.md"


def resolve(environ: dict[str, str] | None = None, **options: Any) -> Config:
    return Config.resolve(environ or {}, **options)


def test_development() -> None:
    config = resolve()
    assert config.platform == ServiceConfig("http://localhost:3001/api", timeout=10, max_retries=3)
    assert config.chat == ServiceConfig("http://localhost:3002/chats-service/api/v1", timeout=15, max_retries=3)
    assert config.options["realtime_url"] == "http://localhost:3001"
    assert config.options["api_key"] == "dev-api-key"
    assert config.options["retry_delay"] == 1


@pytest.mark.parametrize(
    ("name", "url", "timeout", "retries"),
    [
        ("staging", "https://staging-api.dafnckmachine.com/api", 15, 2),
        ("production", "https://api.dafnckmachine.com/api", 20, 1),
    ],
)
def test_other_environments(name: str, url: str, timeout: int, retries: int) -> None:
    config = resolve(environment=name)
    assert config.platform == ServiceConfig(url, timeout, retries)
    assert (config.chat.timeout, config.chat.max_retries) == (15, 3)
    assert config.options["api_key"] is None


def test_config_of_a_service() -> None:
    config = resolve()
    assert config.for_service(PLATFORM) is config.platform
    assert config.for_service(CHAT) is config.chat
    assert {config.for_service(operation.service) for operation in operations()} == {config.platform, config.chat}


# Precedence

SOURCES = ("option", "explicit environment", "variable", "environment variable", "default")
"""Where a base URL may come from, the first one that there is wins."""

URLS = {
    "option": "http://option.example/api",
    "explicit environment": ENVIRONMENTS["production"]["base_url"],
    "variable": "http://variable.example/api",
    "environment variable": ENVIRONMENTS["staging"]["base_url"],
    "default": ENVIRONMENTS["development"]["base_url"],
}


@pytest.mark.parametrize("present", list(product([False, True], repeat=4)), ids=str)
def test_precedence(present: tuple[bool, ...]) -> None:
    """All combinations of the sources: each option comes from the first of them that sets it."""
    sources = {source for source, there in zip(SOURCES, present, strict=False) if there} | {"default"}
    options: dict[str, Any] = {}
    environ: dict[str, str] = {}
    if "option" in sources:
        options |= {"base_url": URLS["option"], "timeout": 1, "max_retries": 11, "api_key": "option"}
    if "explicit environment" in sources:
        options["environment"] = "production"
    if "variable" in sources:
        environ |= {"DUOLOGUE_BASE_URL": URLS["variable"], "DUOLOGUE_TIMEOUT": "2", "DUOLOGUE_MAX_RETRIES": "12"}
        environ |= {"DUOLOGUE_API_KEY": "variable", "DUOLOGUE_REALTIME_URL": "http://realtime.example"}
    if "environment variable" in sources:
        environ["DUOLOGUE_ENVIRONMENT"] = "staging"
    first = next(source for source in SOURCES if source in sources)
    config = resolve(environ, **options)

    assert config.platform.base_url == URLS[first]
    assert config.options["realtime_url"] == (
        "http://realtime.example" if first == "variable" else URLS[first].removesuffix("/api")
    )
    expected = {
        "option": (1, 11),
        "explicit environment": (20, 1),
        "variable": (2, 12),
        "environment variable": (15, 2),
        "default": (10, 3),
    }
    assert (config.platform.timeout, config.platform.max_retries) == expected[first]
    chat = {"option": (1, 11), "variable": (2, 12)}
    assert (config.chat.timeout, config.chat.max_retries) == chat.get(first, (15, 3))
    named = {"explicit environment": "production", "environment variable": "staging", "default": "development"}
    assert config.options["environment"] == next(named[s] for s in SOURCES if s in sources & named.keys())
    keys = {"option": "option", "variable": "variable"}
    in_development = "dev-api-key" if config.options["environment"] == "development" else None
    assert config.options["api_key"] == next((keys[s] for s in SOURCES if s in sources & keys.keys()), in_development)


def test_environment_beats_all_its_variables() -> None:
    environ = {declared.env: "1" for declared in OPTIONS.values() if declared.is_number and declared.env}
    environ |= {
        declared.env: "http://a.example" for name, declared in OPTIONS.items() if "url" in name and declared.env
    }
    config = resolve({**environ, "DUOLOGUE_API_KEY": "k"}, environment="development")
    assert config.options == {
        **resolve(environ).options,
        **ENVIRONMENTS["development"],
        "realtime_url": "http://localhost:3001",
    }


def test_option_for_both_services_beats_variable_for_chat() -> None:
    environ = {"DUOLOGUE_CHAT_TIMEOUT": "60", "DUOLOGUE_CHAT_MAX_RETRIES": "9"}
    config = resolve(environ, timeout=1, max_retries=0)
    assert (config.chat.timeout, config.chat.max_retries) == (1, 0)
    assert resolve(environ).chat.timeout == 60


def test_chat_timeout() -> None:
    assert resolve(timeout=1).chat.timeout == 1
    assert resolve(timeout=None).chat.timeout is None
    assert resolve(timeout=1, chat_timeout=2).chat.timeout == 2
    assert resolve(max_retries=0).chat.max_retries == 0


def test_realtime_url() -> None:
    assert resolve(base_url="https://a.example:8443/x/api").options["realtime_url"] == "https://a.example:8443"
    assert resolve(realtime_url="wss://b.example").options["realtime_url"] == "wss://b.example"
    variables = {"DUOLOGUE_REALTIME_URL": "ws://c.example", "DUOLOGUE_BASE_URL": "http://d.example"}
    assert resolve(variables).options["realtime_url"] == "ws://c.example"
    assert resolve(variables, base_url="http://e.example").options["realtime_url"] == "http://e.example"
    assert resolve(variables, realtime_url="ws://f.example").options["realtime_url"] == "ws://f.example"


# Base URLs


@pytest.mark.parametrize(
    ("url", "platform", "chat"),
    [
        ("http://a.example:1", "http://a.example:1/api", "http://a.example:1/chats-service/api/v1"),
        ("http://a.example/", "http://a.example/api", "http://a.example/chats-service/api/v1"),
        ("http://a.example/v2/", "http://a.example/v2", "http://a.example/v2"),
        ("http://a.example/api", "http://a.example/api", "http://a.example/api"),
    ],
)
def test_url_completed(url: str, platform: str, chat: str) -> None:
    for config in (
        resolve(base_url=url, chat_base_url=url),
        resolve({"DUOLOGUE_BASE_URL": url, "DUOLOGUE_CHAT_BASE_URL": url}),
    ):
        assert (config.platform.base_url, config.chat.base_url) == (platform, chat)
        assert (config.options["base_url"], config.options["chat_base_url"]) == (platform, chat)


# Variables


def test_variables() -> None:
    """Every option but `headers` has one."""
    values = {
        "ENVIRONMENT": "staging",
        "BASE_URL": "http://a.example/api",
        "CHAT_BASE_URL": "http://b.example/v1",
        "REALTIME_URL": "ws://c.example",
        "API_KEY": "k",
        "USER_ID": "u",
        "ACCESS_TOKEN": "t",
        "TIMEOUT": "1",
        "CHAT_TIMEOUT": "2",
        "MAX_RETRIES": "4",
        "CHAT_MAX_RETRIES": "5",
        "RETRY_DELAY": "0.5",
        "RETRY_BUDGET": "9",
        "DEADLINE": "60",
        "MAX_RESPONSE_SIZE": "1000",
        "PROXY": "http://proxy.example:3128",
        "VERIFY": "false",
        "CERT": "client.pem",
        "POOL_SIZE": "7",
        "POOL_BLOCK": "True",
    }
    config = resolve({f"DUOLOGUE_{name}": value for name, value in values.items()})
    assert config.options == {
        "environment": "staging",
        "base_url": "http://a.example/api",
        "chat_base_url": "http://b.example/v1",
        "realtime_url": "ws://c.example",
        "api_key": "k",
        "user_id": "u",
        "access_token": "t",
        "timeout": 1.0,
        "chat_timeout": 2.0,
        "max_retries": 4,
        "chat_max_retries": 5,
        "retry_delay": 0.5,
        "retry_budget": 9,
        "deadline": 60.0,
        "max_response_size": 1000,
        "headers": None,
        "proxies": {"http": "http://proxy.example:3128", "https": "http://proxy.example:3128"},
        "verify": False,
        "cert": "client.pem",
        "pool_size": 7,
        "pool_block": True,
    }
    assert config.options.keys() == Options.__annotations__.keys() == OPTIONS.keys()
    assert {declared.env for declared in OPTIONS.values()} - {None} == {f"DUOLOGUE_{name}" for name in values}


def test_blank_variable() -> None:
    assert resolve({"DUOLOGUE_BASE_URL": "", "DUOLOGUE_TIMEOUT": " "}) == resolve()


def test_variable_off() -> None:
    config = resolve({"DUOLOGUE_TIMEOUT": "off", "DUOLOGUE_RETRY_BUDGET": "none", "DUOLOGUE_API_KEY": "none"})
    assert (config.platform.timeout, config.chat.timeout, config.options["retry_budget"]) == (None, None, None)
    assert config.options["api_key"] == "none"


def test_ca_bundle_variable() -> None:
    assert resolve({"DUOLOGUE_VERIFY": "/etc/ca.pem"}).options["verify"] == "/etc/ca.pem"
    assert resolve({"DUOLOGUE_VERIFY": "TRUE"}).options["verify"] is True


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        ("DUOLOGUE_TIMEOUT", "soon", "DUOLOGUE_TIMEOUT must be a number, not 'soon'"),
        ("DUOLOGUE_TIMEOUT", "-1", "DUOLOGUE_TIMEOUT: timeout is -1.0; it must be a number, at least 0.001"),
        ("DUOLOGUE_MAX_RETRIES", "1.5", "DUOLOGUE_MAX_RETRIES must be a whole number, not '1.5'"),
        ("DUOLOGUE_POOL_BLOCK", "perhaps", "DUOLOGUE_POOL_BLOCK must be true or false, not 'perhaps'"),
        ("DUOLOGUE_ENVIRONMENT", "moon", "DUOLOGUE_ENVIRONMENT: environment is 'moon'; it must be one of development"),
        ("DUOLOGUE_BASE_URL", "nonsense", "DUOLOGUE_BASE_URL: base_url is 'nonsense'; it must begin with http://"),
    ],
)
def test_invalid_variable(variable: str, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        resolve({variable: text})


def test_client_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUOLOGUE_BASE_URL", "http://a.example/api")
    with Client() as api:
        assert api.config.platform.base_url == "http://a.example/api"
    with Client(environ={"DUOLOGUE_BASE_URL": "http://b.example/api"}, max_retries=0) as api:
        assert api.config.platform == ServiceConfig("http://b.example/api", timeout=10, max_retries=0)
    with Client(environ={}) as api:
        assert api.config == resolve()


# Invalid options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base_url": "localhost:3001"}, "base_url is 'localhost:3001'; it must begin with http:// or https://"),
        ({"base_url": "ftp://a.example"}, "base_url"),
        ({"base_url": "http://"}, "base_url is 'http://'"),
        ({"base_url": None}, "base_url is None; it must be text"),
        ({"base_url": "http://user:secret@a.example"}, "base_url must not contain a user name or password"),
        ({"base_url": "ftp://user:secret@a.example"}, "base_url must not contain a user name or password"),
        ({"chat_base_url": "http://a.example/?x=1"}, "chat_base_url must not have a query"),
        ({"base_url": "http://a.example/a b"}, "base_url"),
        ({"base_url": "http://a.example/\r\nX: y"}, "base_url"),
        ({"realtime_url": "ftp://a.example"}, "realtime_url is 'ftp://a.example'; it must begin with http:// or"),
        ({"timeout": 0}, "timeout is 0; it must be a number, at least 0.001"),
        ({"timeout": float("nan")}, "timeout"),
        ({"timeout": "1"}, "timeout"),
        ({"max_retries": -1}, "max_retries"),
        ({"max_retries": None}, "max_retries"),
        ({"max_retries": 1.5}, "max_retries is 1.5; it must be a whole number"),
        ({"retry_delay": -0.1}, "retry_delay"),
        ({"pool_size": 0}, "pool_size"),
        ({"pool_block": "no"}, "pool_block is 'no'; it must be True or False"),
        ({"environment": "prod"}, "environment is 'prod'; it must be one of development, staging, production"),
        ({"api_key": "a\nb"}, "api_key must be printable ASCII"),
        ({"user_id": "ü"}, "user_id must be printable ASCII"),
        ({"access_token": "a b\r\n"}, "access_token must be printable ASCII"),
        ({"access_token": b"secret"}, "access_token must be text"),
    ],
)
def test_invalid_option(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        resolve(**options)
    assert "secret" not in str(caught.value)


def test_unknown_option() -> None:
    with pytest.raises(TypeError, match=r"Client has no option 'time_out'; did you mean 'timeout'"):
        Client(time_out=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"Client has no option 'token_store'; did you mean 'token_storage'"):
        Client(token_store=None)  # type: ignore[call-arg]


def test_options_are_keywords() -> None:
    with pytest.raises(TypeError):
        Client("http://a.example")  # type: ignore[call-arg, arg-type]


# The value


def test_config_is_a_value() -> None:
    proxies = {"http": "http://u:secret-3@proxy.example"}
    one = resolve(api_key="secret-1", access_token="secret-2", proxies=proxies, headers={"X-Key": "secret-4"})
    same = resolve(api_key="secret-1", access_token="secret-2", proxies=proxies, headers={"X-Key": "secret-4"})
    assert one == same
    assert hash(one) == hash(same)
    assert one != resolve(api_key="secret-9")
    with pytest.raises(AttributeError):
        one.options = {}  # type: ignore[misc]
    with pytest.raises(TypeError):
        one.options["deadline"] = 1


def test_repr_hides_secrets() -> None:
    secrets: dict[str, Any] = {"api_key": "secret-1", "access_token": "secret-2", "headers": {"X-Key": "secret-3"}}
    shown = repr(resolve(**secrets, proxies={"http": "http://u:secret-4@proxy.example"}, user_id="ada"))
    assert "secret" not in shown
    assert shown.startswith("Config(timeout=10.0, max_retries=3, deadline=300.0, environment='development'")
    assert "user_id='ada'" in shown


def test_types() -> None:
    """A type checker knows each option, though it is written once."""
    config = resolve()
    assert_type(config.options["deadline"], float | None)
    assert_type(config.options["verify"], bool | str)
    assert_type(config.chat.timeout, float | None)


def test_call_options_are_declared_once() -> None:
    assert CallOptions.__annotations__.items() <= Options.__annotations__.items()
    config = resolve(headers={"X-A": "1"}).with_options(timeout=2, headers={"X-B": "2"})
    assert (config.platform.timeout, config.chat.timeout) == (2, 2)
    assert config.options["headers"] == {"X-A": "1", "X-B": "2"}


def test_documented_options() -> None:
    """The table in docs/client.md is the declarations."""
    by_environment = dict.fromkeys(ENVIRONMENTS["development"], "by `environment`")
    computed = {
        "api_key": "`dev-api-key` in development",
        "realtime_url": "the origin of `base_url`",
        "user_id": "an `anon-…` id",
    }
    assert OPTIONS.to_markdown({**by_environment, **computed}) in CLIENT_PAGE.read_text("utf-8")

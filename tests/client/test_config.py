"""Where each setting comes from, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest

from duologue import Client
from duologue.config import Options, resolve


def test_development_is_the_documents_own_configuration() -> None:
    config = resolve({})
    assert config.base_url == "http://localhost:3001/api"
    assert config.chat_base_url == "http://localhost:3002/chats-service/api/v1"
    assert config.realtime_url == "http://localhost:3001"
    assert config.api_key == "dev-api-key"
    assert (config.timeout, config.max_retries) == (10, 3)
    assert (config.chat_timeout, config.chat_max_retries, config.retry_delay) == (15, 3, 1)


@pytest.mark.parametrize(
    ("name", "url", "timeout", "retries"),
    [
        ("staging", "https://staging-api.dafnckmachine.com/api", 15, 2),
        ("production", "https://api.dafnckmachine.com/api", 20, 1),
    ],
)
def test_the_other_environments(name: Any, url: str, timeout: int, retries: int) -> None:
    config = resolve({}, environment=name)
    assert (config.base_url, config.timeout, config.max_retries) == (url, timeout, retries)
    assert (config.chat_timeout, config.chat_max_retries) == (15, 3)
    assert config.api_key is None


def test_arguments_go_before_variables_and_variables_before_the_environment() -> None:
    variables = {
        "DUOLOGUE_ENVIRONMENT": "production",
        "DUOLOGUE_TIMEOUT": "2.5",
        "DUOLOGUE_MAX_RETRIES": "5",
        "DUOLOGUE_API_KEY": "from-variable",
    }
    config = resolve(variables, max_retries=6, api_key="from-argument")
    assert config.environment == "production"
    assert config.base_url == "https://api.dafnckmachine.com/api"
    assert config.timeout == 2.5
    assert config.max_retries == 6
    assert config.api_key == "from-argument"


def test_every_option_but_the_table_ones_has_a_variable() -> None:
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
    assert vars(config) == {
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
    assert set(vars(config)) == set(Options.__annotations__)


def test_an_empty_variable_is_no_setting() -> None:
    assert resolve({"DUOLOGUE_BASE_URL": "", "DUOLOGUE_TIMEOUT": " "}) == resolve({})


def test_a_path_of_authorities() -> None:
    assert resolve({"DUOLOGUE_VERIFY": "/etc/ca.pem"}).verify == "/etc/ca.pem"
    assert resolve({"DUOLOGUE_VERIFY": "TRUE"}).verify is True


def test_a_timeout_for_both_services_and_one_for_the_chat_service_alone() -> None:
    assert resolve({}, timeout=1).chat_timeout == 1
    assert resolve({}, timeout=None).chat_timeout is None
    assert resolve({}, timeout=1, chat_timeout=2).chat_timeout == 2
    assert resolve({}, max_retries=0).chat_max_retries == 0


def test_real_time_is_at_the_platforms_origin_unless_told_otherwise() -> None:
    assert resolve({}, base_url="https://a.example:8443/x/api").realtime_url == "https://a.example:8443"
    assert resolve({}, realtime_url="wss://b.example").realtime_url == "wss://b.example"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"base_url": "localhost:3001"}, "base_url is 'localhost:3001'; it must begin with http:// or https://"),
        ({"base_url": "ftp://a.example"}, "base_url"),
        ({"base_url": "http://"}, "base_url"),
        ({"base_url": "http://user:secret@a.example"}, "base_url must not hold a user name or password"),
        ({"chat_base_url": "http://a.example/?x=1"}, "chat_base_url must not have a query"),
        ({"base_url": "http://a.example/a b"}, "base_url"),
        ({"base_url": "http://a.example/\r\nX: y"}, "base_url"),
        ({"timeout": 0}, "timeout is 0; it must be a number, at least 0.001"),
        ({"timeout": float("nan")}, "timeout"),
        ({"timeout": "1"}, "timeout"),
        ({"max_retries": -1}, "max_retries"),
        ({"max_retries": None}, "max_retries"),
        ({"max_retries": 1.5}, "max_retries is 1.5; it must be a whole number"),
        ({"retry_delay": -0.1}, "retry_delay"),
        ({"pool_size": 0}, "pool_size"),
        ({"environment": "prod"}, "environment is 'prod'; it must be one of development, staging, production"),
        ({"api_key": "a\nb"}, "api_key must be printable ASCII"),
        ({"user_id": "ü"}, "user_id must be printable ASCII"),
        ({"access_token": "a b\r\n"}, "access_token must be printable ASCII"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(options: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)) as caught:
        resolve({}, **options)
    assert "secret" not in str(caught.value)


def test_a_variable_that_cannot_be_read_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="DUOLOGUE_TIMEOUT must be a number, not 'soon'"):
        resolve({"DUOLOGUE_TIMEOUT": "soon"})


def test_an_option_that_does_not_exist_is_refused() -> None:
    with pytest.raises(TypeError, match=r"there is no option 'time_out'; there are .*timeout"):
        Client(time_out=1)  # type: ignore[call-arg]


def test_options_go_by_name_only() -> None:
    with pytest.raises(TypeError):
        Client("http://a.example")  # type: ignore[call-arg, arg-type]


def test_a_configuration_is_a_value_whose_secrets_do_not_show() -> None:
    one = resolve({}, api_key="secret-1", access_token="secret-2", proxies={"http": "http://u:secret-3@proxy.example"})
    same = resolve({}, api_key="secret-1", access_token="secret-2", proxies={"http": "http://u:secret-3@proxy.example"})
    assert one == same
    assert hash(one) == hash(same)
    assert one != resolve({}, api_key="secret-9")
    assert "secret" not in repr(one)
    with pytest.raises(AttributeError):
        one.timeout = 1  # type: ignore[misc]


def test_a_client_reads_the_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUOLOGUE_BASE_URL", "http://a.example/api")
    with Client() as api:
        assert api.config.base_url == "http://a.example/api"
    with Client.from_env({"DUOLOGUE_BASE_URL": "http://b.example/api"}, max_retries=0) as api:
        assert api.config.base_url == "http://b.example/api"
        assert api.config.max_retries == 0
    with Client.from_env() as api:
        assert api.config.base_url == "http://a.example/api"


def test_help_describes_every_option() -> None:
    assert Options.__doc__ is not None
    for name in Options.__annotations__:
        assert f"        {name}: " in Options.__doc__

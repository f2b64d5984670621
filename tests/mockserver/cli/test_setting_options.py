"""The options of `duologue serve`, each as a flag and as an environment variable."""

from __future__ import annotations

from typing import Any

import click
import pytest
from click.testing import CliRunner

from duologue_mock.cli.serve import serve
from duologue_mock.settings import SETTINGS
from tests.mockserver.cli.conftest import FakeServer, Invoke


@pytest.mark.parametrize(
    "options",
    [
        ("--port", "70000"),
        ("--port", "-1"),
        ("--port", "http"),
        ("--chat-port", "65536"),
        ("--rate-limit", "0"),
        ("--rate-limit", "-5"),
        ("--rate-limit", "many"),
        ("--max-body", "0"),
        ("--max-body", "1.5"),
        ("--token-lifetime", "0"),
        ("--token-lifetime", "nan"),
        ("--token-lifetime", "inf"),
        ("--delta-delay", "-1"),
        ("--delta-delay", "nan"),
        ("--seed", "x"),
        ("--api-key", ""),
        ("--api-key", "good", "--api-key", "  "),
        ("--fixtures", "/nonexistent/folder"),
        ("--fixtures", __file__),
        ("--host", "0.0.0.0"),
        ("--host", "::"),
        ("--host", "192.168.1.5"),
        ("--host", "example.com"),
        ("--host", ""),
        ("--host", "no-such-host.invalid", "--expose"),
        ("--secret", "short"),
        ("--unknown",),
        ("--port",),
        ("more",),
    ],
    ids=" ".join,
)
def test_invalid_option(invoke: Invoke, options: tuple[str, ...]) -> None:
    status, error = invoke("--chat-port", "0", *options) if "--chat-port" not in options else invoke(*options)
    assert status == 2
    assert error.strip()
    assert "Traceback" not in error
    assert error.strip().splitlines()[-1].startswith(("duologue: ", "Error: "))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com"])
def test_public_host_needs_expose(invoke: Invoke, server: FakeServer, host: str) -> None:
    status, error = invoke("--host", host)
    assert (status, server.arguments) == (2, {})
    assert error == f"duologue: Other machines can reach {host}. Pass --expose to allow it.\n"
    assert invoke("--host", host, "--expose")[0] == 0
    assert server.arguments["host"] == host


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_loopback_host(invoke: Invoke, server: FakeServer, host: str) -> None:
    assert invoke("--host", host) == (0, "")
    assert server.arguments["host"] == host


VALUES: dict[str, tuple[str, Any]] = {
    "api_keys": ("one", ("one",)),
    "access_token_lifetime": ("1.5", 1.5),
    "refresh_token_lifetime": ("60", 60.0),
    "secret": ("s" * 32, "s" * 32),
    "rate_limit": ("600", 600),
    "max_request_size": ("500", 500),
    "read_timeout": ("2", 2.0),
    "idle_timeout": ("2", 2.0),
    "shutdown_timeout": ("0", 0.0),
    "allowed_origins": ("https://a.example", ("https://a.example",)),
    "allowed_hosts": ("a.example", ("a.example",)),
    "ca_file": ("ca.pem", "ca.pem"),
    "ca_key_file": ("ca-key.pem", "ca-key.pem"),
    "certificate": ("localhost.pem", "localhost.pem"),
    "certificate_key": ("key.pem", "key.pem"),
    "fixtures": (".", "."),
    "mappings": (".", "."),
    "reply_url": ("http://localhost:11434/v1", "http://localhost:11434/v1"),
    "reply_model": ("tiny", "tiny"),
    "reply_api_key": ("sk-1", "sk-1"),
    "reply_timeout": ("5", 5.0),
    "presets": (".", "."),
    "preset": ("large", "large"),
    "latency": ("200..800", "200..800"),
    "stream_delay": ("0.5", 0.5),
    "seed": ("7", 7),
    "admin_token": ("a-long-token", "a-long-token"),
    "journal": ("off", None),
}
"""A text for each setting that has a flag with a value, and what it stands for."""

SWITCHES = {"require_auth", "https", "admin", "self_check"}

FLAGS = [(name, flag) for name, declared in SETTINGS.items() for flag in declared.flags]


def test_every_flag_is_tested() -> None:
    assert VALUES.keys() | SWITCHES == {name for name, _ in FLAGS} == SETTINGS.keys() - {"reply_function"}


@pytest.mark.parametrize(("name", "flag"), FLAGS)
def test_flag(invoke: Invoke, server: FakeServer, name: str, flag: str) -> None:
    text, value = VALUES.get(name, ("", True))
    assert invoke(flag, *([text] if text else [])) == (0, "")
    assert server.arguments[name] == value


ALIASES = ["--token-lifetime", "--max-body", "--delta-delay", "--api-key", "--allow-origin", "--allow-host"]


def test_flags_stay() -> None:
    assert set(ALIASES) <= {flag for _, flag in FLAGS}


@pytest.mark.parametrize("name", sorted({name for name, _ in FLAGS}))
def test_environment_variable(invoke: Invoke, server: FakeServer, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    text, value = VALUES.get(name, ("true", True))
    declared = SETTINGS[name]
    assert declared.env == ("DUOLOGUE_REPLY_API_KEY" if name == "reply_api_key" else f"DUOLOGUE_MOCK_{name.upper()}")
    monkeypatch.setenv(declared.env, text)
    assert invoke() == (0, "")
    assert server.arguments[name] == value


def test_several_values(invoke: Invoke, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUOLOGUE_MOCK_API_KEYS", "one, two")
    assert invoke() == (0, "")
    assert server.arguments["api_keys"] == ("one", "two")
    assert invoke("--api-key", "three", "--api-key", "four,five") == (0, "")
    assert server.arguments["api_keys"] == ("three", "four,five")


def test_flag_beats_variable(invoke: Invoke, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUOLOGUE_MOCK_RATE_LIMIT", "5")
    monkeypatch.setenv("DUOLOGUE_MOCK_REQUIRE_AUTH", "true")
    monkeypatch.setenv("DUOLOGUE_MOCK_PORT", "4001")
    assert invoke("--rate-limit", "off", "--no-require-auth", "--port", "4002") == (0, "")
    arguments = server.arguments
    assert (arguments["rate_limit"], arguments["require_auth"], arguments["port"]) == (None, False, 4002)


def test_invalid_variable(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUOLOGUE_MOCK_RATE_LIMIT", "many")
    status, error = invoke()
    assert status == 2
    assert "DUOLOGUE_MOCK_RATE_LIMIT" in error
    assert "must be a whole number, not 'many'" in error


def test_blank_variable(invoke: Invoke, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUOLOGUE_MOCK_RATE_LIMIT", "")
    assert invoke() == (0, "")
    assert server.arguments["rate_limit"] is None


def test_defaults(invoke: Invoke, server: FakeServer) -> None:
    assert invoke() == (0, "")
    arguments = server.arguments
    assert {name: arguments[name] for name, _ in FLAGS} == {name: SETTINGS.defaults[name] for name, _ in FLAGS}
    assert (arguments["port"], arguments["chat_port"], arguments["host"]) == (3001, 3002, "localhost")


def test_help() -> None:
    for option in serve.params:
        assert isinstance(option, click.Option)
        assert option.help, option.name
        assert option.help[0].isupper()
    result = CliRunner().invoke(serve, ["--help"])
    assert result.exit_code == 0
    assert all(option.opts[0] in result.output for option in serve.params)

"""Settings: validation when they are created, and the documentation that their declarations become."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from duologue_mock import MockServer, Settings
from duologue_mock.settings import SETTINGS

POSITIVE = [
    "access_token_lifetime",
    "refresh_token_lifetime",
    "max_request_size",
    "read_timeout",
    "idle_timeout",
    "reply_timeout",
]
DOCUMENTATION = Path(__file__).parents[2] / "docs" / "mock-server.md"


@pytest.mark.parametrize("name", POSITIVE)
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_positive_and_finite(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        Settings(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stream_delay", -0.1),
        ("stream_delay", float("nan")),
        ("stream_delay", float("inf")),
        ("shutdown_timeout", -1),
        ("require_auth", "no"),
        ("rate_limit", 0),
        ("rate_limit", -5),
        ("api_keys", ()),
        ("api_keys", ("good", " ")),
        ("api_keys", ("schlüssel",)),
        ("api_keys", (" key",)),
        ("api_keys", ("key\n",)),
        ("api_keys", "dev-api-key"),
        ("allowed_hosts", "mock.example"),
        ("allowed_hosts", ("mock.example:80",)),
        ("allowed_origins", "https://app.example"),
        ("allowed_origins", ("app.example",)),
        ("latency", ""),
        ("latency", "fast"),
        ("latency", "200.."),
        ("latency", "..200"),
        ("latency", "200...800"),
        ("latency", "1..2..3"),
        ("latency", "800..200"),
        ("latency", "-1"),
        ("latency", -1),
        ("latency", 1.5),
        ("latency", True),
        ("latency", "9999999"),
        ("latency", "\u0663"),
        ("secret", ""),
        ("secret", "only thirty-one bytes, one less"),
    ],
)
def test_invalid_value(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{name} "):
        Settings(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("latency", 300),
        ("latency", "0..0"),
        ("latency", "200..800"),
        ("rate_limit", None),
        ("rate_limit", 1),
        ("stream_delay", 0),
        ("secret", "x" * 32),
        ("secret", None),
    ],
)
def test_valid_value(name: str, value: Any) -> None:
    assert dict(Settings(**{name: value}).values)[name] == value


def test_unknown_name() -> None:
    with pytest.raises(TypeError, match="Settings has no option 'rate_limits'; did you mean 'rate_limit'"):
        Settings(rate_limits=5)  # type: ignore[call-arg]  # that is the mistake
    with pytest.raises(TypeError, match="MockServer has no option 'chat_prot'; did you mean 'chat_port'"):
        MockServer(chat_prot=5)  # type: ignore[call-arg]  # that is the mistake


def test_settings_are_frozen() -> None:
    settings = Settings(seed=1)
    with pytest.raises(AttributeError):
        settings.seed = 5  # type: ignore[attr-defined]  # that is the mistake
    with pytest.raises(TypeError):
        settings.values["seed"] = 5
    assert settings.values["seed"] == 1


def test_equality() -> None:
    assert Settings(api_keys=["a", "b"]) == Settings(api_keys=("a", "b"))  # type: ignore[arg-type]  # works all the same
    assert hash(Settings(seed=1)) == hash(Settings(seed=1))
    assert Settings(seed=1) != Settings(seed=2)
    assert Settings() == Settings(rate_limit=None)


def test_repr_hides_secrets() -> None:
    settings = Settings(secret="s" * 40, reply_api_key="sk-hidden", rate_limit=5)
    assert repr(settings) == "Settings(secret=***, rate_limit=5, reply_api_key=***)"


def test_documentation() -> None:
    """The table is the declarations' own; where this fails, paste `SETTINGS.to_markdown()` into the page."""
    assert SETTINGS.to_markdown() in DOCUMENTATION.read_text("utf-8")

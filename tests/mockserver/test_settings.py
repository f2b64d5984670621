"""Settings that cannot work are refused by name when they are made."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from duologue_mock import Settings
from duologue_mock.settings import setting_names

POSITIVE = [
    "access_token_lifetime",
    "refresh_token_lifetime",
    "max_request_size",
    "read_timeout",
    "idle_timeout",
    "reply_timeout",
]


@pytest.mark.parametrize("name", POSITIVE)
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_a_time_or_size_must_be_positive_and_finite(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        Settings(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stream_delay", -0.1),
        ("stream_delay", float("nan")),
        ("stream_delay", float("inf")),
        ("rate_limit", 0),
        ("rate_limit", -5),
        ("api_keys", ()),
        ("api_keys", ("good", " ")),
        ("api_keys", ("schlüssel",)),
        ("api_keys", (" key",)),
        ("api_keys", ("key\n",)),
        ("api_keys", "dev-api-key"),
        ("allowed_hosts", "mock.example"),
        ("allowed_origins", "https://app.example"),
        ("secret", ""),
        ("secret", "only thirty-one bytes, one less"),
    ],
)
def test_what_cannot_work_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        Settings(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("rate_limit", None), ("rate_limit", 1), ("stream_delay", 0), ("secret", "x" * 32), ("secret", None)],
)
def test_what_works_is_let_in(name: str, value: Any) -> None:
    assert getattr(Settings(**{name: value}), name) == value


def test_an_unknown_setting_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="rate_limits"):
        Settings(rate_limits=5)  # type: ignore[call-arg]  # that is the mistake


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().seed = 5  # type: ignore[misc]


def test_secrets_are_not_shown() -> None:
    shown = repr(Settings(secret="s" * 40, reply_api_key="sk-hidden"))
    assert "sss" not in shown
    assert "sk-hidden" not in shown


def test_every_setting_has_a_name_and_a_default() -> None:
    assert setting_names() == {field.name for field in fields(Settings)}
    assert Settings() == Settings()

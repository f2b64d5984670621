"""Options declared once: what an `OptionSet` derives from a `TypedDict`'s annotations."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict

import pytest

from duologue.contract.options import Option, OptionSet


def _check_color(value: str) -> None:
    if value == "beige":
        raise ValueError("must not be beige")


class Options(TypedDict, total=False):
    timeout: Annotated[float | None, Option("Seconds to wait.", default=10.0, minimum=0.001)]
    retries: Annotated[int, Option("Retries.", default=3, minimum=0)]
    level: Annotated[Literal["low", "high"], Option("Level.", default="low")]
    keys: Annotated[tuple[str, ...], Option("Keys.", default=("k",), flag=("--key",))]
    strict: Annotated[bool, Option("Strictness.", default=False, env="OTHER_NAME")]
    color: Annotated[str, Option("Color.", default="red", check=_check_color)]
    function: Annotated[Any, Option("A function.", env=False, flag=())]


OPTIONS = OptionSet(Options, env_prefix="APP_")


def test_defaults() -> None:
    assert OPTIONS.defaults == {
        "timeout": 10.0,
        "retries": 3,
        "level": "low",
        "keys": ("k",),
        "strict": False,
        "color": "red",
        "function": None,
    }


def test_environment_variables() -> None:
    environ = {"APP_TIMEOUT": "off", "APP_RETRIES": "5", "APP_KEYS": "a, b", "OTHER_NAME": "true", "APP_LEVEL": " "}
    assert OPTIONS.from_environ({**environ, "APP_FUNCTION": "print"}) == {
        "timeout": None,
        "retries": 5,
        "keys": ("a", "b"),
        "strict": True,
    }


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("APP_TIMEOUT", "soon", "APP_TIMEOUT must be a number, not 'soon'"),
        ("APP_RETRIES", "1.5", "APP_RETRIES must be a whole number, not '1.5'"),
        ("OTHER_NAME", "maybe", "OTHER_NAME must be true or false, not 'maybe'"),
    ],
)
def test_invalid_variable(name: str, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OPTIONS.from_environ({name: text})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"timeout": 0}, "timeout is 0; it must be a number, at least 0.001"),
        ({"timeout": float("nan")}, "timeout is nan"),
        ({"timeout": True}, "timeout is True"),
        ({"retries": 1.5}, "retries is 1.5; it must be a whole number, at least 0"),
        ({"retries": None}, "retries is None"),
        ({"level": "middle"}, "level is 'middle'; it must be one of low, high"),
        ({"keys": "k"}, "keys is one text, 'k'; it must be several"),
        ({"color": "beige"}, "color must not be beige"),
    ],
)
def test_invalid_value(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OPTIONS.validate(values)


def test_valid_values() -> None:
    OPTIONS.validate({"timeout": None, "retries": 0, "level": "high", "keys": (), "function": print})


def test_unknown_name() -> None:
    with pytest.raises(TypeError, match=r"App has no option 'timeot'; did you mean 'timeout'\?"):
        OPTIONS.check_names(["timeot"], owner="App")
    with pytest.raises(TypeError, match="there are timeout, retries"):
        OPTIONS.check_names(["zzz"], owner="App")


def test_flags() -> None:
    assert OPTIONS["timeout"].flags == ("--timeout",)
    assert OPTIONS["keys"].flags == ("--key",)
    assert OPTIONS["function"].flags == ()


def test_invalid_boolean() -> None:
    with pytest.raises(ValueError, match="strict is 'no'; it must be True or False"):
        OPTIONS.validate({"strict": "no"})


def test_unknown_name_like_a_parameter() -> None:
    with pytest.raises(TypeError, match="App has no option 'prot'; did you mean 'port'"):
        OPTIONS.check_names(["prot"], owner="App", parameters=["port", "host"])


def test_markdown_table() -> None:
    lines = OPTIONS.to_markdown().splitlines()
    assert lines[0] == "| option | default | flag | environment variable | meaning |"
    assert lines[2:] == [
        "| `timeout` | `10` | `--timeout` | `APP_TIMEOUT` | Seconds to wait. |",
        "| `retries` | `3` | `--retries` | `APP_RETRIES` | Retries. |",
        "| `level` | `low` | `--level` | `APP_LEVEL` | Level. |",
        "| `keys` | `k` | `--key` | `APP_KEYS` | Keys. |",
        "| `strict` | `false` | `--strict` | `OTHER_NAME` | Strictness. |",
        "| `color` | `red` | `--color` | `APP_COLOR` | Color. |",
        "| `function` |  |  |  | A function. |",
    ]


class Credentials(TypedDict, total=False):
    password: Annotated[str | None, Option("Password of the `user`; None for none. Not the key.", secret=True)]
    path: Annotated[bool | str, Option("Path.", default=True, env=False)]


CREDENTIALS = OptionSet(Credentials, env_prefix="APP_")


def test_secret_not_shown() -> None:
    with pytest.raises(ValueError, match=r"^password must be text$"):
        CREDENTIALS.validate({"password": b"secret"})
    with pytest.raises(ValueError, match=r"^path is 7; it must be True or False or text$"):
        CREDENTIALS.validate({"path": 7})
    CREDENTIALS.validate({"password": None, "path": "a"})


def test_text_is_never_off() -> None:
    assert CREDENTIALS.from_environ({"APP_PASSWORD": "off"}) == {"password": "off"}


def test_variable_out_of_bounds() -> None:
    with pytest.raises(ValueError, match=r"APP_TIMEOUT: timeout is 0.0; it must be a number, at least 0.001"):
        OPTIONS.from_environ({"APP_TIMEOUT": "0"})


def test_summary() -> None:
    assert CREDENTIALS["password"].summary == "Password of the user; None for none."
    assert OPTIONS["timeout"].summary == "Seconds to wait."


def test_markdown_of_computed_default() -> None:
    assert "| `retries` | by color | `--retries` |" in OPTIONS.to_markdown({"retries": "by color"})

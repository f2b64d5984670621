"""Options declared once: the type, default, bounds, environment variable, flag and sentence of each, in one annotation.

    class Options(TypedDict, total=False):
        timeout: Annotated[float | None, Option("Seconds to wait for a response.", default=10.0, minimum=0.001)]

A type checker reads the `TypedDict` (`**options: Unpack[Options]`); `OptionSet` reads the annotations at run time.
Validation, environment variables, command-line flags and documentation of client and mock are derived from it.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from duologue.contract.lazy_property import lazy_property

_OFF: Final = ("off", "none")
"""Texts of None, for an option that may be None but not text."""


class Option(NamedTuple):
    """The declaration of one option, besides its name and type.

    Args:
        doc: its description, units included; the first sentence is the help of its flag.
        default: its value if none is set.
        minimum: the smallest valid number.
        check: raises `ValueError` for an invalid value; the message is appended to the option's name.
        parse: returns the value of an environment variable's text; by default the type decides.
        env: whether it has an environment variable, or the name of one that is not prefix and option name.
        flag: the flag's names, `()` for no flag; by default `--` and the option's name.
        metavar: the placeholder of the value in the command's help.
        secret: whether its value must not be printed.
    """

    doc: str
    default: Any = None
    minimum: float | None = None
    check: Callable[[Any], None] | None = None
    parse: Callable[[str], Any] | None = None
    env: bool | str = True
    flag: tuple[str, ...] | None = None
    metavar: str | None = None
    secret: bool = False


class DeclaredOption:
    """One option of a declaration, with its type analysed.

    Args:
        name: its name.
        annotation: its type, as `float | None`.
        option: its declaration.
        env: the name of its environment variable, None if it has none.
    """

    def __init__(self, name: str, annotation: Any, option: Option, env: str | None) -> None:
        self.name = name
        self.annotation = annotation
        self.option = option
        self.env = env

    @lazy_property
    def kinds(self) -> tuple[Any, ...]:
        """The members of its type without None: `(float,)` of `float | None`."""
        union = get_origin(self.annotation) in (Union, types.UnionType)
        alternatives = get_args(self.annotation) if union else (self.annotation,)
        return tuple(kind for kind in alternatives if kind is not type(None))

    @property
    def nullable(self) -> bool:
        """Whether None is valid."""
        return self.annotation is None or type(None) in get_args(self.annotation)

    @lazy_property
    def choices(self) -> tuple[Any, ...]:
        """The values of a `Literal`, none of another type."""
        return get_args(self.kinds[0]) if get_origin(self.kinds[0]) is Literal else ()

    @property
    def repeatable(self) -> bool:
        """Whether it holds several values, as `tuple[str, ...]`."""
        return get_origin(self.kinds[0]) is tuple

    @property
    def is_number(self) -> bool:
        """Whether it is an `int` or `float`."""
        return self.kinds[0] in (int, float)

    def validate(self, value: Any) -> None:
        """Raise `ValueError`, naming the option and its value unless that is secret, if it is not a valid one."""
        if value is None and self.nullable:
            return
        if self.choices and value not in self.choices:
            raise ValueError(f"{self.name} is {value!r}; it must be one of {', '.join(map(str, self.choices))}")
        if self.is_number:
            self._validate_number(value)
        if {*self.kinds} <= _TYPE_NAMES.keys() and not isinstance(value, self.kinds):
            shown = "" if self.option.secret else f" is {value!r}; it"
            raise ValueError(f"{self.name}{shown} must be {' or '.join(_TYPE_NAMES[kind] for kind in self.kinds)}")
        if self.repeatable and isinstance(value, str):
            raise ValueError(f"{self.name} is one text, {value!r}; it must be several, as in ({value!r},)")
        if self.repeatable and not all(isinstance(one, str) for one in value):
            raise ValueError(f"{self.name} is {value!r}; each of its values must be text")
        if self.option.check is not None:
            try:
                self.option.check(value)
            except ValueError as error:
                raise ValueError(f"{self.name} {error}") from None

    def _validate_number(self, value: Any) -> None:
        whole, minimum = self.kinds[0] is int, self.option.minimum
        valid = (
            isinstance(value, int if whole else (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        )
        if not valid or (minimum is not None and value < minimum):
            bound = "" if minimum is None else f", at least {minimum:g}"
            raise ValueError(f"{self.name} is {value!r}; it must be a {'whole ' if whole else ''}number{bound}")

    def parse(self, text: str) -> Any:
        """Return the value that a text stands for: `off` or `none` for None, `true` or `false`, a list with commas.

        Raises:
            ValueError: it stands for none.
        """
        if self.option.parse is not None:
            return self.option.parse(text)
        if self.nullable and str not in self.kinds and text.lower() in _OFF:
            return None
        if self.repeatable:
            return tuple(part.strip() for part in text.split(",") if part.strip())
        if self.kinds[0] is bool:
            return _parse_boolean(text)
        if self.is_number:
            return self._parse_number(text)
        return text

    def _parse_number(self, text: str) -> float:
        try:
            number: float = self.kinds[0](text)
        except ValueError:
            raise ValueError(f"must be a {'whole ' if self.kinds[0] is int else ''}number, not {text!r}") from None
        return number

    def parse_variable(self, text: str) -> Any:
        """Return the value of its environment variable.

        Raises:
            ValueError: the text is not a valid value; the message names the variable.
        """
        try:
            value = self.parse(text)
        except ValueError as error:
            raise ValueError(f"{self.env} {error}") from None
        try:
            self.validate(value)
        except ValueError as error:
            raise ValueError(f"{self.env}: {error}") from None
        return value

    @property
    def default_text(self) -> str | None:
        """Its default as a command line has it, None where there is none: `off` for what a number switches on."""
        default = self.option.default
        if default is None:
            return "off" if self.is_number and self.nullable else None
        if isinstance(default, bool):
            return str(default).lower()
        return (
            ",".join(default) or None if self.repeatable else f"{default:g}" if self.kinds[0] is float else str(default)
        )

    @property
    def summary(self) -> str:
        """The first sentence of its description, as plain text."""
        return self.option.doc.partition(". ")[0].rstrip(".").replace("`", "") + "."

    @property
    def flags(self) -> tuple[str, ...]:
        """The names of its flag on a command line, `()` if it has none."""
        return (f"--{self.name.replace('_', '-')}",) if self.option.flag is None else self.option.flag


_TYPE_NAMES: Final = {bool: "True or False", str: "text", Path: "a path"}


def _parse_boolean(text: str) -> bool:
    try:
        return {"true": True, "false": False, "1": True, "0": False}[text.lower()]
    except KeyError:
        raise ValueError(f"must be true or false, not {text!r}") from None


class OptionSet(Mapping[str, DeclaredOption]):
    """The options that a `TypedDict` declares, by name.

    Args:
        declaration: the class; each of its keys is `Annotated[type, Option(...)]`.
        env_prefix: what the environment variables begin with, as `DUOLOGUE_`.
    """

    def __init__(self, declaration: type, *, env_prefix: str) -> None:
        self._options: dict[str, DeclaredOption] = {}
        for name, hint in get_type_hints(declaration, include_extras=True).items():
            assert get_origin(hint) is Annotated, f"{declaration.__name__}.{name} has no Option"
            annotation, option = get_args(hint)
            env = f"{env_prefix}{name.upper()}" if option.env is True else option.env or None
            self._options[name] = DeclaredOption(name, annotation, option, env)

    def __getitem__(self, name: str) -> DeclaredOption:
        return self._options[name]

    def __iter__(self) -> Any:
        return iter(self._options)

    def __len__(self) -> int:
        return len(self._options)

    @property
    def defaults(self) -> dict[str, Any]:
        """The default of each."""
        return {name: declared.option.default for name, declared in self.items()}

    def check_names(self, given: Collection[str], *, owner: str, parameters: Collection[str] = ()) -> None:
        """Raise `TypeError` for a name that no option has, with the nearest ones.

        Args:
            given: the names that a caller passed.
            owner: whose options they are, as `Client`.
            parameters: the owner's other parameters, which are suggested too.
        """
        for name in given:
            if name not in self._options:
                import difflib  # only a mistake needs it

                nearest = difflib.get_close_matches(name, [*self._options, *parameters], n=3)
                hint = f"did you mean {' or '.join(map(repr, nearest))}?" if nearest else f"there are {', '.join(self)}"
                raise TypeError(f"{owner} has no option {name!r}; {hint}")

    def from_environ(self, environ: Mapping[str, str]) -> dict[str, Any]:
        """Return what the environment variables set; blank ones set nothing.

        Raises:
            ValueError: a variable whose text is not a valid value, naming the variable.
        """
        values = {}
        for name, declared in self.items():
            text = environ.get(declared.env, "").strip() if declared.env else ""
            if text:
                values[name] = declared.parse_variable(text)
        return values

    def validate(self, values: Mapping[str, Any]) -> None:
        """Raise `ValueError`, naming the option, for the first value that is not valid."""
        for name, value in values.items():
            self._options[name].validate(value)

    def to_markdown(self, defaults: Mapping[str, str] = types.MappingProxyType({})) -> str:
        """Return a table of the options for the documentation: default, flag, environment variable and description.

        Args:
            defaults: what to write for a default that is not a constant, by option.
        """
        rows = [["option", "default", "flag", "environment variable", "meaning"], ["---"] * 5]
        for name, declared in self.items():
            flag = declared.flags[0] if declared.flags else None
            cells = ["" if text is None else f"`{text}`" for text in (name, declared.default_text, flag, declared.env)]
            cells[1] = defaults.get(name, cells[1])
            rows.append([*cells, declared.option.doc])
        return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)

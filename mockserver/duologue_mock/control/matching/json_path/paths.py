"""A path, and the values that it leads to.

What is an error and what is no value follows Jayway's library: a path is *definite* if it can lead to one value only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from duologue_mock.control.matching.evaluation import Evaluation


class JsonPathError(ValueError):
    """A path that is not Jayway's, or cannot be applied to a document; the message is a sentence."""


class PathNotFoundError(JsonPathError):
    """A definite path leads to no value."""


@dataclass(frozen=True)
class Context:
    """What a path is evaluated in.

    Args:
        root: the whole document.
        evaluation: what bounds the work.
        requires_properties: whether a property that is missing anywhere is an error, as in a filter that asks for it.
    """

    root: Any
    evaluation: Evaluation
    requires_properties: bool = False


class Token(Protocol):
    """A part of a path."""

    @property
    def is_definite(self) -> bool:
        """Whether it leads to one value at most."""

    def select(self, model: Any, context: Context, *, is_strict: bool, is_last: bool) -> Sequence[Any]:
        """Return the values that it leads to.

        Args:
            model: the value that it starts from.
            context: of the evaluation.
            is_strict: whether the path up to here is definite, so that it must lead somewhere.
            is_last: whether it is the path's last part.

        Raises:
            PathNotFoundError: it must lead somewhere, and does not.
        """


@dataclass(frozen=True)
class JsonPath:
    """A path.

    Args:
        text: as it was written.
        tokens: its parts, after `$` or `@`.
        starts_at_root: whether it starts with `$`.
    """

    text: str
    tokens: tuple[Token, ...]
    starts_at_root: bool = True

    @property
    def is_definite(self) -> bool:
        """Whether it leads to one value at most; several properties at the end are one object."""
        return all(
            token.is_definite or (isinstance(token, Properties) and token is self.tokens[-1]) for token in self.tokens
        )

    def read(self, document: Any, context: Context) -> Any:
        """Return the value of a definite path, or the list of all values.

        Args:
            document: what the path starts from.
            context: of the evaluation.

        Raises:
            PathNotFoundError: a definite path leads to no value.
            JsonPathError: the path cannot be applied to the document.
            BudgetError: it takes too long.
        """
        values = _follow(self.tokens, [document], context, is_strict=True)
        if not self.is_definite:
            return values
        if not values:
            raise PathNotFoundError(f"There is nothing at {self.text}.")
        return values[-1]


def _follow(tokens: Sequence[Token], models: Sequence[Any], context: Context, *, is_strict: bool) -> list[Any]:
    """Return the values that tokens lead to, one after the other."""
    values = list(models)
    for index, token in enumerate(tokens):
        following: list[Any] = []
        is_last = index == len(tokens) - 1
        if isinstance(token, Scan):
            following = [inner for value in values for inner in _list_containers(value, context)]
            values = _keep_scanned(following, tokens[index + 1 : index + 2], is_last=index + 2 >= len(tokens))
        else:
            for value in values:
                context.evaluation.take_steps()
                following.extend(token.select(value, context, is_strict=is_strict, is_last=is_last))
            values = following
        is_strict = is_strict and token.is_definite
    return values


def _list_containers(value: Any, context: Context) -> list[Any]:
    """Return a value and what is in it, at every depth, in the order of the document: its objects and arrays."""
    containers, pending = [], [value]
    while pending:
        one = pending.pop()
        context.evaluation.take_steps()
        if isinstance(one, dict | list):
            containers.append(one)
            pending.extend(reversed(list(one.values()) if isinstance(one, dict) else one))
    return containers


def _keep_scanned(containers: list[Any], following: Sequence[Token], *, is_last: bool) -> list[Any]:
    """Return the containers that the token after `..` applies to."""
    for token in following:
        if isinstance(token, Properties):
            return [
                one
                for one in containers
                if isinstance(one, dict)
                and ((len(token.names) > 1 and not is_last) or all(name in one for name in token.names))
            ]
        if isinstance(token, Indexes | Slice):
            return [one for one in containers if isinstance(one, list)]
    return containers


@dataclass(frozen=True)
class Properties:
    """`.name`, `['name']`, `['name', 'other']`."""

    names: tuple[str, ...]

    @property
    def is_definite(self) -> bool:
        """Whether it is one name."""
        return len(self.names) == 1

    def select(self, model: Any, context: Context, *, is_strict: bool, is_last: bool) -> Sequence[Any]:
        """Return the properties' values; at the end of a path, several are one object."""
        if not isinstance(model, dict):
            if is_strict:
                raise PathNotFoundError(f"There is no object that could have {self.names[0]!r}.")
            return ()
        values = {name: model[name] for name in self.names if name in model}
        if len(values) < len(self.names) and (
            context.requires_properties or (is_strict and self.is_definite and not is_last)
        ):
            raise PathNotFoundError(f"There is no {self.names[0]!r}.")
        return [values] if is_last and not self.is_definite else list(values.values())


@dataclass(frozen=True)
class Wildcard:
    """`.*`, `[*]`."""

    is_definite: bool = False

    def select(self, model: Any, context: Context, *, is_strict: bool, is_last: bool) -> Sequence[Any]:
        """Return all values of an object or array."""
        if isinstance(model, dict):
            return list(model.values())
        return model if isinstance(model, list) else ()


def _check_array(model: Any, *, is_strict: bool) -> bool:
    if isinstance(model, list):
        return True
    if is_strict:
        raise PathNotFoundError("There is no array.")
    return False


@dataclass(frozen=True)
class Indexes:
    """`[0]`, `[-1]`, `[0, 2]`."""

    indexes: tuple[int, ...]

    @property
    def is_definite(self) -> bool:
        """Whether it is one index."""
        return len(self.indexes) == 1

    def select(self, model: Any, context: Context, *, is_strict: bool, is_last: bool) -> Sequence[Any]:
        """Return the elements; indexes beyond the array lead nowhere."""
        if not _check_array(model, is_strict=is_strict):
            return ()
        return [model[index] for index in self.indexes if -len(model) <= index < len(model)]


@dataclass(frozen=True)
class Slice:
    """`[1:]`, `[:2]`, `[1:2]`, `[-2:]`."""

    start: int | None
    end: int | None
    is_definite: bool = False

    def select(self, model: Any, context: Context, *, is_strict: bool, is_last: bool) -> Sequence[Any]:
        """Return the elements. With both ends, Jayway's library counts neither from the end."""
        if not _check_array(model, is_strict=is_strict):
            return ()
        if self.start is None or self.end is None:
            return list(model[self.start : self.end])
        positions = range(max(self.start, -len(model)), min(self.end, len(model)))
        return [model[position] for position in positions]


@dataclass(frozen=True)
class Scan:
    """`..`: the value and everything in it; the token after it says which."""

    is_definite: bool = False

    def select(self, model: Any, context: Context, *, is_strict: bool, is_last: bool) -> Sequence[Any]:
        """Never called: what follows decides what is selected."""
        raise NotImplementedError


class Predicate(Protocol):
    """What a filter keeps."""

    def keeps(self, item: Any, context: Context) -> bool:
        """Whether it keeps a value."""


@dataclass(frozen=True)
class Filter:
    """`[?(@.age > 18)]`."""

    predicate: Predicate
    is_definite: bool = False

    def select(self, model: Any, context: Context, *, is_strict: bool, is_last: bool) -> Sequence[Any]:
        """Return an array's elements that are kept, or an object if it is."""
        if isinstance(model, dict):
            return [model] if self.predicate.keeps(model, context) else ()
        if isinstance(model, list):
            return [item for item in model if self.predicate.keeps(item, context)]
        if is_strict:
            raise JsonPathError("A filter cannot be applied to a value that is no object and no array.")
        return ()

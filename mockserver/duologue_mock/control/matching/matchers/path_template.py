"""Path templates: `/api/users/{id}`, and `**` for any number of segments."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import regex

from duologue_mock.control.json_keys import show
from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.matching.text_distance import measure_text_distance
from duologue_mock.control.matching.value_matchers import ValueMatcher

if TYPE_CHECKING:
    from regex import Match, Pattern

_SYMBOL = re.compile(r"\{([^{}]+)\}|\*\*")
_MAX_LENGTH = 2_000
_MAX_SYMBOLS = 50
_FORMAT_CHARACTERS = re.compile(r"[.;*]")
"""RFC 6570's operators of path segments, which WireMock drops from names."""


class PathTemplateError(ValueError):
    """A template that is not served; the message is a sentence."""


@dataclass(frozen=True)
class PathTemplate(ValueMatcher):
    """`urlPathTemplate` and `matchesPathTemplate`: a path with a segment for each parameter.

    Args:
        template: the template.

    Raises:
        PathTemplateError: the template has too many parameters.
    """

    template: str
    names: tuple[str, ...] = field(init=False, compare=False)
    _pattern: Pattern[str] = field(init=False, compare=False, repr=False)
    _prefix: str = field(init=False, compare=False, repr=False)
    _is_simple: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        symbols = list(_SYMBOL.finditer(self.template[: _MAX_LENGTH + 1]))
        if len(self.template) > _MAX_LENGTH or len(symbols) > _MAX_SYMBOLS:
            raise PathTemplateError(
                f"A path template may have {_MAX_LENGTH:,} characters and {_MAX_SYMBOLS} parameters at most."
            )
        wildcards = iter(range(len(symbols)))
        names = [str(next(wildcards)) if one[1] is None else _FORMAT_CHARACTERS.sub("", one[1]) for one in symbols]
        object.__setattr__(self, "names", tuple(names))
        object.__setattr__(self, "_pattern", _compile(self.template, symbols))
        object.__setattr__(self, "_prefix", self.template[: symbols[0].start()] if symbols else self.template)
        in_one_segment = (len(_SYMBOL.findall(segment)) < 2 for segment in self.template.split("/"))
        object.__setattr__(self, "_is_simple", "**" not in self.template and all(in_one_segment))

    def matches(self, value: str | None, evaluation: Evaluation) -> bool:
        """Whether a path has the template's form."""
        return value is not None and self._match(value.partition("?")[0], evaluation) is not None

    def measure_distance(self, value: str | None, evaluation: Evaluation) -> float:
        """Return the share of characters that would have to change, a parameter counted as one."""
        if self.matches(value, evaluation):
            return 0.0
        return measure_text_distance(_SYMBOL.sub("_", self.template), value, evaluation)

    def parse(self, path: str, evaluation: Evaluation) -> dict[str, str]:
        """Return the parameters of a path that matches, as they were sent; {} if it does not."""
        match = self._match(path, evaluation)
        return dict(zip(self.names, match.groups(), strict=True)) if match else {}

    def describe(self) -> str:
        """Return what the path must be."""
        return f"a path like {show(self.template)}"

    def _match(self, path: str, evaluation: Evaluation) -> Match[str] | None:
        """Return the match of a path. With two parameters in a segment, or `**`, it can be slow and has a budget."""
        if not path.startswith(self._prefix):
            return None
        if self._is_simple:
            return self._pattern.fullmatch(path)
        matches: list[Match[str] | None] = [None]

        def match(seconds: float) -> bool:
            matches[0] = self._pattern.fullmatch(path, timeout=seconds)
            return matches[0] is not None

        evaluation.match_timed(match, "The path template", self.template)
        return matches[0]


def _compile(template: str, symbols: list[re.Match[str]]) -> Pattern[str]:
    written, position = "", 0
    for symbol in symbols:
        written += re.escape(template[position : symbol.start()])
        written += "([^/]+)" if symbol[1] is not None else "(.*?)"
        position = symbol.end()
    return regex.compile(written + re.escape(template[position:]), cache_pattern=False)

"""Texts, patterns of texts, and regular expressions of Java, over a small alphabet so that they often match."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Pattern = dict[str, Any]

words = st.text("abAB1 ", max_size=4) | st.sampled_from(["a", "b", "ab", "abc", "", "1", "a b", "\u00e9"])

_ATOMS = ["a", "b", "A", "1", ".", " ", "\\d", "\\w", "\\s", "\\D", "\\W", "[ab]", "[^a]", "[a-b1]", "[a&&[^b]]",
"\\p{L}", "\\p{Lu}", "\\b", "^", "$", "\\n", "\\.", "\\Qa\\E", "\u00e9"]  # fmt: skip

_QUANTIFIERS = ["", "", "*", "+", "?", "*?", "++", "{2}", "{1,2}", "{0}"]

_GROUPS = ["({})", "(?:{})", "(?i){}", "(?i:{})", "(?={})", "(?!{})", "(?<=a){}", "(?>{})", "(?s){}", "({})\\1"]


def _join(parts: list[str]) -> str:
    return "".join(parts)


def _quantify(atom: str, quantifier: str) -> str:
    return atom + quantifier


def _extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    groups = st.builds(str.format, st.sampled_from(_GROUPS), inner)
    return (
        st.builds(_quantify, groups, st.sampled_from(_QUANTIFIERS))
        | st.builds("{}|{}".format, inner, inner)
        | st.lists(inner, min_size=1, max_size=3).map(_join)
    )


_atoms = st.builds(_quantify, st.sampled_from(_ATOMS), st.sampled_from(_QUANTIFIERS))

regular_expressions = st.recursive(_atoms, _extend, max_leaves=4)

plain_expressions = st.sampled_from(["a", "b", "[ab]+", ".*", "a.*", "(?i)a", "\\d+", "\\w*", "a|b", "[^a]*", ""])


def _one(name: str, operand: st.SearchStrategy[Any], **options: st.SearchStrategy[Any]) -> st.SearchStrategy[Pattern]:
    return st.fixed_dictionaries({name: operand}, optional=options)


_leaves: st.SearchStrategy[Pattern] = st.one_of(
    _one("equalTo", words, caseInsensitive=st.booleans()),
    _one("contains", words),
    _one("doesNotContain", words),
    _one("matches", plain_expressions),
    _one("doesNotMatch", plain_expressions),
    st.just({"absent": True}),
    st.just({"anything": "anything"}),
)


def _combine(inner: st.SearchStrategy[Pattern]) -> st.SearchStrategy[Pattern]:
    several = st.lists(inner, min_size=2, max_size=3)
    return _one("and", several) | _one("or", several) | _one("not", inner)


text_patterns = st.recursive(_leaves, _combine, max_leaves=4)

_lists = st.lists(_leaves, min_size=1, max_size=3)

value_patterns = text_patterns | _one("hasExactly", _lists) | _one("includes", _lists)
"""Patterns of what can be there more than once."""

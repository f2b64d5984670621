"""Java's regular expressions, and that none holds the thread."""

from __future__ import annotations

import pytest

from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.matching.java_regex.escapes import RegexSyntaxError
from duologue_mock.control.matching.java_regex.java_regex import JavaRegex
from duologue_mock.control.matching.java_regex.translation import translate_java_regex
from duologue_mock.control.matching.matchers.regex_matchers import Matches

EXPRESSIONS: list[tuple[str, list[str], list[str]]] = [
    (r"a.c", ["abc", "a\nc"], ["ac", "abcd"]),
    (r"(?-s)a.c", ["abc"], ["a\nc", "a\u2028c"]),
    (r"\d+\w\s", ["1a ", "12_\x0b"], ["\u0661a ", "1\u00e4 ", "1a\xa0"]),
    (r"\D\W\S", ["a-b", "\u0661\u00e4\xa0"], ["1-b"]),
    (r"\h\v", [" \n", "\xa0\u2028"], ["a\n"]),
    (r"\H\V", ["aa"], [" a", "a\n"]),
    (r"a\Rb", ["a\r\nb", "a\nb"], ["ab"]),
    (r"\Qa.b*\E+", ["a.b*", "a.b***"], ["axb", "a.b*a.b*"]),
    (r"\Qa.b", ["a.b"], ["axb"]),
    (r"[\Q]-[\Ea]+", ["]-[a"], ["b"]),
    (r"\x41\u0042\x{1F600}\0103\t\cA", ["AB\U0001f600C\t\x01"], []),
    (r"\uD83D\uDE00", ["\U0001f600"], []),
    (r"(?<n>a|b)\k<n>", ["aa", "bb"], ["ab"]),
    (r"(a)(b)\2\1", ["abba"], ["abab"]),
    (r"(a)\10", ["aa0"], ["aa"]),
    (r"(?i)straSSe", ["STRASSE", "strasse"], ["stra\u00dfe"]),
    (r"(?i)[a-c]\u00e4", ["B\u00e4"], ["D\u00e4", "B\u00c4"]),
    (r"(?iu)[a-c]\u00e4", ["B\u00c4"], []),
    (r"(?i:a)b", ["Ab"], ["AB"]),
    (r"(?:a(?i)b)c", ["aBc"], ["ABc", "aBC"]),
    (r"(?i)a(?-i)b", ["Ab"], ["AB"]),
    (r"(?i)k", ["K"], ["\u212a"]),
    (r"a++b", ["aab"], []),
    (r"a*+a", [], ["aa"]),
    (r"(?>a|ab)c", ["ac"], ["abc"]),
    (r"a{2}b{1,}c{1,2}", ["aabcc"], ["abc"]),
    (r"[a-z&&[^aeiou]]+", ["bcd"], ["bad"]),
    (r"[a-d[m-p]]+", ["adm"], ["z"]),
    (r"[]a]+", ["]a"], ["b"]),
    (r"[^]a]+", ["b"], ["]"]),
    (r"[a\-z-]+", ["a-z"], ["b"]),
    (r"[\w.]+", ["a.b"], ["-"]),
    (r"\p{Alpha}\p{L}\pL\p{Lu}\p{IsLatin}", ["a\u00e4\u00e4\u00c4\u00e4"], ["\u00e4aaAa"]),
    (r"\P{Alpha}[\p{Digit}\p{Punct}]+", ["1-9"], ["a-9"]),
    (r"^a$", ["a"], ["a\n"]),
    (r"a$\n", ["a\n"], ["a"]),
    (r"a\Z\n?", ["a", "a\n"], []),
    (r"a\z\n?", ["a"], ["a\n"]),
    (r"(?m)a$.^b", ["a\nb"], ["a b"]),
    (r"(?=.*b)(?!.*c).*", ["ab"], ["a", "abc"]),
    (r"a(?<=a)b(?<!a)", ["ab"], []),
    (r"\ba\B.*", ["ab"], ["a b"]),
    (r"a|b|", ["a", "b", ""], ["c"]),
    (r"\{\}\[\]\-\/\#", ["{}[]-/#"], []),
    (r"}]-#&", ["}]-#&"], []),
]


@pytest.mark.parametrize(("expression", "yes", "no"), EXPRESSIONS, ids=ascii)
def test_expression(expression: str, yes: list[str], no: list[str]) -> None:
    matcher = Matches(expression)
    assert [value for value in yes if not matcher.matches(value, Evaluation())] == []
    assert [value for value in no if matcher.matches(value, Evaluation())] == []


@pytest.mark.parametrize(
    "expression",
    ["(", ")", "[", "[a", "[z-a]", "*", "a**", "a{", "{", "a{1", "a{,2}", "a{2,1}", "a{x}", "\\", "\\x4", "\\x{110000}",
     "\\u12", "\\1", "(a)\\2", "\\k<n>", "(?<1>a)", "(?<n>a)(?<n>b)", "(?x)a", "(?U)a", "(?d)a", "(?#a)", "(?P<n>a)",
     "(?R)", "(?1)", "\\G", "\\N{DIGIT ONE}", "\\b{g}", "\\p{javaLowerCase}", "\\p{Nothing}", "\\p{", "\\y", "a{e<=1}",
     "(?:a){i}", "\\L<x>", "[a&&]", "[^a&&b]", "[^a[b]]", "(?|a)", "\\K", "\\m", "a" * 2_001, "(" * 40 + ")" * 40,
     "(?:(?:a{9999}){9999}){9999}", "a{99999}"],
    ids=lambda text: ascii(text[:20]),
)  # fmt: skip
def test_refused(expression: str) -> None:
    with pytest.raises(RegexSyntaxError):
        JavaRegex(expression)


HOSTILE = ["(x+x+)+y", "(x|xx)+$b", "(.*x){20}b"]


@pytest.mark.parametrize("expression", HOSTILE)
@pytest.mark.parametrize("negated", [False, True])
def test_slow_expression(expression: str, negated: bool) -> None:
    """One that runs out of time matches neither way, and is reported."""
    evaluation = Evaluation(seconds=0.01)
    assert not Matches(expression, negated=negated).matches("x" * 5_000, evaluation)
    assert evaluation.overruns == len(evaluation.exceeded) == 1
    assert expression[:5] in evaluation.exceeded[0]


@pytest.mark.parametrize("expression", ["a*a*a*a*a*a*a*b", "(a?){30}a{30}b", "(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)*b"])
def test_many_choices(expression: str) -> None:
    """An expression is measured unless it is simple for a text of this length."""
    evaluation = Evaluation(seconds=0)
    assert not Matches(expression).matches("a" * 200 + "c", evaluation)
    assert evaluation.overruns == 1


@pytest.mark.parametrize("expression", ["/api/[a-z]+/.*", "/api/(users|chats)(/[0-9]+)?/?", ".*b", "[^/]{1,50}/?"])
def test_simple_expression(expression: str) -> None:
    """Nothing is measured where an expression can only take few steps."""
    evaluation = Evaluation(seconds=0.001, timer=lambda: pytest.fail("measured"))
    Matches(expression).matches("/api/users/1", evaluation)
    assert evaluation.overruns == 0


@pytest.mark.parametrize(
    ("expression", "prefix"),
    [("/api/users", "/api/users"), ("/api/users?", "/api/user"), ("/api/users{2}", "/api/user"), ("/a|/b", ""),
     ("/a(b|c)", "/a"), ("/a.b", "/a"), ("(?i)/a", ""), ("\\Q/a", ""), ("/a(b)|c", ""), ("", "")],
)  # fmt: skip
def test_prefix(expression: str, prefix: str) -> None:
    """What every text starts with that matches is compared first."""
    assert translate_java_regex(expression).prefix == prefix


def test_budget_is_of_all_patterns() -> None:
    evaluation = Evaluation(seconds=0.01)
    assert not Matches("(x+x+)+y").matches("x" * 5_000, evaluation)
    assert not Matches("(?:x|y)*").matches("x", evaluation)
    assert len(evaluation.exceeded) == 2

"""What is peculiar to Java's regular expressions."""

from __future__ import annotations

from tests.wiremock.cases import body_case

_TEXTS: tuple[bytes | str, ...] = (
    "", "a", "b", "A", "aa", "ab", "abc", "aab", "a1", "1", "123", "a.b", "a b", "a\nb", "a\tb", "a\\b", "a-b", "a_b",
    "\u00e9", "\u00c9", "\u00df", "\u0130", "\u0664", "\u00a0", "\u2028", "\U0001f600", "a\U0001f600b", "\u4e2d",
    "foo", "FOO", "foobar",
    "[a]", "{a}", "a|b", "a{2}", "$", "^", "x", "xx", "xyz", "Zz", "\r\n", "\n", "a\n", "aXb", "e\u0301", "\u03b1",
    "\u03c3", "\u03c2", "\u017f", "\u212a", "k", "K",
)  # fmt: skip

_EXPRESSIONS = (
    "a", "^a$", "a$", "^a", "a*", "a+", "a?b", "a*+a", "a++b", "a?+a", "(?>a|ab)c", "[abc]+", "[^a]+", "[a-c&&[^b]]+",
    "[a-z&&[aeiou]]", "[a[bc]]+", "[^a-c&&[a-z]]", "\\d+", "\\D+", "\\w+", "\\W", "\\s", "\\S+", "\\h", "\\v", "\\R",
    "\\X",
    "\\p{L}+", "\\p{Lu}", "\\p{Ll}", "\\p{IsAlphabetic}+", "\\p{Alpha}+", "\\p{Upper}", "\\p{Punct}", "\\p{IsLatin}",
    "\\p{InGreek}", "\\p{script=Greek}", "\\P{L}", "\\pL", "\\p{javaLowerCase}", "\\p{ASCII}+", "\\p{Nd}",
    "\\p{IsWhite_Space}", "(?i)foo",
    "(?i)\u00e9", "(?iu)\u00e9", "(?i)\u03c3", "(?iu)\u03c3", "(?iu)k", "(?i)k", "(?i:f)oo", "(?s)a.b", "(?-s)a.b",
    "(?-s:a.b)", "(?m)^b$", "(?m)a$\n^b", "(?x) a b # c", "(?d)a.b", "(?U)\\w", "(?U)\\d", "(?u)a", "\\Qa.b\\E",
    "\\Qa.b", "a\\Q.\\Eb", "\\x61",
    "\\u0061", "\\x{1F600}", "\\uD83D\\uDE00", "\\0141", "\\t", "\\n", "\\e", "\\cA", "\\a", ".", "..", "[.]",
    "[\\w.]+", "(a)\\1", "(?<x>a)\\k<x>", "(?<x>a)b", "(?:a|b)", "(a|b)+", "a|b", "a{2}", "a{2,}", "a{1,2}b", "a{,2}",
    "a\\{2\\}", "a{2", "x{0}", "(?=a)a",
    "(?!b).", "(?<=a)b", "a(?<=a)b", "a(?<!b)b", ".*(?<=fo{1,2}).*", "\\ba\\b", "\\Ba", "\\Aa\\z", "a\\Z", "a\\G",
    "\\Z", "$", "^", "$^", "^$", "(?m)^$", "a$\\n", "[a", "(a", "a)", "*a", "a**", "\\", "\\q", "(?<1x>a)", "[z-a]",
    "\\k<y>", "\\2", "(?P<x>a)", "[]a]", "[^]a]", "]", "}", "{", "[[:alpha:]]",
    "[a-]", "[-a]+", "[\\]]", "[a\\-b]+", "[\\d\\s]+", "[^\\d]+", "\\N{LATIN SMALL LETTER A}", "\\b{g}", "(?i)[a-z]+",
    "(?i)[^a]", "(?i)\\u0130", "(?iu)\u00df", "(?iu)[\u00e0-\u00ff]", "[\u0000-\uffff]+", "[^\n]+", "(?i)(?-i)a",
    "((a)(b))\\3", "(a)?b\\1", "(?:)", "", "()", "|a", "a|",
    "a{2}{3}", "a+*", "(?<!a)b", "[&&]", "[a&&]", "[&a]", "[a&&b]", "[a-c&&b-d]+", "[\\p{L}&&[^a]]+", "[^\\p{L}]+",
    "\\p{", "\\p{Nonsense}", "\\p{Is}", "\\x6", "\\u006", "\\08", "\\c", "(?", "(?z)a", "[a-\\d]",
    "\\d{1,3}(?:,\\d{3})*", "(?s:.)+", "(?-i)A", "\\p{Sc}", "\\p{IsHan}", "\\p{IsEmoji}", "[\\h]", "[^\\s]*",
)  # fmt: skip

CASES = (
    *(
        body_case(f"regex/{number:03d}", {"matches": expression}, *_TEXTS)
        for number, expression in enumerate(_EXPRESSIONS)
    ),
    *(
        body_case(f"regex-negated/{number}", {"doesNotMatch": expression}, *_TEXTS)
        for number, expression in enumerate(("a", ".*", "(?i)foo", "[^a]+", "\\p{L}+", "a|b"))
    ),
)

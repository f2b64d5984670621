"""`matchesJsonPath`. The tables of paths were seen on WireMock 3.13.2."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_mock.control.errors import ControlError
from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.matching.java_regex.escapes import RegexSyntaxError
from duologue_mock.control.matching.json_path.parsing import parse_json_path
from duologue_mock.control.matching.json_path.paths import JsonPathError
from duologue_mock.control.matching.matchers.json_matchers import MatchesJsonPath
from tests.mockserver.control.matching.received import match_body

DOCUMENT = {
    "a": 1,
    "b": {"c": [1, 2, 3], "d": None, "e": ""},
    "users": [{"name": "Ada", "age": 30, "tags": ["x", "y"]}, {"name": "Bob", "age": 20, "tags": []}, {"age": 5.5}],
    "empty": [],
    "o": {},
    "t": True,
    "f": False,
    "x y": 1,
    "n": "1",
    "s": "it's",
    "large": 1e10,
    "small": 0.00015,
    "deep": {"x": [1, {"y": "z"}]},
}
BODY = json.dumps(DOCUMENT)

LEADS_SOMEWHERE = [
    "$",
    "$.a",
    "a",
    "$.b.c",
    "$.b.e",
    "$.t",
    "$.f",
    "$['x y']",
    "$['a','t']",
    "$['zz','t']",
    "$.users[0]",
    "$.users[-1]",
    "$.users[0,1].name",
    "$.users[0:2].name",
    "$.users[1:].name",
    "$.users[:1].name",
    "$.users[-1:].age",
    "$.users[*].name",
    "$..name",
    "$..c[0]",
    "$..users[0].name",
    "$..[0]",
    "$..*",
    "$..[*]",
    "$.*",
    "$.users[?(@.age > 18)]",
    "$.users[?(@.age>18)].name",
    "$.users[?(@.name)]",
    "$.users[?(!@.name)]",
    "$.users[?(@.name == 'Ada')]",
    "$.users[?('Ada' == @.name)]",
    '$.users[?(@.name == "Ada")]',
    "$.users[?(@.name =~ /a.*/i)]",
    "$.users[?(@.name in ['Ada','Eve'])]",
    "$.users[?(@.name nin ['Ada','Eve'])]",
    "$.users[?(@.tags contains 'x')]",
    "$.users[?(@.tags size 2)]",
    "$.users[?(@.tags empty true)]",
    "$.users[?(@.tags empty false)]",
    "$.users[?(@.tags anyof ['x'])]",
    "$.users[?(@.tags noneof ['x'])]",
    "$.users[?(@.tags subsetof ['x','y','z'])]",
    "$.users[?(@.age == '30')]",
    "$.users[?(@.age == 30.0)]",
    "$.users[?(@.zz != 'a')]",
    "$.users[?(@.age > 18 && @.name == 'Ada')]",
    "$.users[?(@.age > 100 || @.name == 'Ada')]",
    "$.users[?(!(@.age > 18))]",
    "$.users[?((@.age > 18))]",
    "$.users[?(@.age > $.a)]",
    "$.users.length()",
    "$.users[*].length()",
    "$.b.length()",
    "$.empty.length()",
    "$.users.size()",
    "$..age.sum()",
    "$.b.c.sum()",
    "$.b.c.avg()",
    "$.b.c.max()",
    "$.b.c.min()",
    "$.b.c.stddev()",
    "$.b.c.first()",
    "$.b.c.last()",
    "$.b.c.index(1)",
    "$.b.keys()",
    '$.concat($.n,"x")',
    "$.sum($.b.c)",
    "$.length($.users)",
    "$.b.c[?(@ > 1)]",
    "$.b.c[?(@ == 1)]",
    "$[?(@.a == 1)]",
    "$.users[?(@.tags)]",
    "$.users[?(@.tags[0])]",
    "$.users[?(@.tags[0] == 'x')]",
    "$.users[?(@.tags.length() == 2)]",
    "$.users[?(@.tags.length() > 1)]",
    "$.users[?(@['name'] == 'Ada')]",
    "$.users[?(@.age<21)]",
    "$.users[?(@.age<=20)]",
    "$.users[?(@.age!=20)]",
    "$..users[?(@.age)].name",
    "$..[?(@.age)].name",
    "$..[?(@.age > 29)]",
    "$.users..name",
    "$.users[0]..*",
    "$.users[0].*",
    "$.users[0]['name','age']",
    "$.users[*]['name','age']",
    "$.b.c[-2:-1]",
    "$.b.c[:-1]",
    "$.b.c[-2:]",
    "$.b.c[ 0 ]",
    "$.b.c[0 , 1]",
    "$[ 'a' ]",
    '$["a"]',
    "$['a' , 't']",
    "@.a",
    "$.users[?(@.name =~ /A[\\/d]a/)]",
    "$.users[?(@.name > 'Aaa')]",
    "$.users[?(true == true)]",
    "$.users[?(@)]",
    "$.users[?(@.name && @.age)]",
    "$.b.c[?(@ in [1,2])]",
    "$.b.c[?(@ in $.b.c)]",
    "$.b.c.append(4)",
    "$.users[?(@.tags contains 'x' && @.age == 30)]",
]

LEADS_NOWHERE = [
    "$.b.d",
    "$.b.zz",
    "$.zz",
    "$.zz.a",
    "$.empty",
    "$.o",
    "$['zz','yy']",
    "$.users[9]",
    "$.users[*].zz",
    "$..zz",
    "$.users[?(@.age > 100)]",
    "$.users[?(@.name =~ /a.*/)]",
    "$.users[?(@.age === '30')]",
    "$.users[?(@.name == null)]",
    "$.a.length()",
    "$.s.length()",
    "$.o.keys()",
    "$.empty.sum()",
    "$.a[?(@.x)]",
    "$.a[0]",
    "$.b[0]",
    "$.users.name",
    "$.a.b",
    "$.t.x",
    "$.s[?(@ == 1)]",
    "$.users[?(@.name==1)]",
    "$.b.c[1:-1]",
    "$.users[?(@.name&&@.age)]",
    "$.users[?(@.b.c.d)]",
    "$.a.*",
    "$.users[?(@.name == 'A\\'a')]",
]

REFUSED = [
    "$.",
    "",
    "$..",
    "$a",
    "$.users[?]",
    "$.users[?()]",
    "$.users[?(@.age >)]",
    "$.users[?(@.age ~ 1)]",
    "$.b.c[a]",
    "$['a]",
    "$.x y",
    "$.users[?(1)]",
    "$.a.foo()",
    "$.users[",
    "$.b.c[1:2:3]",
    "$.a.length().x",
    "$.users[?(@.a type 'string')]",
    "$.users[?(@.a =~ /(/)]",
    "$.users[?(@.a =~ /a/x)]",
    "$.users[?(@.a == {x)]",
    "$" + ".a" * 600,
    "$.a[?(((((((((((((((((((((((((((((((@.a)))))))))))))))))))))))))))))))]",
    "$[?(@[?(@[?(@[?(@[?(@[?(@.a)])])])])])]",
]


@pytest.mark.parametrize("path", LEADS_SOMEWHERE, ids=ascii)
def test_leads_somewhere(path: str) -> None:
    assert match_body({"matchesJsonPath": path}, BODY)


@pytest.mark.parametrize("path", LEADS_NOWHERE, ids=ascii)
def test_leads_nowhere(path: str) -> None:
    """To nothing, null, or an empty array or object."""
    assert not match_body({"matchesJsonPath": path}, BODY)


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: ascii(path[:40]))
def test_refused(path: str) -> None:
    with pytest.raises(ControlError) as caught:
        match_body({"matchesJsonPath": path}, BODY)
    assert caught.value.pointer == "/request/bodyPatterns/0"


VALUES: list[tuple[str, dict[str, Any], bool]] = [
    ("$.a", {"equalTo": "1"}, True),
    ("$.t", {"equalTo": "true"}, True),
    ("$.large", {"equalTo": "1.0E10"}, True),
    ("$.small", {"equalTo": "1.5E-4"}, True),
    ("$.users[2].age", {"equalTo": "5.5"}, True),
    ("$.users[0]", {"equalToJson": {"name": "Ada", "age": 30, "tags": ["x", "y"]}}, True),
    ("$.users[0]", {"matchesJsonPath": "$.name"}, True),
    ("$.users[0]", {"contains": '"name" : "Ada"'}, True),
    ("$.users[0:1]", {"contains": "name=Ada"}, True),
    ("$.users[0:1]", {"contains": 'tags=["x","y"]'}, True),
    ("$.users[*].name", {"equalTo": "Bob"}, True),
    ("$.users[*].name", {"equalTo": "Eve"}, False),
    ("$.users[*].name", {"equalToJson": ["Ada", "Bob"]}, True),
    ("$.users[*].tags", {"equalTo": '["x","y"]'}, True),
    ("$.b.c", {"equalTo": "2"}, True),
    ("$.b.c", {"equalTo": "[1, 2, 3]"}, False),
    ("$.b.c.sum()", {"equalTo": "6.0"}, True),
    ("$.deep", {"equalTo": '{\n  "x" : [ 1, {\n    "y" : "z"\n  } ]\n}'}, True),
    ("$.o", {"equalTo": "{ }"}, True),
    ("$.o", {"absent": True}, False),
    ("$.b.e", {"equalTo": ""}, True),
    ("$.b.d", {"equalTo": "null"}, False),
    ("$.b.d", {"absent": True}, True),
    ("$.zz", {"absent": True}, True),
    ("$.zz.zz", {"absent": True}, True),
    ("$.empty", {"absent": True}, True),
    ("$.users[?(@.name == 'Zed')]", {"absent": True}, True),
    ("$.a", {"absent": True}, False),
    ("$.zz", {"doesNotContain": "x"}, False),
    ("$.zz", {"not": {"equalTo": "x"}}, False),
    ("$.a", {"and": [{"equalTo": "1"}, {"matches": "[0-9]"}]}, True),
]


@pytest.mark.parametrize(("path", "matcher", "expected"), VALUES, ids=str)
def test_value(path: str, matcher: dict[str, Any], expected: bool) -> None:
    assert match_body({"matchesJsonPath": {"expression": path, **matcher}}, BODY) is expected


@pytest.mark.parametrize("body", ["", "x", "<a/>", "null", '{"a": 1', "NaN"])
def test_body_is_not_json(body: str) -> None:
    assert not match_body({"matchesJsonPath": "$"}, body)
    assert not match_body({"matchesJsonPath": {"expression": "$.a", "equalTo": ""}}, body)
    assert match_body({"matchesJsonPath": {"expression": "$.a", "absent": True}}, body) is (body == "")


@pytest.mark.parametrize(
    ("matcher", "detail"),
    [
        ({}, "expression"),
        ({"expression": 1, "equalTo": ""}, "expression"),
        ({"expression": "$.a"}, "not a matcher"),
        ({"expression": "$.a", "equalsTo": ""}, "'equalTo'"),
        (1, "a text"),
    ],
    ids=str,
)
def test_malformed(matcher: Any, detail: str) -> None:
    with pytest.raises(ControlError, match=detail):
        match_body({"matchesJsonPath": matcher}, BODY)


@pytest.mark.parametrize(
    "path", ["$..*", "$..a..a..a", "$[*][*]", "$[?(@.x in $)]", "$..[?(@..x)]", "$[?(@ anyof $)]", "$[*].length()"]
)
def test_work_is_bounded(path: str) -> None:
    document = [[number] * 50 for number in range(200)]
    evaluation = Evaluation(seconds=0.0005)
    matcher = MatchesJsonPath(parse_json_path(path))
    assert not matcher.matches(json.dumps(document), evaluation)
    assert evaluation.overruns == 1
    assert "JSONPath" in evaluation.exceeded[0]


def test_slow_expression() -> None:
    evaluation = Evaluation(seconds=0.01)
    matcher = MatchesJsonPath(parse_json_path("$[?(!(@ =~ /(x+x+)+y/))]"))
    assert not matcher.matches(json.dumps(["x" * 5_000]), evaluation)
    assert evaluation.overruns == 1


@given(st.text("$@.*[]()?!<>=~&|'\"/\\,: -01aei", max_size=30))
def test_any_text(text: str) -> None:
    """It is a path that can be followed, or refused."""
    try:
        path = parse_json_path(f"$.{text}")
    except (JsonPathError, RegexSyntaxError):
        return
    MatchesJsonPath(path).matches(BODY, Evaluation())


@given(st.text(max_size=10))
def test_any_property_in_brackets(name: str) -> None:
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    assert match_body({"matchesJsonPath": f"$['{quoted}']"}, json.dumps({name: 1}))

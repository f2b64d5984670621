"""Reading matchers from WireMock's JSON."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from duologue.contract import strict_json
from duologue_mock.control.errors import invalid
from duologue_mock.control.json_keys import join_pointer, read_object, show
from duologue_mock.control.matching.json_path.parsing import parse_json_path
from duologue_mock.control.matching.matchers.body_matchers import BinaryEqualTo, BodyMatcher, BodyText
from duologue_mock.control.matching.matchers.json_matchers import EqualToJson, MatchesJsonPath
from duologue_mock.control.matching.matchers.json_schema import (
    DEFAULT_VERSION,
    VERSIONS,
    MatchesJsonSchema,
    choose_version,
)
from duologue_mock.control.matching.matchers.multi_values import AnyValue, EveryMatcher, ValuesMatcher
from duologue_mock.control.matching.matchers.path_template import PathTemplate
from duologue_mock.control.matching.matchers.regex_matchers import Matches
from duologue_mock.control.matching.value_matchers import (
    Absent,
    And,
    Anything,
    Contains,
    EqualTo,
    Not,
    Or,
    ValueMatcher,
)

_MAX_DEPTH = 20
"""Matchers in matchers."""
_MAX_MATCHERS = 100
"""Matchers that a header, a parameter or the body must pass together."""

_DATES = "Matchers of dates are not supported here. Use `matches` with a regular expression."
_XML = "Matchers of XML are not supported here: this API speaks JSON. Use `contains` or `matches`."
_UNSUPPORTED = MappingProxyType(
    {"before": _DATES, "after": _DATES, "equalToDateTime": _DATES, "equalToXml": _XML, "matchesXPath": _XML}
)
_MULTIPLE = ("hasExactly", "includes")
_BINARY = "binaryEqualTo"


def parse_value_matcher(value: Any, pointer: str, *, depth: int = 0) -> ValueMatcher:
    """Return the matcher of one text: `{"equalTo": "x"}`.

    Args:
        value: the JSON.
        pointer: where it is (RFC 6901).
        depth: how many matchers it is in.

    Raises:
        ControlError: it is not a matcher, or not one of one text.
    """
    if depth > _MAX_DEPTH:
        raise invalid(pointer, f"Matchers may be nested {_MAX_DEPTH} deep at most.")
    name, fields = _read_matcher(value, pointer, (*_READERS, *_OPTIONS))
    try:
        matcher = _READERS[name](_Operand(name, fields, pointer, depth))
    except ValueError as error:
        raise invalid(pointer, str(error)) from None
    if matcher.size > _MAX_MATCHERS:
        raise invalid(pointer, f"{_MAX_MATCHERS} matchers may be combined at most.")
    return matcher


def parse_values_matcher(value: Any, pointer: str) -> ValuesMatcher:
    """Return the matcher of all values of a header or parameter: of any of them, `hasExactly` or `includes`.

    Args:
        value: the JSON.
        pointer: where it is (RFC 6901).

    Raises:
        ControlError: it is not such a matcher.
    """
    name, fields = _read_matcher(value, pointer, (*_READERS, *_OPTIONS, *_MULTIPLE))
    if name not in _MULTIPLE:
        return AnyValue(parse_value_matcher(value, pointer))
    operand = _Operand(name, fields, pointer, 0)
    return EveryMatcher(operand.read_matchers(least=0), is_exact=name == "hasExactly")


def parse_body_matcher(value: Any, pointer: str) -> BodyMatcher:
    """Return the matcher of a body.

    Args:
        value: the JSON.
        pointer: where it is (RFC 6901).

    Raises:
        ControlError: it is not such a matcher.
    """
    name, fields = _read_matcher(value, pointer, (*_READERS, *_OPTIONS, _BINARY))
    if name != _BINARY:
        return BodyText(parse_value_matcher(value, pointer))
    text = _Operand(name, fields, pointer, 0).read_text()
    try:
        # Java decodes Base64 without padding too.
        return BinaryEqualTo(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except (binascii.Error, ValueError):
        raise invalid(pointer, f"binaryEqualTo takes Base64, not {show(text)}.") from None


def _read_matcher(value: Any, pointer: str, known: tuple[str, ...]) -> tuple[str, Mapping[str, Any]]:
    """Return the name of the one matcher that an object is, and all its fields."""
    fields = read_object(value, pointer, known, unsupported=_UNSUPPORTED) if isinstance(value, dict) else {}
    # What null means depends on the matcher: `equalToJson` and `absent` take it.
    names = [key for key in value if key not in _OPTIONS] if isinstance(value, dict) else []
    if not names:
        raise invalid(pointer, f'{show(value)} is not a matcher. A matcher is an object like {{"equalTo": "x"}}.')
    if len(names) > 1:
        raise invalid(pointer, f"{names[0]} and {names[1]} are two matchers. Combine them with `and`.")
    for option in fields.keys() & _OPTIONS.keys():
        if _OPTIONS[option] != names[0]:
            raise invalid(join_pointer(pointer, option), f"{option} belongs to {_OPTIONS[option]}, not to {names[0]}.")
    return names[0], {**fields, names[0]: value[names[0]]}


class _Operand:
    """What a matcher is given.

    Args:
        name: the matcher's name.
        fields: its object.
        pointer: where that is (RFC 6901).
        depth: how many matchers it is in.
    """

    def __init__(self, name: str, fields: Mapping[str, Any], pointer: str, depth: int) -> None:
        self.name = name
        self.fields = fields
        self.pointer = pointer
        self.depth = depth

    @property
    def value(self) -> Any:
        """The operand itself."""
        return self.fields[self.name]

    def read_text(self) -> str:
        """Return an operand that must be a text."""
        if not isinstance(self.value, str):
            raise invalid(self.pointer, f"{self.name} takes a text, not {show(self.value)}.")
        return self.value

    def read_json(self) -> Any:
        """Return an operand that is JSON, or a text of JSON."""
        if not isinstance(self.value, str):
            return self.value
        try:
            return strict_json.loads(self.value.encode())
        except (strict_json.StrictJSONError, UnicodeEncodeError) as error:
            raise invalid(self.pointer, f"{self.name} takes JSON. {error}") from None

    def read_flag(self, option: str) -> bool:
        """Return an option that is true or false; false if it is not given."""
        value = self.fields.get(option, False)
        if not isinstance(value, bool):
            raise invalid(join_pointer(self.pointer, option), f"{option} is true or false, not {show(value)}.")
        return value

    def read_matcher(self) -> ValueMatcher:
        """Return an operand that is a matcher."""
        return parse_value_matcher(self.value, join_pointer(self.pointer, self.name), depth=self.depth + 1)

    def read_matchers(self, *, least: int) -> tuple[ValueMatcher, ...]:
        """Return an operand that is a list of matchers."""
        pointer = join_pointer(self.pointer, self.name)
        if not isinstance(self.value, list) or not least <= len(self.value) <= _MAX_MATCHERS:
            raise invalid(self.pointer, f"{self.name} takes a list of {least} to {_MAX_MATCHERS} matchers.")
        return tuple(
            parse_value_matcher(one, join_pointer(pointer, index), depth=self.depth + 1)
            for index, one in enumerate(self.value)
        )


def _read_absent(operand: _Operand) -> ValueMatcher:
    """Return the matcher; as in WireMock, any operand means true, false too."""
    return Absent()


def _read_anything(operand: _Operand) -> ValueMatcher:
    operand.read_text()
    return Anything()


def _read_equal_to_json(operand: _Operand) -> ValueMatcher:
    """Return the matcher of JSON, which is given as itself or as a text."""
    flags = operand.read_flag("ignoreArrayOrder"), operand.read_flag("ignoreExtraElements")
    return EqualToJson(operand.read_json(), *flags)


def _read_json_path(operand: _Operand) -> ValueMatcher:
    """Return the matcher of a path: a text, or an object with an `expression` and a matcher of what it leads to."""
    if not isinstance(operand.value, dict):
        return MatchesJsonPath(parse_json_path(operand.read_text()))
    expression = operand.value.get("expression")
    if not isinstance(expression, str):
        raise invalid(operand.pointer, f"expression is a JSONPath as a text, not {show(expression)}.")
    rest = {key: value for key, value in operand.value.items() if key != "expression"}
    matcher = parse_value_matcher(rest, join_pointer(operand.pointer, operand.name), depth=operand.depth + 1)
    return MatchesJsonPath(parse_json_path(expression), matcher)


def _read_json_schema(operand: _Operand) -> ValueMatcher:
    """Return the matcher of a schema, which is given as itself or as a text."""
    version = operand.fields.get("schemaVersion", DEFAULT_VERSION)
    if version not in VERSIONS:
        raise invalid(operand.pointer, f"schemaVersion is one of {', '.join(VERSIONS)}, not {show(version)}.")
    schema = operand.read_json()
    if not isinstance(schema, dict | bool):
        raise invalid(operand.pointer, f"A JSON schema is an object or a boolean, not {show(schema)}.")
    return MatchesJsonSchema(schema, choose_version(schema, version))


_READERS: Mapping[str, Callable[[_Operand], ValueMatcher]] = MappingProxyType(
    {
        "equalTo": lambda operand: EqualTo(operand.read_text(), operand.read_flag("caseInsensitive")),
        "contains": lambda operand: Contains(operand.read_text()),
        "doesNotContain": lambda operand: Contains(operand.read_text(), negated=True),
        "matches": lambda operand: Matches(operand.read_text()),
        "doesNotMatch": lambda operand: Matches(operand.read_text(), negated=True),
        "matchesPathTemplate": lambda operand: PathTemplate(operand.read_text()),
        "equalToJson": _read_equal_to_json,
        "matchesJsonPath": _read_json_path,
        "matchesJsonSchema": _read_json_schema,
        "absent": _read_absent,
        "anything": _read_anything,
        "and": lambda operand: And(operand.read_matchers(least=2)),
        "or": lambda operand: Or(operand.read_matchers(least=2)),
        "not": lambda operand: Not(operand.read_matcher()),
    }
)
_OPTIONS = MappingProxyType(
    {
        "caseInsensitive": "equalTo",
        "ignoreArrayOrder": "equalToJson",
        "ignoreExtraElements": "equalToJson",
        "schemaVersion": "matchesJsonSchema",
    }
)
"""What else a matcher's object may have, by the matcher that it belongs to."""
BODY_MATCHERS = (*_READERS, _BINARY, *_OPTIONS)
"""Every key of a matcher of a body."""

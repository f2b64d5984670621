"""Marshmallow fields for the kinds of value that the APIs have.

Every rule is a validator that OpenAPI can express, so that what the OpenAPI document allows is what the server accepts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from marshmallow import Schema, ValidationError, fields, validate

from duologue.contract.core import Model, ModelSchema

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)

_CONTROLS = r"\u0000-\u001F\u007F-\u009F"
_CONTROLS_BUT_BREAKS = r"\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F"
_END = r"$(?!\n)"  # Python's `$` also matches before a last newline; ECMA 262's does not. This means the end in both.


def _not_blank(controls: str) -> str:
    # White space, then something visible: as no character is both, no text is matched in more than one way.
    return rf"^[^\S{controls}]*[^\s{controls}][^{controls}]*{_END}"


LINE = _not_blank(_CONTROLS)
"""One line of text: something visible in it, and no control characters."""

PROSE = _not_blank(_CONTROLS_BUT_BREAKS)
"""Text of any number of lines: something visible, no control characters but tab and line breaks."""

EMAIL = (
    r"^(?=.{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,126}[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]" + _END
)
"""RFC 5321's dot-string local part, of at most 64 characters, at a dotted host name."""


class Text(fields.String):
    """Text written by people: 1 to `max_length` code points as sent, not blank; surrounding white space is dropped.

    Args:
        max_length: the most code points, counted before trimming.
        lines: whether tab and line breaks are allowed.
    """

    def __init__(self, *, max_length: int, lines: bool = False, **options: Any) -> None:
        kind = "must have a visible character and no control characters" + (" but line breaks" if lines else "")
        rules = [
            validate.Length(min=1, max=max_length),
            validate.Regexp(PROSE if lines else LINE, error=f"Not valid text: {kind}."),
        ]
        # Trimmed after validation: the length that OpenAPI states is that of the text as sent.
        super().__init__(validate=rules, post_load=str.strip, **options)


class EmailAddress(fields.String):
    """An e-mail address of at most 254 characters (RFC 5321, section 4.5.3.1.3)."""

    def __init__(self, **options: Any) -> None:
        rules = [validate.Length(min=3, max=254), validate.Regexp(EMAIL, error="Not a valid email address.")]
        super().__init__(validate=rules, metadata={"format": "email"}, **options)


class Timestamp(fields.Field[datetime]):
    """ISO 8601 in UTC with milliseconds and `Z`, as `2024-01-01T00:00:00.000Z`."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **_: Any) -> str | None:
        return None if value is None else format_timestamp(value)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any) -> datetime:
        if not isinstance(value, str) or not _TIMESTAMP.fullmatch(value):
            raise ValidationError("Not an ISO 8601 timestamp with a time zone.")
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise ValidationError("Not a date that exists.") from error


def format_timestamp(moment: datetime) -> str:
    """Return a moment, which must have a time zone, as text in JSON."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class QueryInteger(fields.Integer):
    """A whole number in a query string: plain ASCII digits, within bounds. `1e3`, `+1`, `٣` and nothing are refused."""

    def __init__(self, *, minimum: int, maximum: int, **options: Any) -> None:
        super().__init__(validate=validate.Range(min=minimum, max=maximum), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,18}", value):
            raise ValidationError("Not a whole number.")
        return int(value)


class QueryBoolean(fields.Boolean):
    """`true` or `false` in a query string."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any) -> bool:
        if isinstance(value, bool):
            return value
        if value not in ("true", "false"):
            raise ValidationError("Not true or false.")
        return bool(value == "true")

    def _serialize(self, value: bool | None, attr: str | None, obj: Any, **_: Any) -> Any:
        return None if value is None else str(value).lower()


class StrictBoolean(fields.Boolean):
    """JSON's `true` or `false`; texts and numbers are refused."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("Not a boolean.")
        return value


class StrictInteger(fields.Integer):
    """A JSON whole number: not a string of digits, not a boolean."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValidationError("Not a whole number.")
        return value


class NestedModel(fields.Nested):
    """A model inside another, dumped as the JSON form that the inner model stores.

    It treats unknown fields as the schema around it does, which marshmallow's own nested field does not.
    """

    @property
    def schema(self) -> Schema:
        """The inner schema; each field has its own."""
        if self._schema is None:
            super().schema.unknown = cast(Schema, self.parent).unknown
        return super().schema

    def _serialize(self, nested_obj: Any, attr: Any, obj: Any, **_: Any) -> Any:  # type: ignore[override]  # as Nested names it
        schema = self.schema
        assert isinstance(schema, ModelSchema)
        if nested_obj is None:
            return None
        if isinstance(nested_obj, Model):
            return schema.dump(nested_obj)
        return [schema.dump(item) for item in nested_obj]

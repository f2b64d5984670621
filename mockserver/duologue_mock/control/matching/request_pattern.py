"""Request patterns: what a request must be for a stub to match it, or for a search to find it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from duologue_mock.control.matching.dumping import dump_pattern
from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.matching.matchers.request_matchers import ANY
from duologue_mock.control.matching.parts import Item, Part
from duologue_mock.control.matching.pattern_parsing import parse_parts
from duologue_mock.control.received import ReceivedRequest


@dataclass(frozen=True)
class RequestPattern:
    """What a request must be.

    Args:
        request_line: scheme, host, port, client address, URL and method, as far as the pattern names them.
        details: parameters, headers, cookies and body, which are looked at only where the others match.
        json: the pattern as it was given.
    """

    request_line: tuple[Part, ...]
    details: tuple[Part, ...]
    json: Mapping[str, Any] = field(compare=False, repr=False)

    @classmethod
    def parse(cls, json: Any, pointer: str = "/request") -> RequestPattern:
        """Return the pattern that WireMock's JSON describes; null and `{}` match every request.

        Args:
            json: the JSON.
            pointer: where it is (RFC 6901).

        Raises:
            ControlError: it is not a pattern, or one that is not supported; it names the place.
        """
        fields = {} if json is None else json
        request_line, details = parse_parts(fields, pointer)
        return cls(request_line, details, fields)

    def matches(self, request: ReceivedRequest, evaluation: Evaluation | None = None) -> bool:
        """Whether a request is as it must be.

        Args:
            request: the request.
            evaluation: what bounds the work; one for all patterns that are matched with the request.
        """
        evaluation = evaluation or Evaluation()
        # Thousands of patterns may be tried, and a generator costs more than a pattern that does not match.
        for item in self.items:  # noqa: SIM110
            if not item.matcher.matches(item.select(request, evaluation), evaluation):
                return False
        return True

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """Every value of a request that the pattern looks at."""
        return tuple(item for part in (*self.request_line, *self.details) for item in part.items)

    def dump(self) -> dict[str, Any]:
        """Return the pattern's JSON as WireMock shows it, with its default method. Parts of it are shared."""
        given = dump_pattern(self.json)
        if "basicAuth" in given:
            given["basicAuthCredentials"] = given.pop("basicAuth")
        return given if "operation" in given else {"method": ANY, **given}

    def describe(self) -> str:
        """Return what a request must be, for people: `GET, path equal to '/api/users'`."""
        return "; ".join(f"{item.label} {item.matcher.describe()}" for item in self.items) or "any request"

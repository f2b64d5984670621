"""Reading the parts of a request pattern from WireMock's JSON."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from duologue_mock.control.errors import ControlError, invalid
from duologue_mock.control.json_keys import find_nearest, join_pointer, read_object, show
from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.matching.java_regex.escapes import RegexSyntaxError
from duologue_mock.control.matching.matcher_parsing import parse_body_matcher, parse_value_matcher, parse_values_matcher
from duologue_mock.control.matching.matchers.multi_values import AnyValue, CookieValue
from duologue_mock.control.matching.matchers.path_template import PathTemplate, PathTemplateError
from duologue_mock.control.matching.matchers.regex_matchers import Matches
from duologue_mock.control.matching.matchers.request_matchers import (
    ANY,
    Exactly,
    MethodMatcher,
    OperationMatcher,
    find_operation,
)
from duologue_mock.control.matching.parts import Item, Part, PartMatcher
from duologue_mock.control.matching.value_matchers import BasicCredentials, EqualTo, ValueMatcher
from duologue_mock.control.received import ReceivedRequest

_URL_KEYS = ("url", "urlPattern", "urlPath", "urlPathPattern", "urlPathTemplate", "operation")
KEYS = (
    "method",
    *_URL_KEYS,
    "scheme",
    "host",
    "port",
    "clientIp",
    "pathParameters",
    "queryParameters",
    "headers",
    "cookies",
    "formParameters",
    "basicAuthCredentials",
    "basicAuth",
    "bodyPatterns",
)
"""Every key of a request pattern."""
_UNSUPPORTED = MappingProxyType(
    {
        "multipartPatterns": "Multipart bodies are not supported here: no operation of this API takes them.",
        "customMatcher": "Custom matchers are extensions of WireMock in Java and are not supported here.",
    }
)
_MAX_ENTRIES = 100
"""Headers, parameters or body patterns of one pattern."""

Select = Callable[[ReceivedRequest, Evaluation], Any]


def parse_parts(json: Any, pointer: str) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Return the parts of a pattern: those of the request line with scheme, host, port and client, and all others.

    Args:
        json: the JSON of the pattern.
        pointer: where it is (RFC 6901).

    Raises:
        ControlError: it is not a pattern, or not one that is supported.
    """
    fields = _Fields(read_object(json, pointer, KEYS, unsupported=_UNSUPPORTED), pointer)
    url = list(_parse_url(fields))
    method = _parse_method(fields, url)
    line = [
        Part(3, tuple(_parse_scheme(fields))),
        Part(10, tuple(_parse_text(fields, "host", lambda request, _: request.host))),
        Part(10, tuple(_parse_port(fields))),
        Part(3, tuple(_parse_text(fields, "clientIp", _get_client_ip))),
        Part(10, tuple(url)),
        Part(3, tuple(method)),
    ]
    details = [
        Part(1, tuple(items))
        for items in (
            _parse_path_parameters(fields, url),
            (*_parse_headers(fields), *_parse_credentials(fields)),
            _parse_values(fields, "queryParameters", "query parameter", lambda request: request.query),
            _parse_values(fields, "formParameters", "form parameter", lambda request: request.form),
            _parse_cookies(fields),
            _parse_body(fields),
        )
    ]
    return tuple(part for part in line if part.items), tuple(part for part in details if part.items)


class _Fields:
    """A pattern's object.

    Args:
        values: its values by key.
        pointer: where it is (RFC 6901).
    """

    def __init__(self, values: Mapping[str, Any], pointer: str) -> None:
        self.values = values
        self.pointer = pointer

    def get_pointer(self, key: str) -> str:
        """Return where a key is."""
        return join_pointer(self.pointer, key)

    def error(self, key: str, detail: str) -> ControlError:
        """Return the error of a key's value."""
        return invalid(self.get_pointer(key), detail)

    def read_text(self, key: str) -> str | None:
        """Return a text, or None if there is none."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, str):
            raise self.error(key, f"{key} is a text, not {show(value)}.")
        return value

    def iterate(self, key: str) -> Iterator[tuple[str, Any, str]]:
        """Yield name, matcher and pointer of what an object has by name; a null is as if it was not there."""
        value = self.values.get(key, {})
        if not isinstance(value, dict) or len(value) > _MAX_ENTRIES:
            raise self.error(key, f"{key} is an object of {_MAX_ENTRIES} matchers by name at most, not {show(value)}.")
        for name, matcher in value.items():
            if matcher is not None:
                yield name, matcher, join_pointer(self.get_pointer(key), name)


def _parse_url(fields: _Fields) -> Iterator[Item]:
    named = [key for key in _URL_KEYS if key in fields.values]
    if len(named) > 1:
        raise fields.error(
            named[1], f"A pattern has one of {', '.join(_URL_KEYS)}, not both {named[0]} and {named[1]}."
        )
    for key in named:
        text = fields.read_text(key)
        if key == "operation":
            yield Item("operation", OperationMatcher(find_operation(text, fields.get_pointer(key))), _get_request)
        elif text is not None:
            matcher = _build_url_matcher(fields, key, text)
            yield Item("url", matcher, _get_url) if key in ("url", "urlPattern") else Item("path", matcher, _get_path)


def _build_url_matcher(fields: _Fields, key: str, text: str) -> ValueMatcher:
    try:
        if key == "urlPathTemplate":
            return PathTemplate(text)
        return Matches(text) if key.endswith("Pattern") else EqualTo(text)
    except (RegexSyntaxError, PathTemplateError) as error:
        raise fields.error(key, str(error)) from None


def _parse_method(fields: _Fields, url: list[Item]) -> Iterator[Item]:
    method = fields.read_text("method") or ANY
    for item in url:
        if isinstance(item.matcher, OperationMatcher):
            expected = item.matcher.operation.method
            if method not in (ANY, expected):
                raise fields.error(
                    "method", f"{item.matcher.describe()} is never called by {show(method)}. Leave it out."
                )
            return
    if method != ANY:
        yield Item("method", MethodMatcher(method), lambda request, _: request.method)


def _parse_scheme(fields: _Fields) -> Iterator[Item]:
    scheme = fields.read_text("scheme")
    if scheme is not None:
        yield Item("scheme", Exactly(scheme), lambda request, _: request.scheme)


def _parse_port(fields: _Fields) -> Iterator[Item]:
    port = fields.values.get("port")
    if port is not None:
        if isinstance(port, bool) or not isinstance(port, int):
            raise fields.error("port", f"port is a number, not {show(port)}.")
        yield Item("port", Exactly(port), lambda request, _: request.port)


def _parse_text(fields: _Fields, key: str, select: Select) -> Iterator[Item]:
    value = fields.values.get(key)
    if value is not None:
        yield Item(key, parse_value_matcher(value, fields.get_pointer(key)), select)


def _parse_path_parameters(fields: _Fields, url: list[Item]) -> Iterator[Item]:
    for name, value, pointer in fields.iterate("pathParameters"):
        matcher = url[0].matcher if url else None
        if isinstance(matcher, PathTemplate):
            names, select = matcher.names, _select_path_parameter(matcher, name)
        elif isinstance(matcher, OperationMatcher):
            names, select = matcher.operation.parameters, _select_operation_argument(name)
        else:
            raise fields.error("pathParameters", "pathParameters need a urlPathTemplate or an operation.")
        if name not in names:
            nearest = find_nearest(name, names)
            hint = f"Did you mean {nearest!r}?" if nearest else f"It has {', '.join(names) or 'none'}."
            raise invalid(pointer, f"The path has no parameter {show(name)}. {hint}")
        yield Item(f"path parameter {name}", parse_value_matcher(value, pointer), select)


def _select_path_parameter(template: PathTemplate, name: str) -> Select:
    return lambda request, evaluation: template.parse(request.path, evaluation).get(name)


def _select_operation_argument(name: str) -> Select:
    return lambda request, _: request.operation_args.get(name)


def _parse_headers(fields: _Fields) -> Iterator[Item]:
    for name, value, pointer in fields.iterate("headers"):
        yield Item(f"header {name}", parse_values_matcher(value, pointer), _select_header(name))


def _select_header(name: str) -> Select:
    lowered = name.lower()
    return lambda request, _: request.headers.get(lowered)


def _parse_credentials(fields: _Fields) -> Iterator[Item]:
    if "basicAuth" in fields.values and "basicAuthCredentials" in fields.values:
        raise fields.error("basicAuth", "basicAuth and basicAuthCredentials are the same; give one of them.")
    for key in ("basicAuth", "basicAuthCredentials"):
        value = fields.values.get(key)
        if value is None:
            continue
        credentials = _Fields(
            read_object(value, fields.get_pointer(key), ("username", "password")), fields.get_pointer(key)
        )
        texts = [credentials.read_text(name) for name in ("username", "password")]
        if None in texts:
            raise fields.error(key, f"{key} has a username and a password.")
        encoded = base64.b64encode(":".join(map(str, texts)).encode()).decode()
        matcher: PartMatcher = AnyValue(BasicCredentials(encoded))
        yield Item("header Authorization", matcher, _select_header("authorization"))


def _parse_values(
    fields: _Fields, key: str, label: str, get: Callable[[ReceivedRequest], Mapping[str, list[str]]]
) -> Iterator[Item]:
    for name, value, pointer in fields.iterate(key):
        yield Item(f"{label} {name}", parse_values_matcher(value, pointer), _select_values(get, name))


def _select_values(get: Callable[[ReceivedRequest], Mapping[str, list[str]]], name: str) -> Select:
    return lambda request, _: get(request).get(name)


def _parse_cookies(fields: _Fields) -> Iterator[Item]:
    for name, value, pointer in fields.iterate("cookies"):
        matcher = CookieValue(parse_value_matcher(value, pointer))
        yield Item(f"cookie {name}", matcher, _select_values(lambda request: request.cookies, name))


def _parse_body(fields: _Fields) -> Iterator[Item]:
    value = fields.values.get("bodyPatterns", [])
    if not isinstance(value, list) or len(value) > _MAX_ENTRIES:
        raise fields.error("bodyPatterns", f"bodyPatterns is a list of {_MAX_ENTRIES} matchers at most.")
    for index, one in enumerate(value):
        matcher = parse_body_matcher(one, join_pointer(fields.get_pointer("bodyPatterns"), index))
        yield Item("body", matcher, _get_request)


def _get_request(request: ReceivedRequest, evaluation: Evaluation) -> ReceivedRequest:
    return request


def _get_url(request: ReceivedRequest, evaluation: Evaluation) -> str:
    """Return path and query string as they were sent; WireMock drops a `?` that ends them."""
    return request.url if request.query_string else request.path


def _get_path(request: ReceivedRequest, evaluation: Evaluation) -> str:
    return request.path


def _get_client_ip(request: ReceivedRequest, evaluation: Evaluation) -> str:
    """Return the client's address; WireMock believes `X-Forwarded-For`, and here nothing depends on it but this."""
    return request.get_header("x-forwarded-for") or request.client_ip

"""The errors: their classes, what they carry, and what they never show."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable

import pytest

import duologue
from duologue import (
    APIError,
    ApiErrorType,
    AuthenticationError,
    BadRequestError,
    Client,
    ClientClosedError,
    ConflictError,
    ConnectError,
    HTTPStatusError,
    NetworkError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionFailedError,
    RateLimitError,
    RequestTimeout,
    ServerError,
    UnprocessableEntityError,
    errors,
    handle_api_error,
)
from tests.client.fakes import FakeTransport, reply

Talk = Callable[..., tuple[Client, FakeTransport]]

BODY = {
    "message": "Validation failed",
    "code": "VALIDATION_ERROR",
    "details": {"message": "email: Not a valid email address.", "fields": {"email": ["Not a valid email address."]}},
    "errors": ["email: Not a valid email address."],
    "metadata": {"timestamp": "2024-01-01T00:00:00.000Z", "requestId": "urc-1", "version": "1"},
}


def get_error(talk: Talk, status: int, body: object = None, **headers: str) -> APIError:
    api, _ = talk(reply(status, body, headers), max_retries=0)
    with pytest.raises(APIError) as caught:
        api.users.get("7")
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind", "type", "message"),
    [
        (400, BadRequestError, ApiErrorType.VALIDATION_ERROR, "Validation failed"),
        (401, AuthenticationError, ApiErrorType.AUTHENTICATION_ERROR, "Authentication required"),
        (403, PermissionDeniedError, ApiErrorType.AUTHORIZATION_ERROR, "Access denied"),
        (404, NotFoundError, ApiErrorType.NOT_FOUND_ERROR, "Resource not found"),
        (405, HTTPStatusError, ApiErrorType.METHOD_NOT_ALLOWED, "API request failed"),
        (408, RequestTimeout, ApiErrorType.TIMEOUT_ERROR, "Request timeout"),
        (409, ConflictError, ApiErrorType.CONFLICT_ERROR, "API request failed"),
        (412, PreconditionFailedError, ApiErrorType.PRECONDITION_FAILED, "API request failed"),
        (418, HTTPStatusError, ApiErrorType.VALIDATION_ERROR, "API request failed"),
        (422, UnprocessableEntityError, ApiErrorType.IDEMPOTENCY_KEY_REUSED, "API request failed"),
        (429, RateLimitError, ApiErrorType.RATE_LIMIT_ERROR, "API request failed"),
        (500, ServerError, ApiErrorType.SERVER_ERROR, "Internal server error"),
        (503, ServerError, ApiErrorType.SERVER_ERROR, "Internal server error"),
    ],
)
def test_class_of_status(talk: Talk, status: int, kind: type[APIError], type: ApiErrorType, message: str) -> None:
    error = get_error(talk, status)
    assert error.__class__ is kind
    assert error.type is type
    assert error.status == error.status_code == status
    assert error.message == message


def test_attributes(talk: Talk) -> None:
    error = get_error(talk, 400, BODY, **{"X-Request-Id": "urc-1"})
    assert error.message == "Validation failed"
    assert error.code == "VALIDATION_ERROR"
    assert error.details["fields"] == {"email": ["Not a valid email address."]}
    assert error.errors == ("email: Not a valid email address.",)
    assert error.data == BODY
    assert error.request_id == "urc-1"
    assert (error.method, error.path) == ("GET", "/users/7")
    assert str(error) == "Validation failed: email: Not a valid email address. (400, GET /users/7, request urc-1)"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"name": ["Blank.", "Too short."]}, "No: name: Blank. Too short."),
        ({"a": ["1"], "b": ["2"], "c": ["3"]}, "No: a: 1; b: 2; c: 3"),
        ({"a": ["1"], "b": ["2"], "c": ["3"], "d": ["4"], "e": ["5"]}, "No: a: 1; b: 2; c: 3; and 2 more"),
        ({"users": {"0": {"email": ["Not valid."]}}}, "No: users.0.email: Not valid."),
        ({}, "No"),
        ({"a": "odd"}, "No"),
        (["odd"], "No"),
        ({"a": ["one\nINFO two"]}, "No: a: one\\nINFO two"),
    ],
)
def test_str_names_fields(fields: object, text: str) -> None:
    """`str(error)` names the first three invalid fields, on one line."""
    assert str(APIError("No", details={"fields": fields})) == text


def test_str_repeats_nothing() -> None:
    """What the message says already is not said again."""
    details = {"fields": {"email": ["Taken."]}, "reason": "Connection refused"}
    assert str(APIError("email: Taken.", details=details)) == "email: Taken.: Connection refused"
    assert str(APIError("Connection refused", details={"reason": "Connection refused"})) == "Connection refused"


def test_message_of_server(talk: Talk) -> None:
    assert get_error(talk, 404, {"message": "User not found"}).message == "User not found"
    assert get_error(talk, 500, {"message": "Disk full"}).message == "Disk full"


@pytest.mark.parametrize(
    "body", [["a"], "text", 7, {"message": 7, "code": [], "details": "x", "errors": "y"}, {"errors": [1, "two"]}]
)
def test_odd_body(talk: Talk, body: object) -> None:
    error = get_error(talk, 404, body)
    assert isinstance(error, NotFoundError)
    assert error.message == "Resource not found"
    assert error.data == body


def test_page_of_proxy(talk: Talk) -> None:
    api, _ = talk(lambda _: duologue.Response(502, {}, b"<h1>Bad gateway</h1>"), max_retries=0)
    with pytest.raises(ServerError) as caught:
        api.users.get("1")
    assert caught.value.data == "<h1>Bad gateway</h1>"


def test_request_id(talk: Talk) -> None:
    api, net = talk(ConnectError(), max_retries=0)
    with pytest.raises(ConnectError) as caught:
        api.users.get("1")
    assert caught.value.request_id == net.last.headers["Unique-Reference-Code"]


def test_status_without_response() -> None:
    assert (NetworkError().status, NetworkError().message) == (0, "Network connection failed")
    assert (RequestTimeout().status, RequestTimeout().message) == (408, "Request timeout")
    assert RequestTimeout().type is ApiErrorType.TIMEOUT_ERROR


@pytest.mark.parametrize(
    ("error", "network", "client", "server", "retryable"),
    [
        (ConnectError(), True, False, False, True),
        (RequestTimeout(), False, True, False, True),
        (NotFoundError(status=404), False, True, False, False),
        (RateLimitError(status=429), False, True, False, True),
        (ServerError(status=500), False, False, True, True),
        (ClientClosedError(), False, False, False, False),
    ],
)
def test_predicates(error: APIError, network: bool, client: bool, server: bool, retryable: bool) -> None:
    predicates = (error.is_network_error(), error.is_client_error(), error.is_server_error(), error.is_retryable())
    assert predicates == (network, client, server, retryable)


@pytest.mark.parametrize(
    ("type", "text"),
    [
        (ApiErrorType.NETWORK_ERROR, "Please check your internet connection and try again."),
        (ApiErrorType.VALIDATION_ERROR, "Please check your input and try again."),
        (ApiErrorType.AUTHENTICATION_ERROR, "Please log in to continue."),
        (ApiErrorType.AUTHORIZATION_ERROR, "You do not have permission to perform this action."),
        (ApiErrorType.NOT_FOUND_ERROR, "The requested resource was not found."),
        (ApiErrorType.TIMEOUT_ERROR, "The request took too long. Please try again."),
        (ApiErrorType.SERVER_ERROR, "A server error occurred. Please try again later."),
        (ApiErrorType.UNKNOWN_ERROR, "An unexpected error occurred. Please try again."),
    ],
)
def test_user_message(type: ApiErrorType, text: str) -> None:
    assert APIError(type=type).user_message == text


def test_user_message_of_validation(talk: Talk) -> None:
    assert get_error(talk, 400, BODY).user_message == "email: Not a valid email address."
    assert APIError(type=ApiErrorType.NOT_FOUND_ERROR, details={"message": "x"}).user_message != "x"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (APIError(status=401), "Please log in again"),
        (APIError(status=403), "You do not have permission to perform this action"),
        (APIError(status=404), "The requested resource was not found"),
        (APIError(status=409), "This action conflicts with the current state"),
        (APIError(status=429), "Too many requests. Please wait a moment and try again"),
        (APIError(status=500), "Server error. Please try again later"),
        (APIError(status=502), "Server error. Please try again later"),
        (APIError(status=503), "Server error. Please try again later"),
        (APIError("Title is blank", status=400), "Title is blank"),
        (NetworkError(), "Network connection failed"),
        (KeyError("x"), "'x'"),
        ("not an error", "An unknown error occurred"),
    ],
)
def test_handle_api_error(error: object, text: str) -> None:
    assert handle_api_error(error) == text


def test_handle_api_error_logs(caplog: pytest.LogCaptureFixture) -> None:
    handle_api_error(NotFoundError("No such chat", status=404), "sidebar")
    assert caplog.messages == ["API error in sidebar: No such chat (404)"]


def all_classes() -> list[type[APIError]]:
    classes, waiting = [], [APIError]
    while waiting:
        kind = waiting.pop()
        classes.append(kind)
        waiting += kind.__subclasses__()
    return sorted(set(classes), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", all_classes())
def test_pickle_and_copy(kind: type[APIError]) -> None:
    error = kind("It broke", status=499, code="C", details={"a": 1}, errors=["e"], data={"b": [2]}, retry_after=3.5)
    error.request_id, error.method, error.path, error.elapsed = "r", "GET", "/x", 1.5
    error.attempts = (duologue.Attempt(1, "499", 0.5, 0.0),)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is kind
        assert again.__dict__ == error.__dict__
        assert again.args == error.args
        assert str(again) == str(error)


@pytest.mark.parametrize("kind", all_classes())
def test_public_and_in_tree(kind: type[APIError]) -> None:
    assert kind.__name__ in duologue.__all__
    assert kind.__name__ in sys.modules[kind.__module__].__dict__
    assert kind.__module__ == "duologue.errors"
    assert errors.__doc__ is not None
    assert kind.__name__ in errors.__doc__


def test_api_exception() -> None:
    assert duologue.ApiException is APIError


def test_control_characters(talk: Talk) -> None:
    error = get_error(talk, 404, {"message": "gone\r\nINFO all is well \x1b[31m" + "x" * 10_000})
    assert "\n" not in str(error)
    assert "\x1b" not in str(error)
    assert len(str(error)) < 700


def test_no_secrets(talk: Talk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "duologue")
    api, _ = talk(reply(401, BODY), access_token="secret-token", api_key="secret-key", max_retries=0)
    shown = [repr(api), repr(api.config), str(api.config)]
    for call in (
        lambda: api.users.get("1"),
        lambda: api.users.create(name="a", email="a@example.com", password="secret-password"),
        lambda: api.auth.login(email="a@example.com", password="secret-password"),
        lambda: api.chats.get("1"),
    ):
        with pytest.raises(APIError) as caught:
            call()
        shown += [repr(caught.value), str(caught.value), repr(caught.value.__dict__)]
    shown += caplog.messages
    assert len(shown) > 10
    assert "secret-" not in "\n".join(shown)

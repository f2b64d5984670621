"""Who makes a request, and who may: the credentials of both services."""

from __future__ import annotations

from typing import Any

import pytest

from duologue.contract import CHAT, Operation, operations
from duologue.contract.core import Access
from duologue_mock import Settings
from duologue_mock.handler_registry import Principal
from duologue_mock.http.authentication import Authenticator, authorize
from duologue_mock.store import State
from duologue_mock.tokens import TokenService
from tests.mockserver.clocks import ManualClock
from tests.mockserver.http_errors import raises_http_error
from tests.mockserver.requests import build_request, get_operation

IDENTIFIED = {"x_api_key": "dev-api-key", "unique_reference_code": "ref-1", "x_user_id": "ann"}
GET = get_operation("users.GET")
CHATS = get_operation("chats.LIST")


@pytest.fixture
def authenticator(state: State, token_service: TokenService) -> Authenticator:
    return Authenticator(Settings(api_keys=("dev-api-key", "second key")), state, token_service)


def issue_token(state: State, token_service: TokenService, user_id: str = "2") -> str:
    user = state.users.get(user_id)
    assert user is not None
    return token_service.issue(state, user).token


def identify(authenticator: Authenticator, one: Operation[Any], headers: dict[str, str]) -> Principal:
    return authenticator.identify(one, build_request(one.method, one.route, **headers))  # type: ignore[arg-type]  # texts all


# --- the chat service


@pytest.mark.parametrize("key", ["dev-api-key", "second key"])
def test_chat_principal(authenticator: Authenticator, key: str) -> None:
    principal = identify(authenticator, CHATS, {**IDENTIFIED, "x_api_key": key})
    assert principal == Principal(key=f"{key}\x00ann", user_id="ann")


def test_reference_code_is_request_id(authenticator: Authenticator) -> None:
    sent = build_request("GET", CHATS.route, **IDENTIFIED)  # type: ignore[arg-type]  # texts all
    authenticator.identify(CHATS, sent)
    assert sent.id == "ref-1"


@pytest.mark.parametrize("key", [None, "", " ", "wrong", "dev-api-key ", "DEV-API-KEY", "dev-api-key,dev-api-key", "ü"])
@pytest.mark.parametrize("id", ["chats.LIST", "health.CHATS"])
def test_invalid_api_key(authenticator: Authenticator, id: str, key: str | None) -> None:
    headers = {name: value for name, value in IDENTIFIED.items() if name != "x_api_key"}
    if key is not None:
        headers["x_api_key"] = key
    if id == "health.CHATS" and key is None:
        assert identify(authenticator, get_operation(id), headers).user_id == "", "health identifies no caller"
        return
    with raises_http_error(401) as caught:
        identify(authenticator, get_operation(id), headers)
    error = caught.value
    assert error.message == ("Invalid API key" if (key or "").strip() else "API key required")
    assert "`x-api-key`" in str(error.hint)
    assert dict(error.headers)["WWW-Authenticate"].startswith("ApiKey ")


@pytest.mark.parametrize("name", ["unique_reference_code", "x_user_id"])
@pytest.mark.parametrize("value", [None, "", "  ", "x" * 256, "a\x1bb", "ü", "a\tb"])
def test_invalid_header(authenticator: Authenticator, name: str, value: str | None) -> None:
    """The error names the header."""
    headers = {other: sent for other, sent in IDENTIFIED.items() if other != name or value is not None}
    if value is not None:
        headers[name] = value
    spelled = {"unique_reference_code": "Unique-Reference-Code", "x_user_id": "x-user-id"}[name]
    with raises_http_error(400) as caught:
        identify(authenticator, CHATS, headers)
    required = not (value or "").strip()
    assert caught.value.message == f"Header {spelled} is {'required' if required else 'invalid'}"
    reason = (
        "This header is required and must not be blank."
        if required
        else "Must be at most 255 printable ASCII characters."
    )
    assert caught.value.fields == {spelled: [reason]}


@pytest.mark.parametrize("value", ["x" * 255, "a b", "~!"])
def test_valid_header(authenticator: Authenticator, value: str) -> None:
    headers = {**IDENTIFIED, "unique_reference_code": value, "x_user_id": value}
    assert identify(authenticator, CHATS, headers).user_id == value


def test_api_key_comes_first(authenticator: Authenticator) -> None:
    """A call with an invalid key and no other header is 401, not 400."""
    with raises_http_error(401):
        identify(authenticator, CHATS, {})


@pytest.mark.parametrize("one", [one for one in operations() if one.service is CHAT], ids=lambda one: one.id)
def test_chat_health_alone_is_public(authenticator: Authenticator, one: Operation[Any]) -> None:
    if one.access is Access.PUBLIC:
        assert identify(authenticator, one, {}) == Principal(key="127.0.0.1")
    else:
        with raises_http_error(401):
            identify(authenticator, one, {})


def test_chat_ignores_tokens(authenticator: Authenticator, state: State, token_service: TokenService) -> None:
    with raises_http_error(401):
        identify(authenticator, CHATS, {"authorization": f"Bearer {issue_token(state, token_service)}"})


@pytest.mark.parametrize(
    ("key", "known"), [("dev-api-key", True), ("second key", True), ("dev", False), ("", False), ("\ud800", False)]
)
def test_knows_key(authenticator: Authenticator, key: str, known: bool) -> None:
    """A Socket.IO client's key is JSON, and may be any text."""
    assert authenticator.knows_key(key) == known


# --- the platform


@pytest.mark.parametrize("id", ["users.GET", "auth.LOGIN", "health.CHATS"])
@pytest.mark.parametrize(
    ("address", "key"),
    [
        *(("127.0.0.1", "127.0.0.1"), ("::1", "127.0.0.1"), ("::ffff:127.0.0.1", "127.0.0.1")),
        *(("192.168.0.5", "192.168.0.5"), ("::2", "::2"), (None, "")),
    ],
)
def test_anonymous_principal(authenticator: Authenticator, id: str, address: str | None, key: str) -> None:
    """It is known by its address. This machine has one: the same program may come over IPv4 or IPv6."""
    one = get_operation(id)
    sent = build_request(one.method, one.route)
    sent.environ["REMOTE_ADDR"] = address
    if address is None:
        del sent.environ["REMOTE_ADDR"]
    assert authenticator.identify(one, sent) == Principal(key=key)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_valid_token(authenticator: Authenticator, state: State, token_service: TokenService, scheme: str) -> None:
    principal = identify(authenticator, GET, {"authorization": f"{scheme} {issue_token(state, token_service)}"})
    assert principal.user == state.users.get("2")
    assert principal.key == "user:2"
    assert state.logins.is_active(principal.login_id or "")


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Token x", "x", "Bearer x y", "Bearer null"]
)
def test_invalid_token(authenticator: Authenticator, value: str) -> None:
    """Even where no token is required. The challenge names an error where a token was sent (RFC 6750, section 3.1)."""
    with raises_http_error(401) as caught:
        identify(authenticator, GET, {"authorization": value})
    assert caught.value.message == "Invalid token"
    assert caught.value.hint
    challenge = dict(caught.value.headers)["WWW-Authenticate"]
    assert ('error="invalid_token"' in challenge) == value.startswith("Bearer")


def test_spaces_around_token(authenticator: Authenticator, state: State, token_service: TokenService) -> None:
    principal = identify(authenticator, GET, {"authorization": f"Bearer   {issue_token(state, token_service)} "})
    assert principal.user == state.users.get("2")


def test_verify_token(authenticator: Authenticator, state: State, token_service: TokenService) -> None:
    token = issue_token(state, token_service)
    identity = authenticator.verify_token(token)
    assert identity.user == state.users.get("2")
    state.logins.end(identity.login_id)
    with raises_http_error(401):
        authenticator.verify_token(token)


def test_logout_again(authenticator: Authenticator, state: State, token_service: TokenService) -> None:
    """A logout whose response was lost is repeated with the token that it has revoked."""
    token = issue_token(state, token_service)
    login_id = authenticator.verify_token(token).login_id
    state.logins.end(login_id)
    headers = {"authorization": f"Bearer {token}"}
    assert identify(authenticator, get_operation("auth.LOGOUT"), headers).login_id == login_id
    with raises_http_error(401):
        identify(authenticator, get_operation("auth.ME"), headers)


def test_expired_token(
    authenticator: Authenticator, state: State, token_service: TokenService, clock: ManualClock
) -> None:
    stale, revoked = issue_token(state, token_service), issue_token(state, token_service)
    state.logins.end(token_service.verify(state, revoked).login_id)
    with raises_http_error(401):
        identify(authenticator, GET, {"authorization": f"Bearer {revoked}"})
    clock.advance(3600)
    with raises_http_error(401):
        identify(authenticator, GET, {"authorization": f"Bearer {stale}"})


@pytest.mark.parametrize("id", ["auth.LOGIN", "auth.REFRESH", "health.PLATFORM"])
def test_public_ignores_tokens(authenticator: Authenticator, id: str) -> None:
    """Or a stale token would keep its owner from logging in."""
    assert identify(authenticator, get_operation(id), {"authorization": "Bearer nonsense"}) == Principal(
        key="127.0.0.1"
    )


@pytest.mark.parametrize("id", ["auth.ME", "auth.LOGOUT"])
def test_token_required(authenticator: Authenticator, id: str) -> None:
    """Operations for identified callers alone refuse anonymous ones."""
    with raises_http_error(401) as caught:
        identify(authenticator, get_operation(id), {})
    assert caught.value.message == "Authentication required"
    assert "POST /api/auth/login" in str(caught.value.hint)
    assert caught.value.headers == [("WWW-Authenticate", 'Bearer realm="platform"')]


@pytest.mark.parametrize("one", [one for one in operations() if one.service is not CHAT], ids=lambda one: one.id)
def test_require_auth(state: State, token_service: TokenService, one: Operation[Any]) -> None:
    authenticator = Authenticator(Settings(require_auth=True), state, token_service)
    if one.access is Access.PUBLIC:
        assert identify(authenticator, one, {}).user is None
    else:
        with raises_http_error(401):
            identify(authenticator, one, {})
    assert (
        identify(authenticator, GET, {"authorization": f"Bearer {issue_token(state, token_service)}"}).user is not None
    )


# --- what a known caller may do


@pytest.mark.parametrize("who", ["anonymous", "admin", "jane"])
@pytest.mark.parametrize("target", ["1", "2", "unknown"])
@pytest.mark.parametrize("one", [one for one in operations() if one.service is not CHAT], ids=lambda one: one.id)
def test_authorize(one: Operation[Any], who: str, target: str, request: pytest.FixtureRequest) -> None:
    principal: Principal = request.getfixturevalue(who)
    args = dict.fromkeys(one.parameters, target)
    allowed = (
        who != "jane"
        or one.access not in (Access.ADMIN, Access.SELF_OR_ADMIN)
        or (one.access is Access.SELF_OR_ADMIN and target == "2")
    )
    if allowed:
        authorize(one, principal, args)
    else:
        with raises_http_error(403) as caught:
            authorize(one, principal, args)
        assert caught.value.message == "You may not do this"
        assert "administrator" in str(caught.value.hint)


def test_admin_operations() -> None:
    by_access = {access: {one.id for one in operations() if one.access is access} for access in Access}
    assert by_access[Access.ADMIN] == {"users.CREATE", "users.DELETE"}
    assert by_access[Access.SELF_OR_ADMIN] == {"users.UPDATE"}
    assert by_access[Access.AUTHENTICATED] == {"auth.LOGOUT", "auth.ME"}

"""Access tokens: which are accepted, and by which operations."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from duologue.conformance import sources
from duologue.conformance.resources.json_web_token import decode_part, encode_part, read_claims
from duologue.conformance.rules import rule
from duologue.conformance.target.examples import each, log_in, prepare_request
from duologue.conformance.target.responses import check_error
from duologue.conformance.target.server import Server
from duologue.contract import Operation, auth, health, users

CHECKED: list[Operation[Any]] = [
    *(users.LIST, users.CREATE, users.GET, users.UPDATE, users.DELETE),
    *(auth.LOGOUT, auth.ME),
]
"""The platform's operations that look at a token."""


Forger = Callable[[str], str]


@rule(
    "auth.token-invalid",
    "Every operation that looks at a token refuses a malformed one with 401.",
    source=sources.AUTHENTICATION,
    needs=["admin"],
    quick=True,
)
@each(*CHECKED, statuses=[401])
def test_bad_token(server: Server, operation: Operation[Any]) -> None:
    request = prepare_request(server, operation)

    check_error(request.with_headers(Authorization="Bearer garbage").send(), 401)


def _remove_signature(token: str) -> str:
    return f"{encode_part({'alg': 'none', 'typ': 'JWT'})}.{token.split('.')[1]}."


def _use_no_algorithm(token: str) -> str:
    _, claims, signature = token.split(".")
    return f"{encode_part({'alg': 'nOnE', 'typ': 'JWT'})}.{claims}.{signature}"


def _forge_claims(**claims: Any) -> Forger:
    def forge(token: str) -> str:
        header, payload, signature = token.split(".")
        return f"{header}.{encode_part({**decode_part(payload), **claims})}.{signature}"

    return forge


def _sign_again(token: str) -> str:
    head, _, signature = token.rpartition(".")
    return f"{head}.{signature[:4][::-1]}{'A' if signature[4] != 'A' else 'B'}{signature[5:]}"


def _truncate(token: str) -> str:
    return token.rpartition(".")[0] + "."


@rule(
    "auth.required",
    "Where authentication is required, a missing token is 401 on every operation that looks at one.",
    source=sources.AUTHENTICATION,
    needs=["admin", "closed"],
    quick=True,
)
@each(*CHECKED)
def test_required_token(server: Server, operation: Operation[Any]) -> None:
    check_error(prepare_request(server, operation).send(headers={"Authorization": None}), 401)


FORGERIES = {
    "alg none": _remove_signature,
    "alg none, signature kept": _use_no_algorithm,
    "another user": _forge_claims(sub="1"),
    "administrator": _forge_claims(role="admin"),
    "forever": _forge_claims(exp=4_102_444_800),
    "signature changed": _sign_again,
    "signature missing": _truncate,
}


@rule(
    "auth.token-forged",
    "A token that was changed, or has no signature, is 401, while the genuine one is accepted.",
    source=sources.AUTHENTICATION,
    needs=["admin"],
    quick=True,
)
@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_forged_token(server: Server, forge: Forger) -> None:
    token = log_in(server)["token"]

    check_error(server.platform.with_token(forge(token)).get("/auth/me"), 401)
    check_error(server.platform.with_token(forge(token)).get("/users"), 401)
    assert server.platform.with_token(token).get("/auth/me").status_code == 200


@rule(
    "auth.scheme-unknown",
    "Authorization that is not a bearer token is 401.",
    source=sources.AUTHENTICATION,
    needs=["admin"],
)
@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Basic am9objpwYXNzd29yZA==", "{token}", "Token {token}", ""])
def test_other_authorization(server: Server, value: str) -> None:
    sent = value.replace("{token}", log_in(server)["token"])

    check_error(server.platform.get("/auth/me", headers={"Authorization": sent}), 401)


@rule(
    "auth.scheme-case",
    "The case of the word Bearer does not matter.",
    source=sources.AUTHENTICATION,
    needs=["admin"],
)
def test_scheme_ignores_case(server: Server) -> None:
    token = log_in(server)["token"]

    assert server.platform.get("/auth/me", headers={"Authorization": f"bearer {token}"}).status_code == 200


@rule(
    "auth.token-ignored",
    "Logging in, refreshing and health ignore the access token.",
    source=sources.AUTHENTICATION,
    needs=["admin"],
)
@each(auth.LOGIN, auth.REFRESH, health.PLATFORM)
def test_login_with_bad_token(server: Server, operation: Operation[Any]) -> None:
    assert (
        prepare_request(server, operation).with_headers(Authorization="Bearer garbage").send().status_code
        == operation.status
    )


@rule(
    "auth.LOGIN.signed-jwt",
    "An access token is a signed JWT whose subject is the user and whose expiry is as far away as expiresIn says.",
    source=sources.AUTHENTICATION,
    needs=["admin"],
)
def test_token_is_signed_jwt(server: Server) -> None:
    login = log_in(server)

    header, _, signature = login["token"].split(".")
    claims = read_claims(login["token"])

    assert decode_part(header)["alg"] != "none"
    assert signature
    assert claims["sub"] == login["user"]["id"]
    assert abs(claims["exp"] - (time.time() + login["expiresIn"])) < 60

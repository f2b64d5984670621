"""Logging in to the platform, refreshing the tokens, and logging out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from marshmallow import Schema, ValidationError, fields, validate

from duologue.contract.core import Access, Model, ModelSchema, Operation
from duologue.contract.fields import EmailAddress, NestedModel, StrictInteger
from duologue.contract.users import User, UserSchema

_TOKEN_RULE = validate.Length(min=1, max=4096)
_LIFETIME_RULE = validate.Range(min=1, max=10_000_000_000)  # three centuries: some servers never let tokens expire


_ISSUED_TOKEN = re.compile(r"[!-~]{1,16384}")


def _check_issued_token(token: str) -> None:
    """Raise if a token is not one that an `Authorization` header can carry (RFC 6750, section 2.1, is stricter)."""
    if not _ISSUED_TOKEN.fullmatch(token):
        raise ValidationError("Not valid: it must be 1 to 16,384 visible ASCII characters without spaces.")


@dataclass(frozen=True, slots=True)
class Credentials(Model):
    """An e-mail address and its password."""

    email: str
    password: str = field(repr=False)


class CredentialsSchema(ModelSchema[Credentials]):
    """Body of `POST /auth/login`."""

    model = Credentials
    email = EmailAddress(required=True)
    password = fields.String(required=True, validate=validate.Length(min=1, max=200))


@dataclass(frozen=True, slots=True)
class RefreshRequest(Model):
    """The refresh token to spend."""

    refresh_token: str = field(repr=False)


class RefreshRequestSchema(ModelSchema[RefreshRequest]):
    """Body of `POST /auth/refresh`."""

    model = RefreshRequest
    refresh_token = fields.String(required=True, validate=_TOKEN_RULE, data_key="refreshToken")


@dataclass(frozen=True, slots=True)
class Tokens(Model):
    """An access token, the refresh token for the next one, and the seconds until the access token expires."""

    token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int


class _TokenFields(Schema):
    token = fields.String(required=True, validate=_check_issued_token)
    refresh_token = fields.String(required=True, validate=_check_issued_token, data_key="refreshToken")
    expires_in = StrictInteger(required=True, validate=_LIFETIME_RULE, data_key="expiresIn")


class TokensSchema(_TokenFields, ModelSchema[Tokens]):
    """Response of `POST /auth/refresh`."""

    model = Tokens


@dataclass(frozen=True, slots=True)
class Login(Model):
    """The user who logged in, and the tokens."""

    user: User
    token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int

    @property
    def tokens(self) -> Tokens:
        """The tokens alone, as a refresh would return them."""
        return Tokens(token=self.token, refresh_token=self.refresh_token, expires_in=self.expires_in)


class LoginSchema(_TokenFields, ModelSchema[Login]):
    """Response of `POST /auth/login`."""

    model = Login
    user = NestedModel(UserSchema, required=True)


LOGIN = Operation(
    "POST",
    "/auth/login",
    body=CredentialsSchema,
    response=LoginSchema,
    errors=[401],
    access=Access.PUBLIC,
    summary="Log in with e-mail and password.",
)
REFRESH = Operation(
    "POST",
    "/auth/refresh",
    body=RefreshRequestSchema,
    response=TokensSchema,
    errors=[401],
    access=Access.PUBLIC,
    summary="Spend a refresh token for new tokens; spending one twice ends the login.",
)
LOGOUT: Operation[None] = Operation(
    "POST", "/auth/logout", status=204, access=Access.AUTHENTICATED, summary="End the login: its tokens are revoked."
)
ME = Operation(
    "GET", "/auth/me", response=UserSchema, access=Access.AUTHENTICATED, summary="Get the user who is logged in."
)

"""Logging in and out of the platform."""

from __future__ import annotations

from collections.abc import Callable

from duologue.auth.authorization import require_role
from duologue.auth.token_storage import StoredTokens
from duologue.auth.tokens import AuthEvent, AuthEventName
from duologue.contract import auth
from duologue.contract.auth import Credentials, Login
from duologue.contract.users import Role, User
from duologue.errors import AuthenticationError
from duologue.http.api_requestor import APIRequestor
from duologue.resources.raw_response import RawMethod, RawMethods
from duologue.resources.resource import Resource


class Auth(Resource):
    """`api.auth`: log in, log out, and get the user who is logged in.

    After `login` every call to the platform carries the access token. It is refreshed shortly before it expires
    (`defaults.REFRESH_LEEWAY`), and when the platform refuses it: once for all threads whose calls were refused, and
    each of these calls is then repeated. Calls to `/auth/*` never refresh it.
    """

    def __init__(self, requestor: APIRequestor) -> None:
        super().__init__(requestor)
        self._user: tuple[str, User] | None = None
        """The user of a login, and the name of that login."""

    def login(self, *, email: str, password: str) -> Login:
        """Log in with an e-mail address and its password, and store the tokens.

        Raises:
            AuthenticationError: the address or the password is wrong.
        """
        credentials = Credentials(email, password)
        del password  # some tools show the variables of a traceback
        login = self._request(auth.LOGIN, credentials)
        tokens = StoredTokens.from_response(login.tokens, self._requestor.clock.now())
        self._user = (_get_login_name(tokens), login.user)
        self._requestor.tokens.set(tokens, login.user)
        return login

    def refresh(self) -> StoredTokens:
        """Exchange the refresh token for new tokens, store them and return them.

        Raises:
            AuthenticationError: there is no refresh token, or it was refused, which ends the login.
        """
        tokens = self._requestor.refresh_tokens()
        if tokens is None:
            raise AuthenticationError("Not logged in, or the login has ended")
        return tokens

    def logout(self) -> None:
        """End the login: the tokens are deleted here at once, and then revoked by the platform.

        They are deleted whatever the platform answers. A login that another thread makes meanwhile is not ended.

        Raises:
            AuthenticationError: the login had ended already, or there was none.
        """
        tokens = self._requestor.tokens.clear()
        self._user = None
        self._requestor.request(auth.LOGOUT, token=tokens.token if tokens else None)

    def me(self) -> User:
        """Request the user who is logged in.

        Raises:
            AuthenticationError: not logged in, or the login has ended.
        """
        tokens = self._requestor.tokens.current
        user = self._request(auth.ME)
        if tokens is not None:
            self._user = (_get_login_name(tokens), user)
        return user

    @property
    def logged_in(self) -> bool:
        """Whether there is an access token; only the platform knows whether it is still valid."""
        return self._requestor.tokens.token is not None

    @property
    def current_user(self) -> User | None:
        """The user who is logged in, None without a login: as the login returned it, or requested once per login.

        `me()` requests it again. A token that is about to expire, or that the platform refuses, is refreshed first.

        Raises:
            AuthenticationError: there is a token, but it is no longer valid.
        """
        tokens, user = self._requestor.tokens.current, self._user
        if tokens is None:
            return None
        if user is not None and user[0] == _get_login_name(tokens):
            return user[1]
        return self._request_user()

    def require_role(self, role: Role | None = None) -> User:
        """Return the user who is logged in, if they have a role; `duologue.protected` is the decorator.

        Args:
            role: the role the user must have; None for any.

        Raises:
            AuthenticationError: not logged in, or the login has ended.
            PermissionDeniedError: the user has another role.
        """
        return require_role(self, role)

    def on(self, event: AuthEventName, callback: Callable[[AuthEvent], object]) -> None:
        """Call a function when the login changes, on the thread that changed it.

        Args:
            event: `logged_in`, `refreshed` or `logged_out`.
            callback: called with an `AuthEvent`; it may call this client. An exception in it is logged.

        Raises:
            ValueError: there is no such event.
        """
        self._requestor.tokens.events.on(event, callback)

    def off(self, event: AuthEventName, callback: Callable[[AuthEvent], object]) -> None:
        """Stop calling a function.

        Raises:
            ValueError: there is no such event.
        """
        self._requestor.tokens.events.off(event, callback)

    def _request_user(self) -> User:
        """Request the user with a token that was refreshed if needed: a call to `/auth/me` refreshes none itself."""
        self._requestor.get_valid_token()
        tokens = self._requestor.tokens.current
        try:
            return self.me()
        except AuthenticationError:
            if self._requestor.refresh_tokens(tokens.token if tokens else None) is None:
                raise
            return self.me()

    @property
    def with_raw_response(self) -> AuthWithRawResponse:
        """The same methods, returning the HTTP response besides the result: status, headers, body and attempts."""
        return AuthWithRawResponse(self)


class AuthWithRawResponse(RawMethods[Auth]):
    """`api.auth.with_raw_response`: the methods of `Auth`, each returning a `RawResponse` of its result."""

    login = RawMethod(Auth.login)
    logout = RawMethod(Auth.logout)
    me = RawMethod(Auth.me)


def _get_login_name(tokens: StoredTokens) -> str:
    """Return what stays the same over the refreshes of a login; without it, each token counts as a login."""
    return tokens.login or tokens.token

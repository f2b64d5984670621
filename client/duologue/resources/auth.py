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
from duologue.resources import Resource


class Auth(Resource):
    """`api.auth`: log in, stay logged in, log out, and tell who is logged in.

    After `login` every call to the platform carries the token. It is renewed shortly before it ends
    (`defaults.REFRESH_LEEWAY`), and when the platform refuses it: once, however many threads are refused, and each call
    is made again. Calls to `/auth/*` never do that.
    """

    def __init__(self, requestor: APIRequestor) -> None:
        super().__init__(requestor)
        self._known: tuple[str, User] | None = None

    def login(self, *, email: str, password: str) -> Login:
        """Log in with an e-mail address and its password, and keep the tokens.

        Raises:
            AuthenticationError: the two do not belong together.
        """
        login = self._request(auth.LOGIN, Credentials(email, password))
        kept = StoredTokens.from_response(login.tokens, self._requestor.clock.now())
        self._known = (_name_of(kept), login.user)
        self._requestor.tokens.set(kept, login.user)
        return login

    def refresh(self) -> StoredTokens:
        """HookEvent the refresh token for new tokens, keep them and return them.

        Raises:
            AuthenticationError: there is no refresh token, or it is no longer good; then we are logged out.
        """
        fresh = self._requestor.refresh_tokens()
        if fresh is None:
            raise AuthenticationError("Not logged in, or the login has ended")
        return fresh

    def logout(self) -> None:
        """End the login: we forget the tokens at once, and the platform revokes them.

        They are forgotten whatever the platform answers; whoever logs in meanwhile stays logged in.

        Raises:
            AuthenticationError: the login had ended already, or there was none.
        """
        kept = self._requestor.tokens.clear()
        self._known = None
        self._requestor.request(auth.LOGOUT, token=kept.token if kept else None)

    def me(self) -> User:
        """Ask the platform who is logged in."""
        kept = self._requestor.tokens.current
        user = self._request(auth.ME)
        if kept is not None:
            self._known = (_name_of(kept), user)
        return user

    @property
    def logged_in(self) -> bool:
        """Whether there is a token; whether it is still good, only the platform knows."""
        return self._requestor.tokens.token is not None

    @property
    def current_user(self) -> User | None:
        """The user who is logged in, None if nobody is: known from the login, or asked for once and kept until it ends.

        `me()` asks anew. A token that is about to end, or that the platform refuses, is renewed first.

        Raises:
            AuthenticationError: there is a token, but it is no longer good.
        """
        kept, known = self._requestor.tokens.current, self._known
        if kept is None:
            return None
        if known is not None and known[0] == _name_of(kept):
            return known[1]
        return self._asked()

    def require_role(self, role: Role | None = None) -> User:
        """Return the user who is logged in, if they have a role; `duologue.protected` makes a decorator of it.

        Args:
            role: the role they must have; None asks only that somebody is logged in.

        Raises:
            AuthenticationError: nobody is logged in, or the login has ended.
            PermissionDeniedError: they have another role.
        """
        return require_role(self, role)

    def on(self, event: AuthEventName, callback: Callable[[AuthEvent], object]) -> None:
        """Call a function when something happens to the login, whichever thread caused it, and on that thread.

        Args:
            event: `logged_in`, `refreshed` or `logged_out`.
            callback: called with an `AuthEvent`; it may call this client. What it raises is logged.

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

    def _asked(self) -> User:
        """Ask who is logged in with a token that is as good as we can make it: `/auth/me` itself renews none."""
        token = self._requestor.get_valid_token()
        try:
            return self.me()
        except AuthenticationError:
            if self._requestor.refresh_tokens(token) is None:
                raise
            return self.me()


def _name_of(tokens: StoredTokens) -> str:
    """What stays the same over the renewals of a login; a storage that does not keep it makes each token a login."""
    return tokens.login or tokens.token

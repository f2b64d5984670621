"""Logging in and out of the platform."""

from __future__ import annotations

from duologue.contract import auth
from duologue.contract.auth import Credentials, Login
from duologue.contract.users import User
from duologue.errors import AuthenticationError
from duologue.resources import Resource
from duologue.tokens import StoredTokens


class Auth(Resource):
    """`api.auth`: log in, stay logged in, log out, and tell who is logged in.

    After `login` every call to the platform carries the token. When the platform refuses it, it is renewed once and the
    call is made again; calls to `/auth/*` never do that.
    """

    def login(self, *, email: str, password: str) -> Login:
        """Log in with an e-mail address and its password, and keep the tokens.

        Raises:
            AuthenticationError: the two do not belong together.
        """
        login = self._call(auth.LOGIN, Credentials(email, password))
        self._caller.tokens.keep(StoredTokens.received(login.tokens, self._caller.clock.now()))
        return login

    def refresh(self) -> StoredTokens:
        """Exchange the refresh token for new tokens, keep them and return them.

        Raises:
            AuthenticationError: there is no refresh token, or it is no longer good; then we are logged out.
        """
        fresh = self._caller.renew()
        if fresh is None:
            raise AuthenticationError("Not logged in, or the login has ended")
        return fresh

    def logout(self) -> None:
        """End the login: the platform revokes the tokens, and we forget them whatever it answers."""
        try:
            self._call(auth.LOGOUT)
        finally:
            self._caller.tokens.forget()

    def me(self) -> User:
        """Return the user who is logged in."""
        return self._call(auth.ME)

    @property
    def logged_in(self) -> bool:
        """Whether there is a token; whether it is still good, only the platform knows."""
        return self._caller.tokens.token is not None

"""`Client`: both services behind one object."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

from duologue import ids
from duologue.caller import Caller
from duologue.clock import Clock
from duologue.config import Config, Options, resolve
from duologue.errors import AuthenticationError
from duologue.keys import AnonymousUser, ApiKeys, ChatIdentity, data_folder
from duologue.resources.auth import Auth
from duologue.resources.chats import Chats
from duologue.resources.health import HealthChecks
from duologue.resources.messages import Messages
from duologue.resources.smart_chat import SmartChat
from duologue.resources.users import Users
from duologue.tokens import MemoryTokens, StoredTokens, TokenHolder, TokenStorage
from duologue.transport import HTTPTransport, Transport

if TYPE_CHECKING:
    from duologue.query.bindings import Mutations, Queries
    from duologue.realtime import Realtime


class Client:
    """A synchronous client of the platform and the chat service, safe to share between threads.

        with Client(environment="staging", api_key="…") as api:
            api.auth.login(email="john@example.com", password="…")
            for user in api.users.iterate(search="doe"):
                print(user.name)

    `help(duologue.Options)` describes every option. An option that is left out comes from its environment
    variable (`DUOLOGUE_BASE_URL`, `DUOLOGUE_API_KEY` …), else from the named environment, else from the defaults.

    Args:
        transport: makes the HTTP exchanges instead of the real one; whoever passes it closes it.
        token_storage: keeps the tokens of a login; in memory by default.
        clock: the time, and waiting; tests pass their own.
        options: see above.

    Attributes:
        users: the platform's users.
        auth: logging in and out.
        chats: chat sessions.
        messages: their messages.
        smart_chat: the assistant.
        health: whether the services are up.
        api_keys: whether the chat service's key is good, and using another one.
        queries: what the services know, cached.
        mutations: what changes it, and the cache with it.
        clock: the time, and waiting.
        config: the settings that are in force.

    Raises:
        TypeError: there is no such option.
        ValueError: an option that cannot be meant.
    """

    def __init__(
        self,
        *,
        transport: Transport | None = None,
        token_storage: TokenStorage | None = None,
        clock: Clock | None = None,
        **options: Unpack[Options],
    ) -> None:
        self._set_up(os.environ, transport, token_storage, clock, options)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **options: Unpack[Options]) -> Self:
        """Return a client that is configured by environment variables, from another mapping than `os.environ` if given.

        Args:
            environ: the variables.
            options: win over the variables.
        """
        made = cls.__new__(cls)
        made._set_up(os.environ if environ is None else environ, None, None, None, options)
        return made

    def _set_up(
        self,
        environ: Mapping[str, str],
        transport: Transport | None,
        token_storage: TokenStorage | None,
        clock: Clock | None,
        options: Options,
    ) -> None:
        self.config = config = resolve(environ, **options)
        self.clock = clock = clock or Clock()
        self._making = threading.Lock()
        self._cached: tuple[Queries, Mutations] | None = None
        self._http = HTTPTransport(
            pool_size=config.pool_size, proxies=config.proxies, verify=config.verify, cert=config.cert
        )
        self._caller = Caller(
            config=config,
            transport=transport or self._http,
            tokens=_tokens(config, token_storage),
            identity=_identity(config, environ, clock),
            clock=clock,
        )
        self.users = Users(self._caller)
        self.auth = Auth(self._caller)
        self.chats = Chats(self._caller)
        self.messages = Messages(self._caller)
        self.smart_chat = SmartChat(self._caller)
        self.health = HealthChecks(self._caller)
        self.api_keys = ApiKeys(self._caller.identity, self.health.chats, clock)

    @cached_property
    def realtime(self) -> Realtime:
        """The Socket.IO connection; needs the extra `duologue[realtime]`."""
        from duologue.realtime import Realtime

        return Realtime(self._caller, self._http.new_session)

    @property
    def queries(self) -> Queries:
        """What the services know, cached: TanStack Query's counterpart; see `duologue.query`."""
        return (self._cached or self._cache())[0]

    @property
    def mutations(self) -> Mutations:
        """What changes something, and makes the cache see it."""
        return (self._cached or self._cache())[1]

    def _cache(self) -> tuple[Queries, Mutations]:
        from duologue.query.bindings import Mutations, Queries

        with self._making:
            if self._cached is None:
                queries = Queries(self)
                self._cached = queries, Mutations(self, queries)
        if self.closed:
            self._cached[0].close()
        return self._cached

    def validate_api_key(self) -> bool:
        """Tell whether the chat service knows our API key.

        As the chat document's `validateApiKey`: a 401 is False, any other failure is raised.
        """
        try:
            self.health.chats()
        except AuthenticationError:
            return False
        return True

    @property
    def user_id(self) -> str:
        """The chat service's user: the one that was given, else an `anon-…` id that is made once and kept."""
        return self._caller.identity.user_id()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._caller.closed

    def close(self) -> None:
        """Close all connections and end the waiting for retries; a later call raises `ClientClosed`."""
        self._caller.close()
        connected = self.__dict__.get("realtime")
        if connected is not None:
            connected.disconnect()
        if self._cached is not None:
            self._cached[0].close()
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client {self.config.base_url} {self.config.chat_url}{' closed' if self.closed else ''}>"


def _tokens(config: Config, storage: TokenStorage | None) -> TokenHolder:
    holder = TokenHolder(storage or MemoryTokens())
    if config.token is not None:
        holder.keep(StoredTokens(config.token))
    return holder


def _identity(config: Config, environ: Mapping[str, str], clock: Clock) -> ChatIdentity:
    chosen = config.user_id
    if chosen is not None:
        return ChatIdentity(config.api_key, lambda: chosen)
    return ChatIdentity(config.api_key, AnonymousUser(data_folder(environ), lambda: ids.anonymous_user_id(clock.now())))

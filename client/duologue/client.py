"""`Client`: both services behind one object."""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

from duologue.auth.api_keys import AnonymousUser, APIKeyManager, ChatCredentials, data_folder
from duologue.auth.tokens import MemoryTokenStorage, StoredTokens, TokenManager, TokenStorage
from duologue.concurrency import fork_safety
from duologue.concurrency.clock import Clock
from duologue.config import CallOptions, Config, Options, resolve
from duologue.http import request_ids
from duologue.http.api_requestor import APIRequestor
from duologue.http.transport import HTTPTransport, Transport
from duologue.observability.hooks import Hook, Hooks
from duologue.observability.logging_setup import configure_from_env
from duologue.resources.client_resources import ClientResources

if TYPE_CHECKING:
    from duologue.query.resource_queries.queries import Mutations, Queries
    from duologue.realtime import Realtime


class Client(ClientResources):
    """A synchronous client of the platform and the chat service, safe to share between threads.

        with Client(environment="staging", api_key="…") as api:
            api.auth.login(email="john@example.com", password="…")
            for user in api.users.list(search="doe"):  # all pages
                print(user.name)

    `help(duologue.Options)` describes every option. An option that is left out comes from its environment
    variable (`DUOLOGUE_BASE_URL`, `DUOLOGUE_API_KEY` …), else from the named environment, else from the defaults.
    `DUOLOGUE_LOG=debug` (or `info`, or `warning`) writes what happens to standard error.

    Threads: a client, its views and its resources may be used by any number of threads; a `ReplyStream` belongs to one.
    `close` may be called from any thread: calls that wait for a retry raise `ClientClosedError` at once, calls that
    wait for a response still get it, and no later call opens a connection.

    Forks: a client may be used on both sides of a fork. The child opens connections of its own and starts with what
    the parent knew at that moment, login included; afterwards neither learns what the other does, so a login that one
    of them refreshes is over for the other. A stream or iterator that was open during the fork belongs to the parent.

    Args:
        transport: makes the HTTP exchanges instead of the real one; whoever passes it closes it.
        token_storage: keeps the tokens of a login; in memory by default.
        clock: the time, and waiting; tests pass their own.
        on_request: is told before each attempt. These four are the documents' interceptors: they get an `HookEvent`,
            observe, and change nothing, not even by an exception.
        on_response: is told after each answer, whatever its status.
        on_retry: is told before the wait for another attempt.
        on_error: is told when a call has failed for good.
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
        on_request: Hook | None = None,
        on_response: Hook | None = None,
        on_retry: Hook | None = None,
        on_error: Hook | None = None,
        **options: Unpack[Options],
    ) -> None:
        hooks = Hooks(on_request=on_request, on_response=on_response, on_retry=on_retry, on_error=on_error)
        self._set_up(os.environ, transport, token_storage, clock, hooks, options)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **options: Unpack[Options]) -> Self:
        """Return a client that is configured by environment variables, from another mapping than `os.environ` if given.

        Args:
            environ: the variables.
            options: win over the variables.
        """
        made = cls.__new__(cls)
        made._set_up(os.environ if environ is None else environ, None, None, None, None, options)
        return made

    def _set_up(
        self,
        environ: Mapping[str, str],
        transport: Transport | None,
        token_storage: TokenStorage | None,
        clock: Clock | None,
        hooks: Hooks | None,
        options: Options,
    ) -> None:
        configure_from_env(environ)
        self.config = config = resolve(environ, **options)
        self.clock = clock = clock or Clock()
        self._making = threading.Lock()
        fork_safety.watch_locks(self, "_making")
        self._cached: tuple[Queries, Mutations] | None = None
        self._http = HTTPTransport(
            pool_size=config.pool_size,
            pool_block=config.pool_block,
            proxies=config.proxies,
            verify=config.verify,
            cert=config.cert,
        )
        self._root = self
        self._requestor = requestor = APIRequestor(
            config=config,
            transport=transport or self._http,
            tokens=_tokens(config, token_storage),
            identity=_identity(config, environ, clock),
            clock=clock,
            hooks=hooks,
        )
        self.api_keys = APIKeyManager(requestor.identity, lambda: self.health.chats(), clock)

    def with_options(self, **options: Unpack[CallOptions]) -> Self:
        """Return a view of this client whose calls have other options.

            api.with_options(timeout=60, max_retries=0).smart_chat.ask(session.id, message="Take your time")

        A view is cheap. It shares connections, login and retry budget with its client; closing one closes both.

        Args:
            options: `timeout`, `max_retries`, `deadline`, `headers`; see `CallOptions`.

        Raises:
            TypeError: calls have no such option.
            ValueError: a value that cannot be meant.
        """
        view = copy.copy(self)
        view._use_requestor(self._requestor.with_options(**options))
        view.config = view._requestor.config
        return view

    @cached_property
    def realtime(self) -> Realtime:
        """The Socket.IO connection; needs the extra `duologue[realtime]`."""
        from duologue.realtime import Realtime

        if self._root is not self:  # a view: the connection is its client's
            return self._root.realtime
        return Realtime(self._requestor, self._http.new_session)

    @property
    def queries(self) -> Queries:
        """What the services know, cached: TanStack Query's counterpart; see `duologue.query`. Views share it."""
        return (self._root._cached or self._root._cache())[0]

    @property
    def mutations(self) -> Mutations:
        """What changes something, and makes the cache see it."""
        return (self._root._cached or self._root._cache())[1]

    def _cache(self) -> tuple[Queries, Mutations]:
        from duologue.query.resource_queries.queries import Mutations, Queries

        with self._making:
            if self._cached is None:
                queries = Queries(self)
                self._cached = queries, Mutations(self, queries)
        if self.closed:
            self._cached[0].close()
        return self._cached

    def validate_api_key(self, *, cached: bool = True) -> bool:
        """Return whether the chat service accepts our API key; see `APIKeyManager.validate`."""
        return self.api_keys._validate_with(self.health.chats, cached=cached)

    @property
    def user_id(self) -> str:
        """The chat service's user: the one that was given, else an `anon-…` id that is made once and kept."""
        return self._requestor.identity.user_id()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._requestor.closed

    def close(self) -> None:
        """Close all connections and end the waiting for retries; a later call raises `ClientClosedError`."""
        self._requestor.close()
        connected = self._root.__dict__.get("realtime")
        if connected is not None:
            connected.disconnect()
        if self._root._cached is not None:
            self._root._cached[0].close()
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client {self.config.base_url} {self.config.chat_base_url}{' closed' if self.closed else ''}>"


def _tokens(config: Config, storage: TokenStorage | None) -> TokenManager:
    holder = TokenManager(storage or MemoryTokenStorage())
    if config.access_token is not None:
        holder.set(StoredTokens(config.access_token))
    return holder


def _identity(config: Config, environ: Mapping[str, str], clock: Clock) -> ChatCredentials:
    chosen = config.user_id
    if chosen is not None:
        return ChatCredentials(config.api_key, lambda: chosen)
    return ChatCredentials(
        config.api_key, AnonymousUser(data_folder(environ), lambda: request_ids.anonymous_user_id(clock.now()))
    )

"""`Client`: both services behind one object."""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Self, Unpack

from duologue.auth.api_keys import APIKeyManager, ChatCredentials
from duologue.auth.token_storage import MemoryTokenStorage, StoredTokens, TokenStorage
from duologue.auth.tokens import TokenManager
from duologue.auth.user_id import AnonymousUserId, UserIdStorage
from duologue.concurrency import fork_safety
from duologue.concurrency.clock import Clock
from duologue.config import OPTIONS, CallOptions, Config, Options, hide_secrets
from duologue.http import request_ids
from duologue.http.api_requestor import APIRequestor
from duologue.http.transport import HTTPTransport, Transport
from duologue.observability.hooks import Hook, Hooks
from duologue.observability.logging_setup import configure_from_env
from duologue.observability.on_call import CallRecord
from duologue.observability.redaction import HiddenFrames
from duologue.resources.client_resources import ClientResources

if TYPE_CHECKING:
    from duologue.query import QueryClient
    from duologue.query.resource_queries.mutations import Mutations
    from duologue.query.resource_queries.queries import Queries
    from duologue.realtime import Realtime


class Client(ClientResources):
    """A synchronous client of the Platform API and the Smart Chat API, safe to share between threads.

        with Client(environment="staging", api_key="…") as api:
            api.auth.login(email="john@example.com", password="…")
            for user in api.users.list(search="doe"):  # all pages
                print(user.name)

    `Options` declares all options. One that is passed wins over its environment variable (`DUOLOGUE_BASE_URL`,
    `DUOLOGUE_API_KEY` …); so does what a passed `environment` sets. `DUOLOGUE_LOG=debug` (or `info`, or `warning`)
    writes a log to standard error.

    Threads: a client, its views and its resources may be used by any number of threads; a `ReplyStream` belongs to one.
    `close` may be called from any thread: calls that wait for a retry raise `ClientClosedError` at once, calls that
    wait for a response still get it, and no later call opens a connection.

    Forks: a client may be used on both sides of a fork. The child opens connections of its own and starts with what
    the parent knew at that moment, login included; afterwards neither learns what the other does, so a login that one
    of them refreshes is over for the other. A stream or iterator that was open during the fork belongs to the parent.

    Args:
        transport: sends the HTTP requests instead of the real one; the caller closes it.
        token_storage: stores the tokens of a login; in memory by default.
        user_id_storage: stores the anonymous user id that a client without `user_id` has; in memory by default.
        clock: the time, and waiting; tests pass their own.
        environ: the environment variables; `os.environ` by default.
        on_request: called before each attempt. These four are the specifications' interceptors: they receive a
            `HookEvent`, observe, and change nothing, not even by an exception.
        on_response: called after each response, whatever its status.
        on_retry: called before the wait for another attempt.
        on_error: called when a call has failed for good.
        options: see above.

    Attributes:
        api_keys: the chat service's API key, and using another one.
        query_client: the cache.
        queries: one query per read operation, cached.
        mutations: one mutation per operation that changes something.
        clock: the time, and waiting.
        config: the value of every option.

    Raises:
        TypeError: there is no such option.
        ValueError: an option, or an environment variable, is invalid.
    """

    def __init__(
        self,
        *,
        transport: Transport | None = None,
        token_storage: TokenStorage | None = None,
        user_id_storage: UserIdStorage | None = None,
        clock: Clock | None = None,
        environ: Mapping[str, str] | None = None,
        on_request: Hook | None = None,
        on_response: Hook | None = None,
        on_retry: Hook | None = None,
        on_error: Hook | None = None,
        **options: Unpack[Options],
    ) -> None:
        options = hide_secrets(options)
        OPTIONS.check_names(options, owner="Client", parameters=Client.__init__.__kwdefaults__ or ())
        try:
            with HiddenFrames():
                configure_from_env(os.environ if environ is None else environ)
                self.config = Config.resolve(os.environ if environ is None else environ, **options)
        except ValueError:
            del environ
            raise
        self.clock = clock or Clock()
        self._query_layer_lock = threading.Lock()
        fork_safety.watch_locks(self, "_query_layer_lock")
        self._realtime: Realtime | None = None
        self._query_layer: tuple[QueryClient, Queries, Mutations] | None = None
        resolved = self.config.options
        self._http = HTTPTransport(
            pool_size=resolved["pool_size"],
            pool_block=resolved["pool_block"],
            proxies=resolved["proxies"],
            verify=resolved["verify"],
            cert=resolved["cert"],
        )
        self._root = self
        self._requestor = requestor = APIRequestor(
            config=self.config,
            transport=transport or self._http,
            tokens=_create_tokens(self.config, token_storage),
            identity=_create_credentials(self.config, user_id_storage, self.clock),
            clock=self.clock,
            hooks=Hooks(on_request=on_request, on_response=on_response, on_retry=on_retry, on_error=on_error),
        )
        self.api_keys = APIKeyManager(requestor.identity, self.clock)

    def with_options(self, **options: Unpack[CallOptions]) -> Self:
        """Return a view of this client whose calls have other options.

            api.with_options(timeout=60, max_retries=0).smart_chat.ask(session.id, message="Take your time")

        A view is cheap. It shares connections, login and retry budget with its client; closing one closes both.

        Args:
            options: `timeout`, `max_retries`, `deadline`, `headers`; see `CallOptions`.

        Raises:
            TypeError: single calls have no such option.
            ValueError: an option is invalid.
        """
        options = hide_secrets(options)
        view = copy.copy(self)
        with HiddenFrames():
            view._use_requestor(self._requestor.with_options(**options))
        view.config = view._requestor.config
        return view

    def on_call(self, callback: Callable[[CallRecord], object]) -> Callable[[], None]:
        """Call a function with a `CallRecord` of each call that has ended, of this client and all views of it.

            unsubscribe = api.on_call(lambda call: print(call.operation.id, call.elapsed))

        It runs on the thread of the call; what it raises is logged. A token refresh is a call of its own.

        Args:
            callback: the function.

        Returns:
            a function that unsubscribes the callback.
        """
        return self._requestor.calls.on("call", callback)

    @property
    def realtime(self) -> Realtime:
        """The Socket.IO connection; needs the extra `duologue[realtime]`. Views share it."""
        return self._root._realtime or self._root._create_realtime()

    def _create_realtime(self) -> Realtime:
        from duologue.realtime import Realtime  # before the lock: it takes a while, and a fork may come meanwhile

        with self._query_layer_lock:
            if self._realtime is None:
                self._realtime = Realtime(self._requestor, self._http.new_session)
        return self._realtime

    @property
    def query_client(self) -> QueryClient:
        """The cache of `queries` and `mutations`: TanStack Query's `QueryClient`. Views share it."""
        return (self._root._query_layer or self._root._create_query_layer())[0]

    @property
    def queries(self) -> Queries:
        """One query per read operation, cached in `query_client`."""
        return (self._root._query_layer or self._root._create_query_layer())[1]

    @property
    def mutations(self) -> Mutations:
        """One mutation per operation that changes something; it updates `query_client` too."""
        return (self._root._query_layer or self._root._create_query_layer())[2]

    def _create_query_layer(self) -> tuple[QueryClient, Queries, Mutations]:
        from duologue.query.resource_queries.mutations import Mutations
        from duologue.query.resource_queries.queries import Queries, create_query_client

        with self._query_layer_lock:
            if self._query_layer is None:
                query_client = create_query_client(self)
                self._query_layer = query_client, Queries(self, query_client), Mutations(self, query_client)
        if self.closed:
            self._query_layer[0].close()
        return self._query_layer

    def validate_api_key(self, *, cached: bool = True) -> bool:
        """Return whether the chat service knows our API key; the specification's `validateApiKey` and `APIKeyManager`.

        A key that is found invalid is also emitted as the event `api_key_invalid` of `api.api_keys`.

        Args:
            cached: send a request at most every five minutes for each key. A failure other than 401 says nothing about
                the key: what was known of it holds, and without that it counts as valid. False sends a request each
                time, and raises such a failure.

        Raises:
            APIError: the request failed, other than with 401; only if not `cached`.
        """
        return self.api_keys._validate(self.health.chats, cached=cached)

    @property
    def user_id(self) -> str:
        """The user of the chat service: the option `user_id`, else an anonymous `anon-…` id, created on first use."""
        return self._requestor.identity.user_id()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._requestor.closed

    def close(self) -> None:
        """Close all connections and end the waiting for retries; a later call raises `ClientClosedError`."""
        self._requestor.close()
        if self._root._realtime is not None:
            self._root._realtime.disconnect()
        if self._root._query_layer is not None:
            self._root._query_layer[0].close()
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        urls = f"{self.config.platform.base_url} {self.config.chat.base_url}"
        return f"<Client {urls}{' closed' if self.closed else ''}>"


def _create_tokens(config: Config, storage: TokenStorage | None) -> TokenManager:
    tokens = TokenManager(storage or MemoryTokenStorage())
    access_token = config.options["access_token"]
    if access_token is not None:
        tokens.set(StoredTokens(access_token))
    return tokens


def _create_credentials(config: Config, storage: UserIdStorage | None, clock: Clock) -> ChatCredentials:
    user_id = config.options["user_id"]
    anonymous = AnonymousUserId(lambda: request_ids.create_anonymous_user_id(clock.now()), storage)
    return ChatCredentials(config.options["api_key"], anonymous if user_id is None else lambda: user_id)

"""The request loop: a call is sent until it succeeds, or its failure is final, and its response is read."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, MutableSequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, Unpack

from duologue import defaults
from duologue.auth.api_keys import ChatCredentials
from duologue.auth.token_storage import StoredTokens
from duologue.auth.tokens import TokenManager
from duologue.concurrency import fork_safety
from duologue.concurrency.clock import Clock
from duologue.concurrency.event_emitter import EventEmitter
from duologue.config import CallOptions, Config
from duologue.contract import CHAT, PLATFORM, Model, Operation, headers
from duologue.contract.errors import escape_for_log
from duologue.contract.headers import validate_header_value
from duologue.errors import APIError, AuthenticationError, ClientClosedError, DeadlineExceeded, RedirectError
from duologue.http.call import Call, create_call, get_outcome_name
from duologue.http.call_scope import CallScope
from duologue.http.response_parsing import RawResponse, error_from_response, find_redirect, parse_response
from duologue.http.retry import RetryBudget, RetryPolicy
from duologue.http.transport import Request, Response, Transport
from duologue.observability.hooks import Hook, Hooks, run_hook
from duologue.observability.logging_setup import log
from duologue.observability.on_call import CallRecord
from duologue.observability.redaction import HiddenFrames, redact

T = TypeVar("T")

_MAX_UNKNOWN_FIELDS = 1_000
"""How many unknown fields are logged; a server that invents names must not fill the memory."""


@dataclass(frozen=True, slots=True, eq=False)
class StreamingResponse:
    """A response whose body is still to be read.

    Args:
        response: the response; close it.
        error_context: a context that annotates the errors raised in it with the call, and ends the call.
        max_response_size: the largest body to read of a server that does not stream, in bytes; None for no limit.
    """

    response: Response
    error_context: Callable[[], AbstractContextManager[None]]
    max_response_size: int | None


class _Lifetime:
    """Whether a client, with all views of it, is still open; waits end when it is closed."""

    def __init__(self) -> None:
        self.closing = threading.Event()
        fork_safety.watch(self)

    def after_fork(self) -> None:
        """Replace the event: a thread of the parent may have held its lock."""
        closed, self.closing = self.closing.is_set(), threading.Event()
        if closed:
            self.closing.set()


class APIRequestor:
    """Makes the calls of one client; its resources share it.

    Args:
        config: the settings.
        transport: sends the requests.
        tokens: the login on the platform.
        identity: the credentials for the chat service.
        clock: the time, and waiting.
        hooks: called with each attempt.

    Attributes:
        calls: emits a `CallRecord`, under the name `call`, for each call that has ended, on the call's thread.
    """

    def __init__(
        self,
        *,
        config: Config,
        transport: Transport,
        tokens: TokenManager,
        identity: ChatCredentials,
        clock: Clock,
        hooks: Hooks | None = None,
    ) -> None:
        self.tokens = tokens
        self.identity = identity
        self.clock = clock
        self.hooks = hooks or Hooks()
        self.calls: EventEmitter[CallRecord] = EventEmitter(("call",))
        self._transport = transport
        self._lifetime = _Lifetime()
        budget = config.options["retry_budget"]
        self._budget = None if budget is None else RetryBudget(budget)
        self._unknown_fields: set[tuple[str, str]] = set()
        self._raw_responses: MutableSequence[RawResponse[Any]] | None = None
        self._root = self
        self._configure(config)

    def _configure(self, config: Config) -> None:
        self.config = config
        self._policies = {
            service.name: RetryPolicy(
                config.for_service(service).max_retries, delay=config.options["retry_delay"], budget=self._budget
            )
            for service in (PLATFORM, CHAT)
        }
        self._custom_headers = {name.lower() for name in config.options["headers"] or ()}

    def with_options(self, **options: Unpack[CallOptions]) -> APIRequestor:
        """Return a view with other settings; connections, login, retry budget and lifetime are shared."""
        view = copy.copy(self)
        view._configure(self.config.with_options(**options))
        return view

    def recording(self, raw_responses: MutableSequence[RawResponse[Any]]) -> APIRequestor:
        """Return a view that appends the raw response of each call to a list."""
        view = copy.copy(self)
        view._raw_responses = raw_responses
        return view

    # ---- calls

    def request(
        self,
        operation: Operation[T],
        body: Model | None = None,
        /,
        *,
        token: str | None = None,
        idempotency_key: str | None = None,
        **ids: str,
    ) -> T:
        """Make a call and return its result.

        Args:
            operation: the operation of the contract.
            body: its body or its query.
            token: the access token to send instead of that of the login.
            idempotency_key: the key to send instead of a new one.
            ids: the parameters of its path.

        Raises:
            APIError: the call failed; the class says how.
            ValueError: an argument that cannot be sent.
        """
        call = create_call(
            operation,
            body,
            ids,
            config=self.config,
            clock=self.clock,
            access_token=token,
            idempotency_key=idempotency_key,
        )
        del token
        with self._annotate_errors(call):
            response = self._send(call)
            result = parse_response(
                operation,
                response,
                max_response_size=self.config.options["max_response_size"],
                on_unknown_field=partial(self._log_unknown_field, call),
            )
        if self._raw_responses is not None:
            self._raw_responses.append(_build_raw_response(call, response, result))
        return result

    def stream(self, operation: Operation[Any], body: Model, /, **ids: str) -> StreamingResponse:
        """Make a call whose response is read as it arrives; see `request`."""
        call = create_call(operation, body, ids, config=self.config, clock=self.clock, stream=True)
        with self._annotate_errors(call, ends_call=False):
            limit = self.config.options["max_response_size"]
            return StreamingResponse(self._send(call), lambda: self._annotate_errors(call), limit)

    def close(self) -> None:
        """Refuse further calls, and end the waits of those that are about to be retried."""
        self._lifetime.closing.set()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._lifetime.closing.is_set()

    # ---- the loop

    def _send(self, call: Call) -> Response:
        """Send a call until it succeeds, or its failure is final."""
        while True:
            call.token = self._get_token(call)
            outcome = self._attempt(call)
            if isinstance(outcome, Response):  # success: the budget gets back what the retries took
                if self._budget:
                    self._budget.refund(call.retries)
                return outcome
            if self._refresh_rejected_token(call, outcome):  # a new token is worth another attempt, at once
                continue
            delay = self._policies[call.operation.service.name].next(
                outcome,
                attempt=call.retries + 1,
                method=call.operation.method,
                has_idempotency_key=call.operation.takes_idempotency_key,
                time_left=call.time_left,
            )
            if delay is None:  # the policy gives up
                raise outcome
            self._wait(call, delay, outcome)

    def _attempt(self, call: Call) -> Response | APIError:
        """Send a call once, read the body, and record the outcome."""
        if self.closed:
            raise ClientClosedError
        time_left = call.time_left
        if time_left is not None and time_left <= 0:
            raise DeadlineExceeded
        started = self.clock.monotonic()
        try:
            outcome = self._exchange(call)
        except APIError as failure:
            outcome = failure
        if isinstance(outcome, APIError):
            call.redact_error(outcome)
        call.end_attempt(outcome, self.clock.monotonic() - started)
        return outcome

    def _exchange(self, call: Call) -> Response | APIError:
        started = self.clock.monotonic()
        call.start_attempt(self._build_headers(call))
        self._run_hook(self.hooks.on_request, call)
        response = self._follow_redirects(call)
        call.request_id, call.status = response.header(headers.REQUEST_ID), response.status
        if self.hooks.on_response:
            elapsed = self.clock.monotonic() - started
            response_headers = call.redact_headers(response.headers)
            self._run_hook(
                self.hooks.on_response,
                call,
                status=response.status,
                response_headers=response_headers,
                elapsed=elapsed,
            )
        error = error_from_response(response, self.clock.now(), self.config.options["max_response_size"])
        if error is None and not call.stream:
            response.read(self.config.options["max_response_size"])
        return error or response

    def _follow_redirects(self, call: Call) -> Response:
        """Send a request; follow its redirects as far as `find_redirect` allows, `defaults.MAX_REDIRECTS` at most."""
        url, method, redirects = call.url + call.query, call.operation.method, 0
        while True:
            request = Request(method, url, call.request_headers, call.body, call.timeout, call.time_left)
            response = self._transport.send(request)
            target = find_redirect(response, method, url)
            if target is None:
                return response
            if redirects == defaults.MAX_REDIRECTS:
                response.close()
                message = f"Redirect refused: the server sent more than {redirects} in a row"
                raise RedirectError(message, status=response.status)
            response.read(self.config.options["max_response_size"])  # so that its connection can be used again
            url, redirects = target, redirects + 1

    def _wait(self, call: Call, delay: float, error: APIError) -> None:
        log.info("%s: %s; retrying in %.1f s", call, get_outcome_name(error), delay)
        self._run_hook(self.hooks.on_retry, call, error=error, delay=delay)
        call.waited = delay
        call.retries += 1
        self.clock.sleep(delay, self._lifetime.closing)

    # ---- credentials

    def _build_headers(self, call: Call) -> dict[str, str]:
        """Return the headers of the next attempt; the caller's custom headers replace the client's."""
        built = {**call.headers, headers.ATTEMPT: str(len(call.attempts) + 1), **self._build_credentials(call)}
        if not self._custom_headers:
            return built
        custom = self.config.options["headers"] or {}
        return {name: value for name, value in built.items() if name.lower() not in self._custom_headers} | {**custom}

    def _build_credentials(self, call: Call) -> dict[str, str]:
        if call.operation.service is CHAT:
            user = _build_header(headers.USER_ID, self.identity.user_id())
            return {**user, **_build_header(headers.API_KEY, self.identity.api_key)}
        return _build_header("Authorization", f"Bearer {call.token}" if call.token else None)

    def _get_token(self, call: Call) -> str | None:
        """Return the access token that a call carries, refreshed if it is about to expire."""
        if "authorization" in self._custom_headers:
            return None  # the caller's Authorization header is sent instead
        if call.access_token is not None or not call.takes_token:
            return call.access_token
        if call.is_about_login:
            return self.tokens.token
        fetch_tokens = partial(self._fetch_tokens_in_time, call)
        return self.tokens.get_valid(self.clock.now(), fetch_tokens, timeout=call.time_left)

    def _refresh_rejected_token(self, call: Call, error: APIError) -> bool:
        """Replace a token that was rejected; return whether the call is worth another attempt, which it gets once.

        Calls to `/auth/*` are not: a wrong password would cause a refresh.
        """
        if call.token is None or call.token_refreshed or not isinstance(error, AuthenticationError):
            return False
        if call.is_about_login:
            return False
        call.token_refreshed, call.waited = True, 0.0
        try:
            tokens = self.tokens.refresh(call.token, partial(self._fetch_tokens_in_time, call), timeout=call.time_left)
        except APIError as failure:
            call.refresh_error = failure if failure.method else None  # else no request was sent
            raise
        log.info("%s: the token was rejected and %s", call, "refreshed" if tokens else "could not be refreshed")
        return tokens is not None

    def refresh_tokens(self, rejected: str | None = None, *, timeout: float | None = None) -> StoredTokens | None:
        """Exchange the refresh token for new tokens, within `timeout` seconds; see `TokenManager.refresh`."""
        try:
            with HiddenFrames():
                return self.tokens.refresh(rejected, self._with_deadline(timeout)._fetch_tokens, timeout=timeout)
        except BaseException:
            del rejected
            raise

    def get_valid_token(self, *, timeout: float | None = None) -> str | None:
        """Return the access token to use now, refreshed if it is about to expire; see `TokenManager.get_valid`."""
        with HiddenFrames():
            fetch_tokens = self._with_deadline(timeout)._fetch_tokens
            return self.tokens.get_valid(self.clock.now(), fetch_tokens, timeout=timeout)

    def _with_deadline(self, seconds: float | None) -> APIRequestor:
        """Return the root requestor, or a view of it with a deadline; the headers of a view do not apply."""
        return self._root if seconds is None else self._root.with_options(deadline=max(seconds, 0.001))

    def _fetch_tokens_in_time(self, call: Call, tokens: StoredTokens) -> StoredTokens:
        """Exchange a refresh token within a call's deadline; the headers of a view do not apply."""
        return self._with_deadline(call.time_left)._fetch_tokens(tokens)

    def _fetch_tokens(self, tokens: StoredTokens) -> StoredTokens:
        from duologue.contract import auth  # its schemas are built at the first login, not at the import of the client

        assert tokens.refresh_token is not None
        body = auth.RefreshRequest(tokens.refresh_token)
        return StoredTokens.from_response(
            self.request(auth.REFRESH, body, idempotency_key=tokens.refresh_key), self.clock.now()
        )

    # ---- what others see of a call

    def _annotate_errors(self, call: Call, *, ends_call: bool = True) -> CallScope:
        return CallScope(call, self.hooks, self.calls, ends_call=ends_call)

    def _run_hook(self, hook: Hook | None, call: Call, **values: Any) -> None:
        if hook is not None:
            run_hook(hook, call.build_hook_event(**values))

    def _log_unknown_field(self, call: Call, name: str) -> None:
        """Log a field of a response that is not in the contract, once."""
        operation = call.operation.id
        field = (operation, name)
        if field not in self._unknown_fields and len(self._unknown_fields) < _MAX_UNKNOWN_FIELDS:
            self._unknown_fields.add(field)
            log.warning(
                "The response of %s has a field that is not in the contract: %s",
                operation,
                escape_for_log(redact(name, call.secrets)),
            )


def _build_header(name: str, value: str | None) -> dict[str, str]:
    try:
        return {} if value is None else {name: validate_header_value(name, value)}
    except ValueError:
        del value  # some tools show the variables of a traceback
        raise


def _build_raw_response(call: Call, response: Response, result: T) -> RawResponse[T]:
    return RawResponse(
        parsed=result,
        status=response.status,
        headers=response.headers,
        body=response.read(),
        request_id=call.request_id or call.reference_code,
        attempts=tuple(call.attempts),
        elapsed=call.elapsed,
    )

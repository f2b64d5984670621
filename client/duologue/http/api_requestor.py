"""Making a call: the request is built, sent until it succeeds or must not be sent again, and its answer is read."""

from __future__ import annotations

import copy
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any, Generic, TypeVar, Unpack

from duologue import defaults
from duologue._version import __version__
from duologue.auth.api_keys import ChatCredentials
from duologue.auth.tokens import StoredTokens, TokenManager
from duologue.concurrency import fork_safety
from duologue.concurrency.clock import Clock
from duologue.config import CallOptions, Config
from duologue.contract import CHAT, Model, Operation, auth, headers
from duologue.contract.core import Access
from duologue.errors import (
    APIError,
    Attempt,
    AuthenticationError,
    ClientClosedError,
    DeadlineExceeded,
    HTTPStatusError,
    RedirectError,
    escape_for_log,
)
from duologue.http.encoding import (
    build_path,
    encode_body,
    encode_query,
    error_from_response,
    header_value,
    json_of,
    parse_response,
    redirect_of,
)
from duologue.http.request_ids import idempotency_key, reference_code
from duologue.http.retry import RetryBudget, RetryPolicy
from duologue.http.transport import Request, Response, Transport
from duologue.observability.hooks import Hook, HookEvent, Hooks, tell
from duologue.observability.logging_setup import log
from duologue.observability.redaction import is_secret, known_secrets, redact, redact_headers, redact_value

T = TypeVar("T")

JSON_TYPE = "application/json"
EVENT_STREAM_TYPE = "text/event-stream"
_USER_AGENT = f"duologue/{__version__}"

_MANY_FIELDS = 1_000
"""How many unknown fields are told of; a server that makes up names must not fill the memory."""


@dataclass(slots=True)
class _Call:
    """One call on its way: what stays the same over its attempts, and what has come of them so far."""

    operation: Operation[Any]
    sent: Model | None
    path: str
    url: str
    headers: dict[str, str]
    body: bytes | None
    timeout: float | None
    streamed: bool
    began: float
    ends: float | None
    reference: str
    request_id: str | None = None
    token: str | None = None
    renewed: bool = False
    waited: float = 0.0
    retries: int = 0
    status: int = 0
    given_token: str | None = None
    attempts: list[Attempt] = field(default_factory=list)
    last: Mapping[str, str] = field(default_factory=dict)
    """The headers of the last request."""
    elsewhere: APIError | None = None
    """An error of another call that ended this one; it tells its own story."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A call that has ended, as observers are told of it.

    Args:
        operation: which call of the contract.
        path: its path below the base URL, without the query.
        request_id: the id under which the server, or else the client, knows it.
        started_at: when it started, in UTC.
        elapsed: seconds until the whole answer was there, all attempts and waits included.
        attempts: the tries made.
        status: the HTTP status of the last answer, 0 if there was none, 408 if it took too long.
        error: what was raised, None if it succeeded or its stream was left early.
    """

    operation: Operation[Any]
    path: str
    request_id: str
    started_at: datetime
    elapsed: float
    attempts: tuple[Attempt, ...]
    status: int
    error: BaseException | None


@dataclass(frozen=True, slots=True)
class StreamingResponse:
    """An answer whose body is still to come.

    Args:
        response: the answer; whoever has it must close it.
        error_context: a context in which an error learns which call it came from.
    """

    response: Response
    error_context: Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class RawResponse(Generic[T]):
    """What came back from a call, besides the model.

    Args:
        parsed: what the method returned.
        status: the HTTP status.
        headers: the answer's headers; names are lower case.
        body: the bytes of the body, unpacked.
        request_id: the id under which the server knows the call.
        attempts: the tries made, the last one included.
        elapsed: seconds the call took.
    """

    parsed: T
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    request_id: str
    attempts: tuple[Attempt, ...]
    elapsed: float

    @cached_property
    def data(self) -> Any:
        """The body's JSON value, with the fields that the contract does not know; None where there is no body."""
        return json_of(self.body, self.status) if self.body else None


class _Life:
    """Whether a client, with all views of it, is still open; a wait ends when it is not."""

    def __init__(self) -> None:
        self.closing = threading.Event()
        fork_safety.watch(self)

    def after_fork(self) -> None:
        """Replace the event: another thread may have held its lock."""
        closed, self.closing = self.closing.is_set(), threading.Event()
        if closed:
            self.closing.set()


class APIRequestor:
    """Makes the calls of one client; its resources share it.

    Args:
        config: the settings.
        transport: makes the exchanges.
        tokens: who we are on the platform.
        identity: who we are on the chat service.
        clock: the time, and waiting.
        hooks: who is told of each attempt.

    Attributes:
        observers: called with each call that has ended, on its thread; what they raise is logged.
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
        self.observers: list[Callable[[CallRecord], None]] = []
        self._transport = transport
        self._life = _Life()
        budget = config.options["retry_budget"]
        self._budget = None if budget is None else RetryBudget(budget)
        self._strangers: set[tuple[str, str]] = set()
        self._records: list[RawResponse[Any]] | None = None
        self._root = self
        self._configure(config)

    def _configure(self, config: Config) -> None:
        self.config = config
        delay, budget = config.options["retry_delay"], self._budget
        self._platform_retries = RetryPolicy(config.platform.max_retries, backoff_factor=delay, budget=budget)
        self._chat_retries = RetryPolicy(config.chat.max_retries, backoff_factor=delay, budget=budget)
        self._own_headers = {name.lower() for name in config.options["headers"] or ()}

    def with_options(self, **options: Unpack[CallOptions]) -> APIRequestor:
        """Return a view of this caller with other settings; connections, login, retry budget and life are shared."""
        view = copy.copy(self)
        view._configure(self.config.with_options(**options))
        return view

    def recording(self, records: list[RawResponse[Any]]) -> APIRequestor:
        """Return a view of this caller that adds what comes back from each call to a list."""
        view = copy.copy(self)
        view._records = records
        return view

    def call(self, operation: Operation[T], sent: Model | None = None, /, *, token: str | None = None, **ids: str) -> T:
        """Make a call and return its answer.

        Args:
            operation: which call of the contract.
            sent: its query or its body.
            token: the access token to send instead of the one that is kept.
            ids: the parameters of its path.

        Raises:
            APIError: it failed; the class says how.
            ValueError: an argument that cannot be sent.
        """
        call = self._prepared(operation, sent, ids)
        call.given_token = token
        with self._told(call):
            response = self._exchanged(call)
            answer = parse_response(
                operation,
                response,
                max_response_size=self.config.options["max_response_size"],
                unknown=partial(self._met, operation),
            )
        if self._records is not None:
            self._records.append(self._raw(call, response, answer))
        return answer

    def open(self, operation: Operation[Any], sent: Model, /, **ids: str) -> StreamingResponse:
        """Make a call whose answer is streamed, and return the answer with its body still to come; close it."""
        call = self._prepared(operation, sent, ids, streamed=True)
        with self._told(call, ended=False):
            return StreamingResponse(self._exchanged(call), lambda: self._told(call))

    def close(self) -> None:
        """Refuse further calls, and end the waiting of those that are about to be tried again."""
        self._life.closing.set()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._life.closing.is_set()

    def refresh_tokens(self, failing: str | None = None) -> StoredTokens | None:
        """HookEvent the refresh token for new tokens; see `TokenManager.refresh`."""
        return self.tokens.refresh(failing, self._root._spend)

    def get_valid_token(self) -> str | None:
        """Return the access token to use now, renewed if it is about to end; see `TokenManager.get_valid`."""
        return self.tokens.get_valid(self.clock.now(), self._root._spend)

    def _spent_for(self, call: _Call, refresh_token: str) -> StoredTokens:
        """Renew a token for a call that has only so much time left; a view's headers are not for that."""
        left = self._left(call)
        asking = self._root if left is None else self._root.with_options(deadline=max(left, 0.001))
        return asking._spend(refresh_token)

    def _spend(self, refresh_token: str) -> StoredTokens:
        fresh = self.call(auth.REFRESH, auth.RefreshRequest(refresh_token))
        return StoredTokens.received(fresh, self.clock.now())

    def _prepared(
        self, operation: Operation[Any], sent: Model | None, ids: dict[str, str], *, streamed: bool = False
    ) -> _Call:
        service, deadline = self.config.for_service(operation.service), self.config.options["deadline"]
        path = build_path(operation, ids)
        body = encode_body(operation, sent)
        reference = reference_code(self.clock.now())
        began = self.clock.monotonic()
        return _Call(
            operation=operation,
            sent=sent,
            path=path,
            url=service.base_url + path + encode_query(operation, sent),
            headers=_constant_headers(operation, reference, body, streamed),
            body=body,
            timeout=service.timeout,
            streamed=streamed,
            began=began,
            ends=None if deadline is None else began + deadline,
            reference=reference,
        )

    def _exchanged(self, call: _Call) -> Response:
        """Send a call until it succeeds, or its failure is final."""
        retries = self._chat_retries if call.operation.service is CHAT else self._platform_retries
        while True:
            call.token = self._token_for(call)
            outcome = self._attempted(call)
            if isinstance(outcome, Response):
                if self._budget:
                    self._budget.refund(call.retries)
                return outcome
            if self._logged_in_again(call, outcome):
                continue
            operation = call.operation
            further = retries.next(
                outcome,
                method=operation.method,
                has_idempotency_key=operation.takes_idempotency_key,
                left=self._left(call),
            )
            if further is None:
                raise outcome
            retries = further
            self._wait(call, retries.pause, outcome)

    def _attempted(self, call: _Call) -> Response | APIError:
        """Make one exchange, body included, and note what came of it."""
        if self.closed:
            raise ClientClosedError
        began = self.clock.monotonic()
        if call.ends is not None and began >= call.ends:
            raise DeadlineExceeded
        try:
            outcome = self._answered(call)
        except APIError as failure:
            outcome = failure
        if isinstance(outcome, APIError):
            self._cover(call, outcome)
        self._note(call, outcome, self.clock.monotonic() - began)
        return outcome

    def _answered(self, call: _Call) -> Response | APIError:
        began = self.clock.monotonic()
        call.last = self._headers(call)
        self._tell(self.hooks.on_request, call)
        response = self._followed(call)
        call.request_id, call.status = response.header(headers.REQUEST_ID), response.status
        if self.hooks.on_response:
            elapsed = self.clock.monotonic() - began
            seen = redact_headers(response.headers, self._secrets(call))
            self._tell(self.hooks.on_response, call, status=response.status, response_headers=seen, elapsed=elapsed)
        error = error_from_response(response, self.clock.now(), self.config.options["max_response_size"])
        if error is None and not call.streamed:
            response.read(self.config.options["max_response_size"])
        return error or response

    def _followed(self, call: _Call) -> Response:
        """Send a request, and follow its server from path to path: for what only reads, and a few times only."""
        response = self._transport.send(self._request(call, call.url))
        url = call.url
        for _ in range(defaults.MAX_REDIRECTS):
            target = redirect_of(response, call.operation.method, url)
            if target is None:
                return response
            response.read(self.config.options["max_response_size"])  # so that its connection can be used again
            url = target
            response = self._transport.send(self._request(call, url))
        if redirect_of(response, call.operation.method, url) is None:
            return response
        response.close()
        raise RedirectError(
            f"Redirect refused: the server sent us on more than {defaults.MAX_REDIRECTS} times", status=response.status
        )

    def _request(self, call: _Call, url: str) -> Request:
        return Request(call.operation.method, url, call.last, call.body, call.timeout, self._left(call))

    def _headers(self, call: _Call) -> dict[str, str]:
        """The headers of the next attempt: ours, who we are, and before them what the caller wants."""
        ours = {**call.headers, headers.ATTEMPT: str(len(call.attempts) + 1), **self._credentials(call)}
        if not self._own_headers:
            return ours
        return {
            **{name: value for name, value in ours.items() if name.lower() not in self._own_headers},
            **(self.config.options["headers"] or {}),
        }

    def _token_for(self, call: _Call) -> str | None:
        """The token that a call is sent with; a call about the login itself never has it renewed."""
        if "authorization" in self._own_headers:
            return None  # whoever sends their own has nothing here to renew
        if call.given_token is not None or not _takes_token(call.operation):
            return call.given_token
        if _is_about_login(call.operation):
            return self.tokens.token
        spend = partial(self._spent_for, call)
        return self.tokens.get_valid(self.clock.now(), spend, timeout=self._left(call))

    def _credentials(self, call: _Call) -> dict[str, str]:
        if call.operation.service is CHAT:
            key, user = self.identity.api_key, header_value(headers.USER_ID, self.identity.user_id())
            return {headers.USER_ID: user} | (
                {} if key is None else {headers.API_KEY: header_value(headers.API_KEY, key)}
            )
        return {"Authorization": header_value("Authorization", f"Bearer {call.token}")} if call.token else {}

    def _left(self, call: _Call) -> float | None:
        """Seconds until a call's deadline."""
        return None if call.ends is None else call.ends - self.clock.monotonic()

    def _note(self, call: _Call, outcome: Response | APIError, elapsed: float) -> None:
        attempt = Attempt(len(call.attempts) + 1, _name_of(outcome), elapsed, call.waited)
        call.attempts.append(attempt)
        if log.isEnabledFor(logging.DEBUG):
            self._write_down(call, attempt)

    def _write_down(self, call: _Call, attempt: Attempt) -> None:
        log.debug(
            "%s %s: %s in %.0f ms, attempt %d of %s, sent %s",
            call.operation.method,
            self._path(call),
            attempt.outcome,
            attempt.elapsed * 1000,
            attempt.number,
            call.reference,
            redact_headers(call.last, self._secrets(call)),
        )

    def _logged_in_again(self, call: _Call, error: APIError) -> bool:
        """Whether a refused token was replaced, so that the call is worth one more try. Calls to `/auth/*` never are:
        a wrong password would set off a refresh."""
        if call.token is None or call.renewed or not isinstance(error, AuthenticationError):
            return False
        if _is_about_login(call.operation):
            return False
        call.renewed, call.waited = True, 0.0
        try:
            renewed = (
                self.tokens.refresh(call.token, partial(self._spent_for, call), timeout=self._left(call)) is not None
            )
        except APIError as failure:
            call.elsewhere = failure if failure.method else None  # without one, no call was made: it is ours
            raise
        what = "renewed" if renewed else "not renewed"
        log.info("%s %s: the token was refused and %s", call.operation.method, self._path(call), what)
        return renewed

    def _wait(self, call: _Call, seconds: float, error: APIError) -> None:
        method = call.operation.method
        log.info("%s %s: %s; again in %.1f s", method, self._path(call), _name_of(error), seconds)
        self._tell(self.hooks.on_retry, call, error=error, delay=seconds)
        call.waited = seconds
        call.retries += 1
        self.clock.sleep(seconds, self._life.closing)

    @contextmanager
    def _told(self, call: _Call, *, ended: bool = True) -> Iterator[None]:
        """Write on an error which call it came from, and tell the observers when the call has ended."""
        failure: BaseException | None = None
        try:
            yield
        except GeneratorExit:  # whoever read the stream has left it
            raise
        except BaseException as error:
            failure = error
            self._write_on(error, call)
            raise
        finally:
            if ended or failure is not None:
                self._observed(call, failure)

    def _write_on(self, error: BaseException, call: _Call) -> None:
        if not isinstance(error, APIError):
            return
        if error is not call.elsewhere:
            self._cover(call, error)
            error.request_id = redact(call.request_id or call.reference, self._secrets(call))
            error.method, error.path = call.operation.method, self._path(call)
            error.attempts = tuple(call.attempts)
            error.elapsed = self.clock.monotonic() - call.began
        self._tell(self.hooks.on_error, call, error=error)

    def _observed(self, call: _Call, error: BaseException | None) -> None:
        if not self.observers:
            return
        elapsed = self.clock.monotonic() - call.began
        record = CallRecord(
            operation=call.operation,
            path=self._path(call),
            request_id=redact(call.request_id or call.reference, self._secrets(call)),
            started_at=self.clock.now() - timedelta(seconds=elapsed),
            elapsed=elapsed,
            attempts=tuple(call.attempts),
            status=error.status if isinstance(error, APIError) else call.status,
            error=error,
        )
        for observer in tuple(self.observers):
            try:
                observer(record)
            except Exception:  # whatever an observer may raise
                log.exception("An observer of %s failed", call.operation.id)

    def _tell(self, hook: Hook | None, call: _Call, **more: Any) -> None:
        """Tell a hook, if there is one."""
        if hook is None:
            return
        exchange = HookEvent(
            operation=call.operation.id,
            method=call.operation.method,
            path=self._path(call),
            request_id=call.reference,
            attempt=max(1, len(call.attempts) + (more.get("error") is None)),
            headers=redact_headers(call.last, self._secrets(call)),
            **{"elapsed": self.clock.monotonic() - call.began, **more},
        )
        tell(hook, exchange)

    def _cover(self, call: _Call, error: APIError) -> None:
        """Cover the secrets of a call in an error: a server may echo them."""
        known = self._secrets(call)
        error.message = redact(error.message, known)
        error.args = (error.message,)
        error.code = error.code and redact(error.code, known)
        error.details, error.data = redact_value(error.details, known), redact_value(error.data, known)
        error.errors = tuple(redact(text, known) for text in error.errors)

    def _path(self, call: _Call) -> str:
        """A call's path, fit to be shown: somebody may have taken a token for an id."""
        return redact(call.path, self._secrets(call))

    def _secrets(self, call: _Call) -> tuple[str, ...]:
        """What a call has sent that nobody else may see."""
        sent = {} if call.sent is None or call.operation.body is None else call.operation.body.dump(call.sent)
        values = [value for name, value in sent.items() if is_secret(name) and isinstance(value, str)]
        values += [value.removeprefix("Bearer ") for name, value in call.last.items() if is_secret(name)]
        return known_secrets([*values, call.token])

    def _met(self, operation: Operation[Any], name: str) -> None:
        """Say of a field that the contract does not know it, once."""
        met = (operation.id, name)
        if met not in self._strangers and len(self._strangers) < _MANY_FIELDS:
            self._strangers.add(met)
            log.warning(
                "The answer of %s has a field that the contract does not know: %s", met[0], escape_for_log(redact(name))
            )

    def _raw(self, call: _Call, response: Response, answer: T) -> RawResponse[T]:
        return RawResponse(
            parsed=answer,
            status=response.status,
            headers=response.headers,
            body=response.read(),
            request_id=call.request_id or call.reference,
            attempts=tuple(call.attempts),
            elapsed=self.clock.monotonic() - call.began,
        )


def _name_of(outcome: Response | APIError) -> str:
    named = isinstance(outcome, (Response, HTTPStatusError))
    return str(outcome.status) if named else type(outcome).__name__


def _takes_token(operation: Operation[Any]) -> bool:
    """Whether a call says who is logged in: not to the chat service, nor where nobody asks."""
    return operation.service is not CHAT and operation.access is not Access.PUBLIC


def _is_about_login(operation: Operation[Any]) -> bool:
    return operation.path.startswith("/auth/")


def _constant_headers(operation: Operation[Any], reference: str, body: bytes | None, streamed: bool) -> dict[str, str]:
    made = {
        "User-Agent": _USER_AGENT,
        "Accept": EVENT_STREAM_TYPE if streamed else JSON_TYPE,
        "Accept-Encoding": "identity" if streamed else "gzip, deflate",
        headers.REFERENCE_CODE: reference,
    }
    if body is not None:
        made["Content-Type"] = JSON_TYPE
    if operation.takes_idempotency_key:
        made[headers.IDEMPOTENCY_KEY] = idempotency_key()
    return made

"""Making a call: the request is built, sent until it succeeds or must not be sent again, and its answer is read."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from duologue._version import __version__
from duologue.calls import answer_of, body_of, error_of, header_value, path_of, query_of
from duologue.clock import Clock
from duologue.config import Config
from duologue.contract import CHAT, Model, Operation, auth, headers
from duologue.contract.words import Access
from duologue.errors import ApiException, Attempt, AuthenticationError, ClientClosed, StatusError
from duologue.ids import idempotency_key, reference_code
from duologue.keys import ChatIdentity
from duologue.retry import RetryPolicy
from duologue.tokens import StoredTokens, TokenHolder
from duologue.transport import Request, Response, Transport

T = TypeVar("T")

_log = logging.getLogger("duologue")

JSON_TYPE = "application/json"
EVENT_STREAM_TYPE = "text/event-stream"


@dataclass(slots=True)
class _Call:
    """One call on its way: what stays the same over its attempts, and what has come of them so far."""

    operation: Operation[Any]
    path: str
    url: str
    headers: dict[str, str]
    body: bytes | None
    timeout: float | None
    streamed: bool
    began: float
    reference: str
    request_id: str | None = None
    token: str | None = None
    renewed: bool = False
    waited: float = 0.0
    status: int = 0
    given_token: str | None = None
    attempts: list[Attempt] = field(default_factory=list)
    elsewhere: ApiException | None = None
    """An error of another call that ended this one; it tells its own story."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A call that has ended, as observers are told of it.

    Args:
        operation: which call of the contract.
        path: its path below the base URL, without the query.
        request_id: the id under which the server, or else the client, knows it.
        began: when it began, in UTC.
        elapsed: seconds until the whole answer was there, all attempts and waits included.
        attempts: the tries made.
        status: the HTTP status of the last answer, 0 if there was none, 408 if it took too long.
        error: what was raised, None if it succeeded or its stream was left early.
    """

    operation: Operation[Any]
    path: str
    request_id: str
    began: datetime
    elapsed: float
    attempts: tuple[Attempt, ...]
    status: int
    error: BaseException | None


@dataclass(frozen=True, slots=True)
class OpenAnswer:
    """An answer whose body is still to come.

    Args:
        response: the answer; whoever has it must close it.
        telling: a context in which an error learns which call it came from.
    """

    response: Response
    telling: Callable[[], AbstractContextManager[None]]


class Caller:
    """Makes the calls of one client; its resources share it.

    Args:
        config: the settings.
        transport: makes the exchanges.
        tokens: who we are on the platform.
        identity: who we are on the chat service.
        clock: the time, and waiting.

    Attributes:
        observers: called with each call that has ended, on its thread; what they raise is logged.
    """

    def __init__(
        self,
        *,
        config: Config,
        transport: Transport,
        tokens: TokenHolder,
        identity: ChatIdentity,
        clock: Clock,
    ) -> None:
        self.config = config
        self.tokens = tokens
        self.identity = identity
        self.clock = clock
        self.observers: list[Callable[[CallRecord], None]] = []
        self._transport = transport
        self._closing = threading.Event()
        self._platform_retries = RetryPolicy(config.max_retries, backoff_factor=config.retry_delay)
        self._chat_retries = RetryPolicy(config.chat_max_retries, backoff_factor=config.retry_delay)

    def call(self, operation: Operation[T], sent: Model | None = None, /, *, token: str | None = None, **ids: str) -> T:
        """Make a call and return its answer.

        Args:
            operation: which call of the contract.
            sent: its query or its body.
            token: the access token to send instead of the one that is kept.
            ids: the parameters of its path.

        Raises:
            ApiException: it failed; the class says how.
            ValueError: an argument that cannot be sent.
        """
        call = self._prepared(operation, sent, ids)
        call.given_token = token
        with self._told(call):
            return answer_of(operation, self._exchanged(call))

    def open(self, operation: Operation[Any], sent: Model, /, **ids: str) -> OpenAnswer:
        """Make a call whose answer is streamed, and return the answer with its body still to come; close it."""
        call = self._prepared(operation, sent, ids, streamed=True)
        with self._told(call, ended=False):
            return OpenAnswer(self._exchanged(call), lambda: self._told(call))

    def close(self) -> None:
        """Refuse further calls, and end the waiting of those that are about to be tried again."""
        self._closing.set()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closing.is_set()

    def renew(self, failing: str | None = None) -> StoredTokens | None:
        """Exchange the refresh token for new tokens; see `TokenHolder.renew`."""
        return self.tokens.renew(failing, self._spend)

    def fresh_token(self) -> str | None:
        """Return the access token to use now, renewed if it is about to end; see `TokenHolder.fresh`."""
        return self.tokens.fresh(self.clock.now(), self._spend)

    def _spend(self, refresh_token: str) -> StoredTokens:
        fresh = self.call(auth.REFRESH, auth.RefreshRequest(refresh_token))
        return StoredTokens.received(fresh, self.clock.now())

    def _prepared(
        self, operation: Operation[Any], sent: Model | None, ids: dict[str, str], *, streamed: bool = False
    ) -> _Call:
        path = path_of(operation, ids)
        base = self.config.chat_url if operation.service is CHAT else self.config.base_url
        body = body_of(operation, sent)
        reference = reference_code(self.clock.now())
        return _Call(
            operation=operation,
            path=path,
            url=base.rstrip("/") + path + query_of(operation, sent),
            headers=_constant_headers(operation, reference, body, streamed),
            body=body,
            timeout=self.config.chat_timeout if operation.service is CHAT else self.config.timeout,
            streamed=streamed,
            began=self.clock.monotonic(),
            reference=reference,
        )

    def _exchanged(self, call: _Call) -> Response:
        """Send a call until it succeeds, or its failure is final."""
        retries = self._chat_retries if call.operation.service is CHAT else self._platform_retries
        while True:
            call.token = self._token_for(call)
            outcome = self._attempted(call)
            if isinstance(outcome, Response):
                return outcome
            if self._logged_in_again(call, outcome):
                continue
            further = retries.after(outcome, method=call.operation.method, keyed=call.operation.keyed)
            if further is None:
                raise outcome
            retries = further
            self._wait(call, retries.delay(outcome), outcome)

    def _attempted(self, call: _Call) -> Response | ApiException:
        """Make one exchange, body included, and note what came of it."""
        if self._closing.is_set():
            raise ClientClosed
        began = self.clock.monotonic()
        try:
            outcome = self._answered(call)
        except ApiException as failure:
            outcome = failure
        self._note(call, outcome, self.clock.monotonic() - began)
        return outcome

    def _answered(self, call: _Call) -> Response | ApiException:
        response = self._transport.send(self._request(call))
        call.request_id, call.status = response.header(headers.REQUEST_ID), response.status
        error = error_of(response, self.clock.now())
        if error is None and not call.streamed:
            response.read()
        return error or response

    def _request(self, call: _Call) -> Request:
        sent = {**call.headers, headers.ATTEMPT: str(len(call.attempts) + 1), **self._credentials(call)}
        checked = {name: header_value(name, value) for name, value in sent.items()}
        return Request(call.operation.method, call.url, checked, call.body, call.timeout)

    def _token_for(self, call: _Call) -> str | None:
        """The token that a call is sent with; a call about the login itself never has it renewed."""
        if call.given_token is not None or not _takes_token(call.operation):
            return call.given_token
        if _is_about_login(call.operation):
            return self.tokens.token
        return self.fresh_token()

    def _credentials(self, call: _Call) -> dict[str, str]:
        if call.operation.service is CHAT:
            key = self.identity.api_key
            return {headers.USER_ID: self.identity.user_id()} | ({} if key is None else {headers.API_KEY: key})
        return {"Authorization": f"Bearer {call.token}"} if call.token else {}

    def _note(self, call: _Call, outcome: Response | ApiException, elapsed: float) -> None:
        attempt = Attempt(len(call.attempts) + 1, _name_of(outcome), elapsed, call.waited)
        call.attempts.append(attempt)
        _log.debug("%s %s: %s in %.0f ms", call.operation.method, call.path, attempt.outcome, elapsed * 1000)

    def _logged_in_again(self, call: _Call, error: ApiException) -> bool:
        """Whether a refused token was replaced, so that the call is worth one more try. Calls to `/auth/*` never are:
        a wrong password would set off a refresh."""
        if call.token is None or call.renewed or not isinstance(error, AuthenticationError):
            return False
        if _is_about_login(call.operation):
            return False
        call.renewed, call.waited = True, 0.0
        try:
            return self.renew(call.token) is not None
        except ApiException as failure:
            call.elsewhere = failure
            raise

    def _wait(self, call: _Call, seconds: float, error: ApiException) -> None:
        _log.info("%s %s: %s; again in %.1f s", call.operation.method, call.path, _name_of(error), seconds)
        call.waited = seconds
        self.clock.sleep(seconds, self._closing)

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
        if isinstance(error, ApiException) and error is not call.elsewhere:
            error.request_id = call.request_id or call.reference
            error.method, error.path = call.operation.method, call.path
            error.attempts = tuple(call.attempts)
            error.elapsed = self.clock.monotonic() - call.began

    def _observed(self, call: _Call, error: BaseException | None) -> None:
        elapsed = self.clock.monotonic() - call.began
        record = CallRecord(
            operation=call.operation,
            path=call.path,
            request_id=call.request_id or call.reference,
            began=self.clock.now() - timedelta(seconds=elapsed),
            elapsed=elapsed,
            attempts=tuple(call.attempts),
            status=error.status if isinstance(error, ApiException) else call.status,
            error=error,
        )
        for observer in tuple(self.observers):
            try:
                observer(record)
            except Exception:  # whatever an observer may raise
                _log.exception("An observer of %s failed", call.operation.id)


def _name_of(outcome: Response | ApiException) -> str:
    named = isinstance(outcome, (Response, StatusError))
    return str(outcome.status) if named else type(outcome).__name__


def _takes_token(operation: Operation[Any]) -> bool:
    """Whether a call says who is logged in: not to the chat service, nor where nobody asks."""
    return operation.service is not CHAT and operation.access is not Access.NOBODY_ASKED


def _is_about_login(operation: Operation[Any]) -> bool:
    return operation.path.startswith("/auth/")


def _constant_headers(operation: Operation[Any], reference: str, body: bytes | None, streamed: bool) -> dict[str, str]:
    made = {
        "User-Agent": f"duologue/{__version__}",
        "Accept": EVENT_STREAM_TYPE if streamed else JSON_TYPE,
        "Accept-Encoding": "identity" if streamed else "gzip, deflate",
        headers.REFERENCE_CODE: reference,
    }
    if body is not None:
        made["Content-Type"] = JSON_TYPE
    if operation.keyed:
        made[headers.IDEMPOTENCY_KEY] = idempotency_key()
    return made

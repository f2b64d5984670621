"""From a request for an operation to its response: the only place where handlers and HTTP meet."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from duologue._version import __version__
from duologue.contract import operations
from duologue.contract.core import Model, Operation
from duologue.contract.fields import format_timestamp
from duologue_mock import auth, chats, health, messages, smart_chat, users
from duologue_mock.assistant import ReplyEngine
from duologue_mock.errors import HTTPError
from duologue_mock.handler_registry import Handler, Progress, get_handler
from duologue_mock.http import event_stream
from duologue_mock.http.authentication import authorize
from duologue_mock.http.idempotency import Claim, IdempotencyKeys
from duologue_mock.http.messages import JSON, NO_STORE, REVALIDATE, Request, Response, json_bytes
from duologue_mock.http.parsing import parse_body, parse_query
from duologue_mock.http.preconditions import check_preconditions, has_preconditions
from duologue_mock.store import State
from duologue_mock.tokens import TokenService

HANDLER_MODULES = (users, auth, chats, messages, smart_chat, health)
"""The modules whose import registers the handlers."""


class Dispatcher:
    """Calls the handlers of operations and builds their responses.

    Args:
        state: handed to the handlers.
        token_service: handed to the handlers.
        reply_engine: handed to the handlers.
        idempotency_keys: the idempotency keys in use and their responses.
        log_unexpected_error: logs an exception that broke a stream after its head was sent, and returns its error.
    """

    def __init__(
        self,
        state: State,
        token_service: TokenService,
        reply_engine: ReplyEngine,
        idempotency_keys: IdempotencyKeys,
        log_unexpected_error: Callable[[Request, BaseException], HTTPError],
    ) -> None:
        self._state = state
        self._idempotency_keys = idempotency_keys
        self._services = {"state": state, "token_service": token_service, "reply_engine": reply_engine}
        self._log_unexpected_error = log_unexpected_error
        self._handlers: dict[Operation[Any], Handler] = {
            operation: get_handler(operation) for operation in operations()
        }
        self._with_location = _find_operations_with_location()
        self._getters = {
            operation: _find_getter(operation)
            for operation in operations()
            if operation.is_conditional and not operation.safe
        }

    def dispatch(self, operation: Operation[Any], request: Request) -> Response:
        """Return the response to a request whose caller is identified.

        The caller is authorized; the input is parsed; the idempotency key, if any, is claimed; the preconditions are
        checked; then the handler is called, while nothing else changes the state.

        Raises:
            HTTPError: one of these failed, or the handler raised it.
        """
        assert request.principal is not None
        authorize(operation, request.principal, request.args)
        query = parse_query(operation, request.query_string) if operation.query else None
        body = parse_body(operation, request) if operation.body else None
        if not operation.takes_idempotency_key:
            return self._perform(operation, request, query, body, None)
        claim, replay = self._idempotency_keys.claim(request, f"{operation.service.name}:{request.principal.key}")
        if replay is not None:
            return event_stream.convert_replay(replay) if event_stream.is_wanted(operation, request) else replay
        try:
            return self._perform(operation, request, query, body, claim)
        except HTTPError as error:
            if claim is not None:
                claim.complete(self.error_response(error, request))
            raise
        except BaseException:
            if claim is not None:
                claim.release()
            raise

    def forget_idempotency_keys(self) -> None:
        """Handle requests anew whose key was used before: what their responses speak of may be gone."""
        self._idempotency_keys.clear()

    def error_response(self, error: HTTPError, request: Request) -> Response:
        """Return the response that reports an error."""
        body = error.body(timestamp=self._state.clock.now(), request_id=request.id, version=__version__)
        return Response(error.status, [("Content-Type", JSON), NO_STORE, *error.headers], json_bytes(body), error=error)

    def _perform(
        self, operation: Operation[Any], request: Request, query: Model | None, body: Model | None, claim: Claim | None
    ) -> Response:
        if operation.streams:
            return self._perform_stream(operation, request, body, claim)
        with self._state:
            self._check_change(operation, request)
            model = self._call_handler(operation, request, query=query, body=body)
            response = self._build_response(operation, request, model)
        if claim is not None:
            claim.complete(response)
        return response

    def _call_handler(self, operation: Operation[Any], request: Request, **parsed: Any) -> Any:
        handler = self._handlers[operation]
        arguments = {**self._services, "principal": request.principal, **request.args, **parsed}
        return handler.function(**{name: arguments[name] for name in handler.parameters})

    def _check_change(self, operation: Operation[Any], request: Request) -> None:
        """Check the preconditions of a change, on what it changes as a `GET` of it returns it now.

        What the `GET` refuses, as a missing resource, is refused here: a condition makes a 404 no 412 (RFC 9110,
        section 13.2.1).
        """
        getter = self._getters.get(operation)
        if getter is None or not has_preconditions(request):
            return
        assert getter.response is not None
        query = None if getter.query is None else getter.query.load({})
        data = getter.response.dump(self._call_handler(getter, request, query=query))
        check_preconditions(request, _build_etag(json_bytes(data)), safe=False)

    def _build_response(self, operation: Operation[Any], request: Request, model: Any) -> Response:
        if operation.response is None:
            return Response(operation.status, [NO_STORE])
        data = operation.response.dump(model)
        body = json_bytes(data)
        if operation.has_etag:
            tag = _build_etag(body)
            headers = [("Content-Type", JSON), ("ETag", tag), REVALIDATE]
            if operation.safe and has_preconditions(request) and check_preconditions(request, tag, safe=True):
                return Response(304, headers[1:])
        else:
            headers = [("Content-Type", JSON), NO_STORE]
        if operation in self._with_location:
            headers.append(("Location", f"{operation.route.format_map(request.args)}/{model.id}"))
        if operation.enveloped:
            body = self._build_envelope(operation, request, data)
        return Response(operation.status, headers, body)

    def _build_envelope(self, operation: Operation[Any], request: Request, data: dict[str, Any]) -> bytes:
        timestamp = format_timestamp(self._state.clock.now())
        metadata = {"timestamp": timestamp, "requestId": request.id, "version": __version__}
        content = data if operation.paged else {"data": data}
        return json_bytes({**content, "message": operation.message, "metadata": metadata})

    def _perform_stream(
        self, operation: Operation[Any], request: Request, body: Model | None, claim: Claim | None
    ) -> Response:
        progress = Progress() if claim is None else claim.progress
        if progress.message_id is None:  # else an earlier attempt has made a part of the change already
            with self._state:
                self._check_change(operation, request)
        streaming = event_stream.is_wanted(operation, request)
        items = self._call_handler(operation, request, body=body, streaming=streaming, progress=progress)
        first = next(items)  # raises what can be refused before a byte is sent
        if streaming:
            stream = self._stream_events(operation, request, chain([first], items), items, claim)
            next(stream)  # from here on, whatever ends the response ends the generator in its `try`
            return Response(200, event_stream.build_headers(), stream=stream)
        [message] = deque(chain([first], items), maxlen=1)
        response = self._build_response(operation, request, message)
        if claim is not None:
            claim.complete(response)
        return response

    def _stream_events(
        self, operation: Operation[Any], request: Request, items: Iterator[Any], handler: Any, claim: Claim | None
    ) -> Iterator[bytes]:
        try:
            yield b""
            for item in items:
                if event_stream.is_last(item) and claim is not None:
                    claim.complete(self._build_response(operation, request, item))
                yield event_stream.format_item(item, operation)
        except GeneratorExit:
            handler.close()
            raise
        except Exception as error:
            http_error = error if isinstance(error, HTTPError) else self._log_unexpected_error(request, error)
            yield event_stream.format_error(self.error_response(http_error, request))
        finally:
            if claim is not None:
                claim.release()


def _find_getter(operation: Operation[Any]) -> Operation[Any] | None:
    """Return the operation that reads what this one changes: the GET of its path, or of the nearest one above it."""
    candidates = [
        other
        for other in operations()
        if other.safe
        and other.service is operation.service
        and other.parameters == operation.parameters
        and (operation.path + "/").startswith(other.path + "/")
    ]
    return max(candidates, key=lambda other: len(other.path), default=None)


def _find_operations_with_location() -> frozenset[Operation[Any]]:
    """Return the operations that create something which another operation gets by its id."""
    routes = {other.route for other in operations() if other.safe}
    return frozenset(one for one in operations() if one.status == 201 and f"{one.route}/{{id}}" in routes)


def _build_etag(body: bytes) -> str:
    return f'"{hashlib.blake2b(body, digest_size=9).hexdigest()}"'

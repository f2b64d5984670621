"""From a request for an operation to its reply: the only place where handlers and HTTP meet."""

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
from duologue.contract.smart_chat import SSE_COMPLETED, SSE_DELTA, SSE_ERROR, Delta, DeltaSchema
from duologue_mock import auth, chats, health, messages, smart_chat, users
from duologue_mock.assistant import ReplyEngine
from duologue_mock.errors import HTTPError
from duologue_mock.handler_registry import Handler, get_handler
from duologue_mock.http.authentication import authorize
from duologue_mock.http.idempotency import Claim, IdempotencyKeys
from duologue_mock.http.messages import JSON, Request, Response, json_bytes
from duologue_mock.http.parsing import body_model, query_model
from duologue_mock.settings import Settings
from duologue_mock.store import State
from duologue_mock.tokens import TokenService

ANSWERING = (users, auth, chats, messages, smart_chat, health)
"""The modules whose import registers the handlers."""

EVENT_STREAM = "text/event-stream"
_DELTA = DeltaSchema()


class Dispatcher:
    """Answers operations.

    Args:
        settings: the body limit.
        state: handed to the handlers.
        token_service: handed to the handlers.
        replies: handed to the handlers.
        keys: the idempotency keys seen.
        report: told of an exception that broke a stream after its beginning was sent.
    """

    def __init__(
        self,
        settings: Settings,
        state: State,
        token_service: TokenService,
        reply_engine: ReplyEngine,
        keys: IdempotencyKeys,
        report: Callable[[Request, BaseException], HTTPError],
    ) -> None:
        self._max_body = settings.max_request_size
        self._state = state
        self._keys = keys
        self._given = {"state": state, "token_service": token_service, "reply_engine": reply_engine}
        self._report = report
        self._handlers: dict[Operation[Any], Handler] = {
            operation: get_handler(operation) for operation in operations()
        }
        self._locatable = _locatable()
        self._targets = {operation: _target_of(operation) for operation in operations()}

    def answer(self, operation: Operation[Any], request: Request) -> Response:
        """Return the reply to a request whose caller is known.

        The caller may do it; the input is what the contract says; the idempotency key, if any, is ours to use; the
        preconditions hold; then the handler runs, with nothing else changing meanwhile.
        """
        assert request.principal is not None
        authorize(operation, request.principal, request.args)
        query = query_model(operation, request.query_string) if operation.query else None
        body = body_model(operation, request, self._max_body) if operation.body else None
        if not operation.takes_idempotency_key:
            return self._perform(operation, request, query, body, None)
        claim, replay = self._keys.begin(request, f"{operation.service.name}:{request.principal.key}")
        if replay is not None:
            return _as_stream(operation, request, replay) if _wants_stream(operation, request) else replay
        try:
            return self._perform(operation, request, query, body, claim)
        except HTTPError as refusal:
            if claim is not None:
                claim.complete(self.error_response(refusal, request))
            raise
        except BaseException:
            if claim is not None:
                claim.release()
            raise

    def error_response(self, refusal: HTTPError, request: Request) -> Response:
        """Return the reply that says no."""
        body = refusal.body(timestamp=self._state.clock.now(), request_id=request.id, version=__version__)
        return Response(refusal.status, [("Content-Type", JSON), *refusal.headers], json_bytes(body))

    def _perform(
        self, operation: Operation[Any], request: Request, query: Model | None, body: Model | None, claim: Claim | None
    ) -> Response:
        if operation.streams:
            return self._perform_stream(operation, request, body, claim)
        with self._state:
            self._check_preconditions(operation, request)
            reply = self._success(operation, request, self._call(operation, request, query=query, body=body))
        if claim is not None:
            claim.complete(reply)
        return reply

    def _call(self, operation: Operation[Any], request: Request, **more: Any) -> Any:
        handler = self._handlers[operation]
        given = {**self._given, "principal": request.principal, **request.args, **more}
        return handler.function(**{name: given[name] for name in handler.wants})

    def _check_preconditions(self, operation: Operation[Any], request: Request) -> None:
        """`If-Match` on changes (RFC 9110, section 13.1.1)."""
        wanted = request.header("HTTP_IF_MATCH")
        target = self._targets[operation]
        if wanted is None or target is None or not operation.supports_if_match:
            return
        current = _etag(json_bytes(_wire(target, self._call(target, request))))
        tags = [tag.strip() for tag in wanted.split(",")]
        if "*" not in tags and current not in tags:
            hint = f"Its ETag is {current} now; get it again and repeat the change."
            raise HTTPError(412, "The resource has changed meanwhile", hint=hint)

    def _success(self, operation: Operation[Any], request: Request, model: Any) -> Response:
        if operation.response is None:
            return Response(operation.status, [])
        wire = _wire(operation, model)
        bare = json_bytes(wire)
        headers = [("Content-Type", JSON)]
        if operation.has_etag:
            tag = _etag(bare)
            headers.append(("ETag", tag))
            if operation.safe and _none_match(request, tag):
                return Response(304, headers[1:])
        if operation in self._locatable:
            headers.append(("Location", f"{operation.route.format_map(request.args)}/{model.id}"))
        return Response(operation.status, headers, self._envelope(operation, request, wire) or bare)

    def _envelope(self, operation: Operation[Any], request: Request, wire: dict[str, Any]) -> bytes | None:
        if not operation.enveloped:
            return None
        now = format_timestamp(self._state.clock.now())
        inner = wire if operation.paged else {"data": wire}
        metadata = {"timestamp": now, "requestId": request.id, "version": __version__}
        return json_bytes({**inner, "message": operation.message, "metadata": metadata})

    def _perform_stream(
        self, operation: Operation[Any], request: Request, body: Model | None, claim: Claim | None
    ) -> Response:
        streaming = _wants_stream(operation, request)
        items = self._call(operation, request, body=body, streaming=streaming)
        first = next(items)  # what can be refused is refused here, before a byte is sent
        if streaming:
            return Response(
                200,
                [("Content-Type", f"{EVENT_STREAM}; charset=utf-8"), ("Cache-Control", "no-cache")],
                stream=self._events(operation, request, first, items, claim),
            )
        reply = self._success(operation, request, deque(chain([first], items), maxlen=1)[0])
        if claim is not None:
            claim.complete(reply)
        return reply

    def _events(
        self, operation: Operation[Any], request: Request, first: Any, items: Iterator[Any], claim: Claim | None
    ) -> Iterator[bytes]:
        settled = False
        try:
            for item in chain([first], items):
                if not isinstance(item, Delta) and claim is not None:
                    claim.complete(self._success(operation, request, item))
                    settled = True
                yield _event(item, operation)
        except GeneratorExit:
            items.close()  # type: ignore[attr-defined]  # handlers of streams are generators
            raise
        except Exception as error:
            refusal = error if isinstance(error, HTTPError) else self._report(request, error)
            yield _sse(SSE_ERROR, self.error_response(refusal, request).body)
        finally:
            if claim is not None and not settled:
                claim.release()


def _target_of(operation: Operation[Any]) -> Operation[Any] | None:
    """The operation that gets what this one changes: the GET of the same path, or of the nearest one above it."""
    candidates = [
        other
        for other in operations()
        if other.safe
        and other.service is operation.service
        and other.parameters == operation.parameters
        and other.query is None
        and (operation.path + "/").startswith(other.path + "/")
    ]
    return max(candidates, key=lambda other: len(other.path), default=None)


def _locatable() -> frozenset[Operation[Any]]:
    """The operations that make something which another operation gets by its id."""
    gets = {other.route for other in operations() if other.safe}
    return frozenset(one for one in operations() if one.status == 201 and f"{one.route}/{{id}}" in gets)


def _wire(operation: Operation[Any], model: Any) -> dict[str, Any]:
    assert operation.response is not None
    return operation.response.dump(model)


def _etag(body: bytes) -> str:
    return f'"{hashlib.blake2b(body, digest_size=9).hexdigest()}"'


def _none_match(request: Request, tag: str) -> bool:
    """`If-None-Match` on reads compares weakly (RFC 9110, section 13.1.2)."""
    sent = request.header("HTTP_IF_NONE_MATCH")
    if sent is None:
        return False
    return any(one.strip().removeprefix("W/") in (tag, "*") for one in sent.split(","))


def _wants_stream(operation: Operation[Any], request: Request) -> bool:
    return operation.streams and EVENT_STREAM in (request.header("HTTP_ACCEPT") or "").lower()


def _event(item: Model, operation: Operation[Any]) -> bytes:
    if isinstance(item, Delta):
        return _sse(SSE_DELTA, json_bytes(_DELTA.dump(item)))
    return _sse(SSE_COMPLETED, json_bytes(_wire(operation, item)))


def _sse(event: str, data: bytes) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (event.encode(), data)


def _as_stream(operation: Operation[Any], request: Request, replay: Response) -> Response:
    """A replayed answer as the stream that was asked for: one piece, then the whole."""
    import json

    if replay.status >= 400:
        return replay
    message = json.loads(replay.body)["data"]
    delta = {"id": message["_id"], "delta": message["content"]}
    body = _sse(SSE_DELTA, json_bytes(delta)) + _sse(SSE_COMPLETED, json_bytes(message))
    headers = [(name, value) for name, value in replay.headers if name not in ("Content-Type", "ETag")]
    return Response(200, [("Content-Type", f"{EVENT_STREAM}; charset=utf-8"), *headers], body)

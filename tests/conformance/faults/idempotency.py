"""Faults of idempotency keys."""

from __future__ import annotations

from typing import Any

from duologue.contract import auth, chats, messages, users
from duologue_mock.http import idempotency
from duologue_mock.http.dispatch import Dispatcher
from duologue_mock.http.idempotency import Claim, IdempotencyKeys
from tests.conformance.planting import Fault, Plant, change_response, set_value, wrap


def _ignore_key(*operations: Any) -> Plant:
    """Do the work again, as if there were no key."""

    def dispatch(original: Any, self: Dispatcher, operation: Any, request: Any) -> Any:
        if operation in operations:
            request.environ.pop("HTTP_IDEMPOTENCY_KEY", None)
        return original(self, operation, request)

    return wrap(Dispatcher, "dispatch", dispatch)


def _repeat_replayed(original: Any, self: Dispatcher, operation: Any, request: Any) -> Any:
    """A replay has the first response, and does the work once more."""
    response = original(self, operation, request)
    if any(name == "Idempotency-Replayed" for name, _ in response.headers) and operation is chats.CREATE:
        request.environ.pop("HTTP_IDEMPOTENCY_KEY", None)
        original(self, operation, request)
    return response


def _claim_with(change: Any) -> Plant:
    """Claim another key, or for another caller."""
    return wrap(IdempotencyKeys, "claim", lambda claim, self, request, caller: change(claim, self, request, caller))


def _compare_no_body(claim: Any, self: IdempotencyKeys, request: Any, caller: str) -> Any:
    sent, request.body = request.body, b""
    try:
        return claim(self, request, caller)
    finally:
        request.body = sent


def _share_between_users(claim: Any, self: IdempotencyKeys, request: Any, caller: str) -> Any:
    return claim(self, request, "everyone")


def _share_between_operations(claim: Any, self: IdempotencyKeys, request: Any, caller: str) -> Any:
    operation, args = request.operation, request.args
    request.operation, request.args = chats.RENAME, {}
    try:
        return claim(self, request, caller)
    finally:
        request.operation, request.args = operation, args


def _cut_key(claim: Any, self: IdempotencyKeys, request: Any, caller: str) -> Any:
    key = request.environ.get("HTTP_IDEMPOTENCY_KEY")
    if key is not None and len(key) <= 255:
        request.environ["HTTP_IDEMPOTENCY_KEY"] = key[:128]
    return claim(self, request, caller)


def _fold_key(claim: Any, self: IdempotencyKeys, request: Any, caller: str) -> Any:
    key = request.environ.get("HTTP_IDEMPOTENCY_KEY")
    if key is not None:
        request.environ["HTTP_IDEMPOTENCY_KEY"] = key.lower()
    return claim(self, request, caller)


def _ignore_empty_key(claim: Any, self: IdempotencyKeys, request: Any, caller: str) -> Any:
    if not request.environ.get("HTTP_IDEMPOTENCY_KEY", "x").strip():
        del request.environ["HTTP_IDEMPOTENCY_KEY"]
    return claim(self, request, caller)


def _limit_key(shortest_refused: int) -> Plant:
    """Refuse keys from this length on."""

    def check(original: Any, key: str) -> None:
        original("" if len(key) >= shortest_refused else key[:255])

    return wrap(idempotency, "_check", check)


def _strip_marker(response: Any, _: Any) -> Any:
    response.headers = [header for header in response.headers if header[0] != "Idempotency-Replayed"]
    return response


def _mark_all(response: Any, request: Any) -> Any:
    if request.header("HTTP_IDEMPOTENCY_KEY") and all(name != "Idempotency-Replayed" for name, _ in response.headers):
        response.headers.append(("Idempotency-Replayed", "true"))
    return response


def _replay_as_200(response: Any, _: Any) -> Any:
    if any(name == "Idempotency-Replayed" for name, _ in response.headers):
        response.status = 200
    return response


def _drop_location(original: Any, response: Any) -> Any:
    replay = original(response)
    replay.headers = [header for header in replay.headers if header[0] != "Location"]
    return replay


def _store_412(patch: Any) -> None:
    patch.setattr(idempotency, "NOT_STORED", frozenset())


def _forget_errors(original: Any, self: Claim, response: Any) -> None:
    if response.status >= 400:
        self.release()
    else:
        original(self, response)


ALL = (users.CREATE, auth.LOGIN, auth.REFRESH, chats.CREATE, chats.RENAME, chats.FAVORITE, messages.SEND)

FAULTS = [
    Fault(
        "idempotency.ignored-by-users",
        "idempotency.replay",
        "Creating a user ignores the key.",
        _ignore_key(users.CREATE),
    ),
    Fault(
        "idempotency.ignored-by-favorite",
        "idempotency.toggle-once",
        "A favorite is toggled again under the same key.",
        _ignore_key(chats.FAVORITE),
    ),
    Fault(
        "idempotency.ignored-by-refresh",
        "idempotency.refresh-once",
        "A refresh that is repeated under its key spends its token again.",
        _ignore_key(auth.REFRESH),
    ),
    Fault(
        "idempotency.work-repeated",
        "idempotency.session-once",
        "A replay does the work again.",
        wrap(Dispatcher, "dispatch", _repeat_replayed),
    ),
    Fault(
        "idempotency.body-not-compared",
        "idempotency.other-body",
        "The same key with another body is replayed.",
        _claim_with(_compare_no_body),
    ),
    Fault(
        "idempotency.shared-by-users",
        "idempotency.chat-users",
        "Users share their keys.",
        _claim_with(_share_between_users),
    ),
    Fault(
        "idempotency.shared-by-paths",
        "responses.status",
        "Paths share keys.",
        _claim_with(_share_between_operations),
        met_by="idempotency.paths",
    ),
    Fault(
        "idempotency.key-cut",
        "idempotency.key-exact",
        "Only the first 128 characters of a key count.",
        _claim_with(_cut_key),
    ),
    Fault(
        "idempotency.key-case",
        "idempotency.key-exact",
        "Keys are compared without regard to case.",
        _claim_with(_fold_key),
    ),
    Fault(
        "idempotency.empty-key",
        "idempotency.key-invalid",
        "An empty key is ignored.",
        _claim_with(_ignore_empty_key),
    ),
    Fault(
        "idempotency.key-255",
        "idempotency.key-length",
        "A key of 255 characters is refused.",
        _limit_key(255),
    ),
    Fault(
        "idempotency.key-256",
        "idempotency.key-invalid",
        "A key of 256 characters is accepted.",
        _limit_key(257),
    ),
    Fault(
        "idempotency.not-marked",
        "idempotency.replay",
        "A replay has no `Idempotency-Replayed`.",
        change_response(_strip_marker, *ALL),
    ),
    Fault(
        "idempotency.first-marked",
        "idempotency.replay",
        "The first response has `Idempotency-Replayed`.",
        change_response(_mark_all, *ALL),
    ),
    Fault(
        "idempotency.replay-is-200",
        "responses.status",
        "A replay has the status 200, whatever the first had.",
        change_response(_replay_as_200, *ALL),
        met_by="idempotency.replay",
    ),
    Fault(
        "idempotency.location-lost",
        "responses.location",
        "A replay has no `Location`.",
        wrap(idempotency, "_build_replay", _drop_location),
        met_by="idempotency.replay",
    ),
    Fault(
        "idempotency.412-stored",
        "idempotency.412-not-stored",
        "A 412 is replayed.",
        _store_412,
    ),
    Fault(
        "idempotency.errors-forgotten",
        "idempotency.errors",
        "A 409 is not replayed.",
        wrap(Claim, "complete", _forget_errors),
    ),
    Fault(
        "idempotency.forgotten-after-an-hour",
        "idempotency.kept-for-a-day",
        "Keys are forgotten after an hour.",
        set_value(idempotency, "LIFETIME", 3600.0),
    ),
    Fault(
        "idempotency.never-forgotten",
        "idempotency.forgotten-after-a-day",
        "Keys are kept for good.",
        set_value(idempotency, "LIFETIME", 1e12),
    ),
]

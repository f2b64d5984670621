"""Faults of shape: what single responses look like."""

from __future__ import annotations

from typing import Any

from duologue.contract import auth, chats, health, messages, smart_chat, users
from tests.conformance.planting import (
    Fault,
    change_data,
    change_error,
    change_error_status,
    change_json,
    change_status,
    each_item,
    with_fields,
    without,
)


def _change_metadata(change: Any) -> Any:
    return lambda body: {**body, "metadata": change(body["metadata"])}


def _cut_milliseconds(session: dict[str, Any]) -> dict[str, Any]:
    return {**session, "createdAt": session["createdAt"][:19] + "Z"}


def _use_offset(message: dict[str, Any]) -> dict[str, Any]:
    return {**message, "createdAt": message["createdAt"].replace("Z", "+00:00")}


FAULTS = [
    Fault(
        "shape.created-is-200",
        "responses.status",
        "Creating a user is reported with 200 in place of 201.",
        change_status(200, users.CREATE),
        met_by="users.CREATE.created",
    ),
    Fault(
        "shape.deleted-is-200",
        "responses.status",
        "Deleting a session is reported with 200 in place of 204.",
        change_status(200, chats.DELETE),
        met_by="chats.DELETE.deleted",
    ),
    Fault(
        "shape.reply-is-200",
        "responses.media-type",
        "A smart-chat reply has the status 200 in place of 201.",
        change_status(200, smart_chat.ASK),
        met_by="smart_chat.ASK.reply",
    ),
    Fault(
        "shape.user-without-role",
        "responses.body",
        "A created user has no `role`.",
        change_json(without("role"), users.CREATE),
        met_by="users.CREATE.created",
    ),
    Fault(
        "shape.user-with-created-at",
        "responses.body",
        "A user that is read has a field which users do not have.",
        change_json(with_fields(createdAt="2024-01-01T00:00:00.000Z"), users.GET),
        met_by="users.CREATE.location",
    ),
    Fault(
        "shape.user-id-number",
        "responses.body",
        "The id of a user is a number.",
        change_json(lambda user: {**user, "id": int(user["id"])}, users.CREATE),
        met_by="users.CREATE.created",
    ),
    Fault(
        "shape.next-page-null",
        "responses.body",
        "The last page has `nextPage: null` in place of leaving it out.",
        change_json(lambda page: {"nextPage": None, **page}, users.LIST),
        met_by="users.LIST.full-last-page",
    ),
    Fault(
        "shape.total-text",
        "responses.body",
        "`total` is text.",
        change_json(lambda page: {**page, "total": str(page["total"])}, users.LIST),
        met_by="users.LIST.walk-complete",
    ),
    Fault(
        "shape.has-more-number",
        "responses.body",
        "`hasMore` is 1 or 0 in place of true or false.",
        change_json(lambda page: {**page, "hasMore": int(page["hasMore"])}, users.LIST),
        met_by="users.LIST.walk-complete",
    ),
    Fault(
        "shape.favorite-number",
        "responses.body",
        "`isFavorite` of a created session is 0 in place of false.",
        change_data(lambda session: {**session, "isFavorite": int(session["isFavorite"])}, chats.CREATE),
        met_by="chats.CREATE.created",
    ),
    Fault(
        "shape.has-prev-number",
        "responses.body",
        "`hasNext` and `hasPrev` of messages are numbers.",
        change_json(
            lambda body: {
                **body,
                "pagination": {
                    **body["pagination"],
                    "hasNext": int(body["pagination"]["hasNext"]),
                    "hasPrev": int(body["pagination"]["hasPrev"]),
                },
            },
            messages.LIST,
        ),
        met_by="messages.LIST.walk-complete",
    ),
    Fault(
        "shape.context-null",
        "responses.body",
        "A message without context has `context: null`.",
        change_data(lambda message: {"context": None, **message}, messages.SEND),
        met_by="messages.SEND.created",
    ),
    Fault(
        "shape.session-id-name",
        "responses.body",
        "A session that is read has `id` in place of `_id`.",
        change_data(lambda session: {"id": session["_id"], **without("_id")(session)}, chats.GET),
        met_by="chats.GET.same",
    ),
    Fault(
        "shape.timestamp-seconds",
        "responses.body",
        "`createdAt` of a session has no milliseconds.",
        change_data(_cut_milliseconds, chats.CREATE),
        met_by="chats.CREATE.created",
    ),
    Fault(
        "shape.timestamp-offset",
        "responses.body",
        "`createdAt` of a message has an offset in place of `Z`.",
        change_data(_use_offset, messages.SEND),
        met_by="messages.SEND.created",
    ),
    Fault(
        "shape.listed-timestamp-number",
        "responses.body",
        "`updatedAt` of listed sessions is a number.",
        change_data(each_item(with_fields(updatedAt=1704067200000)), chats.LIST),
        met_by="chats.LIST.complete",
    ),
    Fault(
        "shape.no-envelope",
        "responses.envelope",
        "A session that is read comes without the envelope.",
        change_json(lambda body: body["data"], chats.GET),
        met_by="chats.GET.same",
    ),
    Fault(
        "shape.envelope-with-success",
        "responses.envelope",
        "The envelope has a field of its own, `success`.",
        change_json(with_fields(success=True), chats.CREATE),
        met_by="chats.CREATE.created",
    ),
    Fault(
        "shape.metadata-without-version",
        "responses.envelope",
        "`metadata.version` is missing in the envelope.",
        change_json(_change_metadata(without("version")), chats.LIST),
        met_by="chats.LIST.complete",
    ),
    Fault(
        "shape.envelope-without-message",
        "responses.envelope",
        "The envelope of a sent message has no `message`.",
        change_json(without("message"), messages.SEND),
        met_by="messages.SEND.created",
    ),
    Fault(
        "shape.health-in-envelope",
        "responses.body",
        "The health of the chat service comes in the envelope.",
        change_json(lambda body: {"data": body, "message": "OK"}, health.CHATS),
        met_by="health.CHATS.ok",
    ),
    Fault(
        "shape.expires-in-text",
        "responses.body",
        "`expiresIn` is text.",
        change_json(lambda login: {**login, "expiresIn": str(login["expiresIn"])}, auth.LOGIN),
        met_by="auth.LOGIN.tokens",
    ),
    Fault(
        "shape.refresh-with-user",
        "responses.body",
        "A refresh returns the user too.",
        change_json(with_fields(user={"id": "1", "name": "A", "email": "a@b.example", "role": "user"}), auth.REFRESH),
        met_by="auth.REFRESH.tokens",
    ),
    Fault(
        "errors.no-code",
        "errors.body",
        "The body of a 404 has no `code`.",
        change_error(without("code"), 404),
        met_by="users.GET.not-found",
    ),
    Fault(
        "errors.wrong-code",
        "errors.code",
        "The code of a 409 is that of a 400.",
        change_error(with_fields(code="VALIDATION_ERROR"), 409),
        met_by="users.CREATE.email-unique",
    ),
    Fault(
        "errors.no-version",
        "errors.body",
        "`metadata.version` is missing in errors.",
        change_error(_change_metadata(without("version"))),
        met_by="users.GET.not-found",
    ),
    Fault(
        "errors.errors-empty",
        "errors.body",
        "`errors` of a 400 is empty.",
        change_error(with_fields(errors=[]), 400),
        met_by="users.CREATE.fields-required",
    ),
    Fault(
        "errors.fields-missing",
        "users.CREATE.name-invalid",
        "A 400 does not name the invalid fields.",
        change_error(lambda body: {**body, "details": {**body["details"], "fields": {}}}, 400),
    ),
    Fault(
        "errors.traceback",
        "errors.no-internals",
        "A 500 shows a traceback.",
        change_error(
            lambda body: {**body, "errors": ['Traceback (most recent call last):\n  File "app.py", line 1']}, 500
        ),
        met_by="health.ERROR.every-status",
    ),
    Fault(
        "errors.415-is-400",
        "body.media-type",
        "A body of another media type is a 400 in place of a 415.",
        change_error_status(415, 400),
    ),
    Fault(
        "errors.400-is-422",
        "users.CREATE.email-invalid",
        "Invalid input is a 422 in place of a 400.",
        change_error_status(400, 422),
    ),
    Fault(
        "errors.413-is-500",
        "responses.status",
        "A body over the limit is a 500.",
        change_error_status(413, 500),
        met_by="body.too-large",
    ),
]

"""Faults of users: creating, changing and deleting them, and who may."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from duologue.contract import users
from duologue.contract.users import User
from duologue_mock import users as handlers
from duologue_mock.errors import validation_error
from duologue_mock.http import dispatch
from duologue_mock.store.users import Users
from tests.conformance.planting import Fault, Plant, change_handler, wrap


def _accept_longer_name(original: Any, operation: Any, request: Any) -> Any:
    """Read a name of 101 characters as if it were valid."""
    if operation is users.CREATE and request.body.startswith(b"{"):
        value = json.loads(request.body)
        if isinstance(value.get("name"), str) and len(value["name"]) == 101:
            name, value["name"] = value["name"], "a"
            return replace(users.CREATE.body.load(value), name=name)
    return original(operation, request)


def _refuse_longest_name(original: Any, operation: Any, request: Any) -> Any:
    body = original(operation, request)
    if operation in (users.CREATE, users.UPDATE) and body.name is not None and len(body.name) == 100:
        raise validation_error({"name": ["Longer than maximum length 99."]})
    return body


def _cut_name(create: Any, *, state: Any, body: Any) -> User:
    user: User = create(state=state, body=replace(body, name=body.name[:50]))
    return user


def _compare_case(original: Any, self: Users, user: User) -> None:
    if user.email.casefold() in self._by_email and all(one.email != user.email for one in self):
        self._by_email[user.email] = user.id
        return
    original(self, user)


def _allow_taken_email(update: Any, *, state: Any, body: Any, **arguments: Any) -> User:
    user: User = update(state=state, body=replace(body, email=None), **arguments)
    if body.email is not None:
        user = replace(user, email=body.email)
        state.users._by_position[state.users._positions[user.id]] = user
    return user


def _reset_role(update: Any, *, body: Any, **arguments: Any) -> User:
    user: User = update(body=replace(body, role=body.role or "user") if body.name else body, **arguments)
    return user


def _replace_whole(update: Any, *, state: Any, id: str, body: Any, principal: Any) -> User:
    user: User = update(state=state, id=id, principal=principal, body=body)
    if body.name is None:
        user = replace(user, name=user.email)
        state.users.replace(user)
    return user


def _ignore_id(update: Any, *, body: Any, **arguments: Any) -> User:
    user: User = update(body=replace(body, id=None), **arguments)
    return user


def _allow_own_role(update: Any, *, principal: Any, **arguments: Any) -> User:
    user: User = update(principal=replace(principal, user=None), **arguments)
    return user


def _ignore_unknown_fields(original: Any, operation: Any, request: Any) -> Any:
    try:
        value = json.loads(request.body)
        names = {field.data_key or name for name, field in operation.body.fields.items()}
        known = {name: item for name, item in value.items() if name in names}
    except (ValueError, AttributeError):
        return original(operation, request)
    sent, request.body = request.body, json.dumps(known).encode()
    try:
        return original(operation, request)
    finally:
        request.body = sent


def _skip_authorization(operation: Any) -> Plant:
    def authorize(original: Any, wanted: Any, *arguments: Any) -> None:
        if wanted is not operation:
            original(wanted, *arguments)

    return wrap(dispatch, "authorize", authorize)


def _forbid_reading(original: Any, operation: Any, principal: Any, args: Any) -> None:
    if operation is users.GET and principal.user is not None and args["id"] != principal.user.id:
        operation = users.DELETE
    original(operation, principal, args)


def _keep_user(delete: Any, *, state: Any, id: str) -> None:
    user = handlers.get(state, id)
    delete(state=state, id=id)
    state.users.add(user)


def _keep_email(original: Any, self: Users, user_id: str) -> None:
    user = self.get(user_id)
    original(self, user_id)
    assert user is not None
    self._by_email[user.email.casefold()] = user_id


def _delete_twice(delete: Any, *, state: Any, id: str) -> None:
    if state.users.get(id) is not None:
        delete(state=state, id=id)


FAULTS = [
    Fault(
        "users.name-untrimmed",
        "responses.body",
        "White space around a name is stored.",
        change_handler(
            users.CREATE, lambda create, *, state, body: create(state=state, body=replace(body, name=f" {body.name}"))
        ),
        met_by="users.CREATE.name-trimmed",
    ),
    Fault(
        "users.name-101",
        "responses.body",
        "A name of 101 characters is accepted.",
        wrap(dispatch, "parse_body", _accept_longer_name),
        met_by="users.CREATE.name-invalid",
    ),
    Fault(
        "users.name-100",
        "users.CREATE.name-bounds",
        "A name of 100 characters is refused.",
        wrap(dispatch, "parse_body", _refuse_longest_name),
    ),
    Fault(
        "users.name-cut",
        "users.CREATE.name-bounds",
        "Names are cut after 50 characters.",
        change_handler(users.CREATE, _cut_name),
    ),
    Fault(
        "users.email-case",
        "users.CREATE.email-unique",
        "Email addresses that differ in case are taken for different ones.",
        wrap(Users, "_claim_email", _compare_case),
    ),
    Fault(
        "users.email-taken-by-update",
        "users.CREATE.email-unique",
        "A user can be given an email address that another has.",
        change_handler(users.UPDATE, _allow_taken_email),
    ),
    Fault(
        "users.email-of-deleted",
        "users.CREATE.email-free-again",
        "The email address of a deleted user stays taken.",
        wrap(Users, "remove", _keep_email),
    ),
    Fault(
        "users.password-in-response",
        "users.CREATE.password-secret",
        "A created user has its password in the response.",
        change_handler(
            users.CREATE,
            lambda create, *, state, body: replace(create(state=state, body=body), name=str(body.password)),
        ),
    ),
    Fault(
        "users.update-resets-role",
        "users.UPDATE.role-kept",
        "A change of the name makes an administrator a user.",
        change_handler(users.UPDATE, _reset_role),
    ),
    Fault(
        "users.update-replaces",
        "users.UPDATE.partial",
        "A change without a name overwrites the name.",
        change_handler(users.UPDATE, _replace_whole),
    ),
    Fault(
        "users.update-ignores-id",
        "users.UPDATE.id-fixed",
        "A change with another id in its body is made.",
        change_handler(users.UPDATE, _ignore_id),
    ),
    Fault(
        "users.own-role",
        "users.UPDATE.self-allowed",
        "A user can make itself an administrator.",
        change_handler(users.UPDATE, _allow_own_role),
    ),
    Fault(
        "users.create-unprotected",
        "users.UPDATE.others-forbidden",
        "A user who is not an administrator can create users.",
        _skip_authorization(users.CREATE),
    ),
    Fault(
        "users.delete-unprotected",
        "users.UPDATE.others-forbidden",
        "A user who is not an administrator can delete others.",
        _skip_authorization(users.DELETE),
    ),
    Fault(
        "users.update-unprotected",
        "users.UPDATE.others-forbidden",
        "A user who is not an administrator can change others.",
        _skip_authorization(users.UPDATE),
    ),
    Fault(
        "users.reading-forbidden",
        "responses.status",
        "A user who is not an administrator may not read others.",
        wrap(dispatch, "authorize", _forbid_reading),
        met_by="users.GET.everyone-reads",
    ),
    Fault(
        "users.not-deleted",
        "users.DELETE.deleted",
        "A deleted user can still be read.",
        change_handler(users.DELETE, _keep_user),
    ),
    Fault(
        "users.deleted-twice",
        "users.GET.not-found",
        "Deleting a user that does not exist is reported as a success.",
        change_handler(users.DELETE, _delete_twice),
    ),
    Fault(
        "users.role-default",
        "users.CREATE.created",
        "A user that is created without a role is an administrator.",
        change_handler(
            users.CREATE,
            lambda create, *, state, body: create(state=state, body=replace(body, role=body.role or "admin")),
        ),
    ),
    Fault(
        "users.unknown-field-ignored",
        "body.unknown-field",
        "Unknown fields of a body are ignored.",
        wrap(dispatch, "parse_body", _ignore_unknown_fields),
    ),
]

"""What a type checker knows about the public methods; checked by mypy, and true when run."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, assert_type

import pytest

from duologue import (
    ChatMessage,
    ChatSession,
    Client,
    Event,
    Health,
    Login,
    Page,
    ReplyStream,
    StoredTokens,
    User,
)
from duologue.contract import RESOURCES, users
from duologue.realtime import AnyEvent
from duologue.resources.client_resources import ClientResources
from duologue.resources.resource import Resource
from tests.client.fakes import USER, FakeTransport, reply

CLIENT_RESOURCES = [name for name in RESOURCES if hasattr(ClientResources, name)]


def _check_return_types(api: Client) -> None:
    assert_type(api.users.list(), Page[User])
    assert_type(api.users.list().items, list[User])
    assert_type(next(iter(api.users.list())), User)
    assert_type(api.users.list().get_next_page(), Page[User])
    assert_type(api.users.get("1"), User)
    assert_type(api.auth.login(email="a", password="b"), Login)
    assert_type(api.auth.refresh(), StoredTokens)
    assert_type(api.auth.me(), User)
    assert_type(api.chats.list(), Page[ChatSession])
    assert_type(api.chats.toggle_favorite("1"), ChatSession)
    assert_type(api.messages.list("1"), Page[ChatMessage])
    assert_type(api.messages.send("1", content="c"), ChatMessage)
    assert_type(api.smart_chat.ask("1", message="m"), ChatMessage)
    assert_type(api.smart_chat.stream("1", message="m"), ReplyStream)
    assert_type(api.health.platform(), Health)
    assert_type(api.validate_api_key(), bool)
    assert_type(api.realtime.receive(), AnyEvent)
    assert_type(users.CREATED, Event[users.UserEvent])


def test_call_returns_the_response_model(talk: Callable[..., tuple[Client, FakeTransport]]) -> None:
    api, _ = talk(reply(200, USER))
    user = Resource(api._requestor)._request(users.GET, id="1")
    assert_type(user, User)
    assert isinstance(user, User)


@pytest.mark.parametrize("attribute", [*CLIENT_RESOURCES, "api_keys", "realtime"])
def test_methods_are_typed(attribute: str) -> None:
    with Client() as api:
        methods = inspect.getmembers(getattr(api, attribute), inspect.ismethod)
    public = [(name, method) for name, method in methods if not name.startswith("_")]
    assert public
    for name, method in public:
        signature: Any = inspect.signature(method)
        shown = [str(signature.return_annotation), *(str(one.annotation) for one in signature.parameters.values())]
        assert not any(text == "Any" for text in shown), name
        assert all(one.annotation is not one.empty for one in signature.parameters.values()), name
        assert method.__doc__, name


BY_PLACE = {"id", "session_id", "favorite", "event", "callback", "role", "api_key"}
"""Parameters that may be positional: no reader confuses them with others."""


def test_arguments_by_name() -> None:
    with Client() as api:
        for attribute in (*CLIENT_RESOURCES, "api_keys"):
            for name, method in inspect.getmembers(getattr(api, attribute), inspect.ismethod):
                by_place = [
                    one.name
                    for one in inspect.signature(method).parameters.values()
                    if one.kind is one.POSITIONAL_OR_KEYWORD
                ]
                assert name.startswith("_") or set(by_place) <= BY_PLACE, name

"""`api.mutations`: a mutation for every operation of the contract that changes something."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from duologue.contract.auth import Login
from duologue.contract.chats import ChatSession
from duologue.query.client import QueryClient
from duologue.query.keys import Key
from duologue.query.mutation import Variables
from duologue.query.resource_queries.entity_updates import Change, find_entity, update_entity
from duologue.resources.client_resources import ClientResources


class Mutations:
    """`api.mutations`: call one like the method of the client that it is named after.

        api.mutations.update_user("1", name="Ada Lovelace")

    Each invalidates the queries it affects: those with observers are fetched again at once, the others when they are
    used next. Changes of a user or a session are visible at once, and rolled back if the service refuses them.

    Args:
        resources: the client whose methods make the calls.
        query_client: the cache that they change.
    """

    def __init__(self, resources: ClientResources, query_client: QueryClient) -> None:
        self._resources = resources
        self._client = query_client
        mutation = query_client.mutation
        auth, users, chats = resources.auth, resources.users, resources.chats

        self.login = mutation(auth.login, retry=0, on_success=self._store_user)
        self.refresh = mutation(auth.refresh, retry=0)
        self.logout = mutation(auth.logout, retry=0)

        self.create_user = mutation(
            users.create, retry=0, stores=_store_as("users"), invalidates=_invalidate(("users",))
        )
        self.update_user = mutation(
            users.update,
            retry=0,
            optimistic=lambda call: self._build_updates("users", _get_id(call), _set_fields(call.kwargs)),
            stores=_store_as("users"),
            invalidates=_invalidate(("users",), ("me",)),
        )
        self.delete_user = mutation(
            users.delete,
            retry=0,
            on_success=lambda _, call, __: self._remove(("users", _get_id(call))),
            invalidates=_invalidate(("users",)),
        )

        self.create_chat = mutation(
            chats.create, retry=0, stores=_store_as("chats"), invalidates=_invalidate(("chats",))
        )
        self.rename_chat = mutation(
            chats.rename,
            retry=0,
            optimistic=lambda call: self._build_updates("chats", _get_id(call), _set_fields(call.kwargs)),
            stores=_store_as("chats"),
            invalidates=_invalidate(("chats",)),
        )
        self.delete_chat = mutation(
            chats.delete,
            retry=0,
            on_success=lambda _, call, __: self._remove(("chats", _get_id(call)), ("messages", _get_id(call))),
            invalidates=_invalidate(("chats",)),
        )
        self.set_favorite = mutation(
            chats.set_favorite,
            retry=0,
            optimistic=lambda call: self._build_updates("chats", _get_id(call), _set_favorite(_get_favorite(call))),
            stores=_store_as("chats"),
            invalidates=_invalidate(("chats",)),
        )
        self.toggle_favorite = mutation(
            self._toggle_favorite,
            retry=0,
            optimistic=lambda call: self._build_updates("chats", _get_id(call), _toggle),
            stores=_store_as("chats"),
            invalidates=_invalidate(("chats",)),
        )

        self.send_message = mutation(resources.messages.send, retry=0, invalidates=_get_conversation_keys)
        self.ask = mutation(resources.smart_chat.ask, retry=0, invalidates=_get_conversation_keys)

    def _toggle_favorite(self, id: str, /) -> ChatSession:
        """Send the value that is visible now: the optimistic update has toggled it already."""
        for _, data in self._client.get_queries_data(("chats",)):
            session = find_entity(data, id)
            if session is not None:
                return self._resources.chats.set_favorite(id, favorite=session.is_favorite)
        return self._resources.chats.toggle_favorite(id)

    def _build_updates(self, resource: str, id: str, change: Change) -> list[tuple[Key, Change]]:
        """Return an optimistic update for each query that has an entity in its data."""

        def update(data: Any) -> Any:
            return update_entity(data, id, change)

        queries = self._client.get_queries_data((resource,))
        if resource == "users":
            queries += self._client.get_queries_data(("me",))
        return [(key, update) for key, data in queries if find_entity(data, id) is not None]

    def _store_user(self, login: Login, *_: object) -> None:
        self._client.set_data(("me",), login.user)

    def _remove(self, *prefixes: Key) -> None:
        """Remove queries of what was deleted. Those with observers stay: their refetch shows that it is gone."""
        for prefix in prefixes:
            self._client.remove_inactive(prefix)


def _store_as(resource: str) -> Callable[[Any, Variables], list[tuple[Key, Any]]]:
    return lambda entity, _: [((resource, entity.id), entity)]


def _invalidate(*prefixes: Key) -> Callable[[Variables], Iterable[Key]]:
    return lambda _: prefixes


def _get_conversation_keys(call: Variables) -> Iterable[Key]:
    """A message moves its session to the head of the list, so the sessions are invalidated too."""
    return (("messages", _get_id(call)), ("chats",))


def _get_id(call: Variables) -> str:
    """Return the id of the entity a mutation changes: its first argument, positional or by name."""
    kwargs = call.kwargs
    return str(call.args[0] if call.args else kwargs["id"] if "id" in kwargs else kwargs["session_id"])


def _get_favorite(call: Variables) -> bool:
    return bool(call.kwargs["favorite"])


def _set_fields(changes: dict[str, Any]) -> Change:
    fields = {name: value for name, value in changes.items() if value is not None and name != "id"}
    return lambda entity: dataclasses.replace(entity, **fields)


def _set_favorite(favorite: bool) -> Change:
    return lambda session: dataclasses.replace(session, is_favorite=favorite)


def _toggle(session: ChatSession) -> ChatSession:
    return dataclasses.replace(session, is_favorite=not session.is_favorite)

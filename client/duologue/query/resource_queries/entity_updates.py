"""Changing one user, session or message wherever the cache has it: alone, in lists, in pages, in pages of pages."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

Change = Callable[[Any], Any]

_LIST_FIELDS = ("users", "data", "pages", "model")
"""The fields in which the contract's page models, `InfiniteData` and the client's `Page` hold their items."""


def update_entity(data: Any, id: str, change: Change) -> Any:
    """Return data with one entity changed; the same object if the entity is not in it.

    Args:
        data: a model, a list of models, or a page.
        id: the entity's id.
        change: returns the changed entity; None removes it from lists.
    """
    if isinstance(data, (list, tuple)):
        return _update_items(data, id, change)
    field = _find_list_field(data)
    if field is not None:
        items = getattr(data, field)
        updated = update_entity(items, id, change)
        return data if updated is items else dataclasses.replace(data, **{field: updated})
    return change(data) if getattr(data, "id", None) == id else data


def find_entity(data: Any, id: str) -> Any:
    """Return the entity with an id from data, None if it is not in it."""
    return next((entity for entity in _iter_entities(data) if getattr(entity, "id", None) == id), None)


def _update_items(items: Any, id: str, change: Change) -> Any:
    updated = [update_entity(item, id, change) for item in items]
    if all(one is other for one, other in zip(updated, items, strict=True)):
        return items
    return type(items)(item for item in updated if item is not None)


def _iter_entities(data: Any) -> Iterator[Any]:
    if isinstance(data, (list, tuple)):
        for item in data:
            yield from _iter_entities(item)
        return
    field = _find_list_field(data)
    if field is None:
        yield data
    else:
        yield from _iter_entities(getattr(data, field))


def _find_list_field(data: Any) -> str | None:
    return next((field for field in _LIST_FIELDS if hasattr(data, field)), None)

"""Changing one user, session or message wherever the cache shows it: alone, in lists, in pages, in pages of pages."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

Change = Callable[[Any], Any]

_LISTS = ("users", "data", "pages", "model")
"""The fields in which the contract's page models, `InfiniteData` and the client's `Page` have what they list."""


def edited(shown: Any, id: str, change: Change) -> Any:
    """Return what is shown with one thing changed, and the very same object where it is not shown.

    Args:
        shown: a model, a list of them, or a page.
        id: which thing.
        change: returns the changed thing; None takes it out of the lists it is in.
    """
    if isinstance(shown, (list, tuple)):
        return _edited_items(shown, id, change)
    listed = next((name for name in _LISTS if hasattr(shown, name)), None)
    if listed is not None:
        items = getattr(shown, listed)
        made = edited(items, id, change)
        return shown if made is items else dataclasses.replace(shown, **{listed: made})
    return change(shown) if getattr(shown, "id", None) == id else shown


def find(shown: Any, id: str) -> Any:
    """Return the thing with an id from what is shown, None if it is not there."""
    return next((thing for thing in _things(shown) if getattr(thing, "id", None) == id), None)


def _edited_items(items: Any, id: str, change: Change) -> Any:
    made = [edited(item, id, change) for item in items]
    if all(one is other for one, other in zip(made, items, strict=True)):
        return items
    return type(items)(item for item in made if item is not None)


def _things(shown: Any) -> Iterator[Any]:
    if isinstance(shown, (list, tuple)):
        for item in shown:
            yield from _things(item)
        return
    listed = next((name for name in _LISTS if hasattr(shown, name)), None)
    if listed is None:
        yield shown
    else:
        yield from _things(getattr(shown, listed))

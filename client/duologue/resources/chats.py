"""Chat sessions of the user."""

from __future__ import annotations

import builtins
from collections.abc import Iterator

from duologue import defaults
from duologue.contract import chats
from duologue.contract.chats import ChatPage, ChatQuery, ChatSession, ChatTitle, Favorite
from duologue.resources import Resource


class Chats(Resource):
    """`api.chats`: list, get, create, rename, mark and delete chat sessions."""

    def list(self, *, search: str | None = None, favorite: bool | None = None) -> builtins.list[ChatSession]:
        """Return all sessions, newest message first.

        Args:
            search: part of a title, in any case.
            favorite: only those that are, or are not, favourites.
        """
        return self._request(chats.LIST, ChatQuery(search=search, favorite=favorite)).data

    def page(
        self, *, page: int = 1, limit: int = 50, search: str | None = None, favorite: bool | None = None
    ) -> ChatPage:
        """Return one page of sessions, newest message first, and where it stands among all.

        Args:
            page: which page, from 1.
            limit: how many sessions a page has, at most 100.
            search: part of a title, in any case.
            favorite: only those that are, or are not, favourites.
        """
        return self._request(chats.LIST, ChatQuery(page, limit, search, favorite))

    def iterate(
        self, *, search: str | None = None, favorite: bool | None = None, limit: int = defaults.PAGE_SIZE
    ) -> Iterator[ChatSession]:
        """Yield all sessions, a page at a time: the next page is asked for when its first session is wanted."""
        number, more = 1, True
        while more:
            found = self.page(page=number, limit=limit, search=search, favorite=favorite)
            yield from found.data
            more = bool(found.data) and found.pagination is not None and found.pagination.has_next
            number += 1

    def create(self, *, title: str) -> ChatSession:
        """Begin a session; its title has 1 to 200 characters."""
        return self._request(chats.CREATE, ChatTitle(title))

    def get(self, id: str) -> ChatSession:
        """Return one session; raise `NotFoundError` if the user has none such."""
        return self._request(chats.GET, id=id)

    def rename(self, id: str, *, title: str) -> ChatSession:
        """Give a session another title."""
        return self._request(chats.RENAME, ChatTitle(title), id=id)

    def delete(self, id: str) -> None:
        """Delete a session and its messages."""
        return self._request(chats.DELETE, id=id)

    def set_favorite(self, id: str, favorite: bool) -> ChatSession:
        """Mark a session as a favourite, or no longer as one; doing it twice is doing it once."""
        return self._request(chats.FAVORITE, Favorite(favorite), id=id)

    def toggle_favorite(self, id: str) -> ChatSession:
        """Turn a session's favourite mark into its opposite.

        The session is read first and the wanted value is sent: the document's bare toggle, tried again after a lost
        answer, would undo itself.
        """
        return self.set_favorite(id, not self.get(id).is_favorite)

"""Chat sessions of the user."""

from __future__ import annotations

from duologue.contract import chats
from duologue.contract.chats import ChatQuery, ChatSession, ChatTitle, Favorite
from duologue.resources.page import Page
from duologue.resources.raw_response import RawMethod, RawMethods
from duologue.resources.resource import Resource


class Chats(Resource):
    """`api.chats`: list, get, create, rename, mark and delete chat sessions."""

    def list(
        self,
        *,
        page: int | None = None,
        limit: int | None = None,
        search: str | None = None,
        favorite: bool | None = None,
    ) -> Page[ChatSession]:
        """Return all sessions in one page, or a page of them; those with the newest message come first.

        Args:
            page: which page, from 1; all sessions come in one response if neither this nor `limit` is given.
            limit: how many sessions a page has, 1 to 100; 50 if only `page` is given.
            search: part of a title, in any case.
            favorite: only favorites, or only others.

        Raises:
            BadRequestError: the page or the limit is out of bounds.
        """
        return self._list(chats.LIST, ChatQuery(page, limit, search, favorite))

    def get(self, id: str) -> ChatSession:
        """Return a session.

        Raises:
            NotFoundError: the user has no such session.
        """
        return self._request(chats.GET, id=id)

    def create(self, *, title: str) -> ChatSession:
        """Create a session; its title has 1 to 200 characters."""
        return self._request(chats.CREATE, ChatTitle(title))

    def rename(self, id: str, *, title: str) -> ChatSession:
        """Change a session's title."""
        return self._request(chats.RENAME, ChatTitle(title), id=id)

    def delete(self, id: str) -> None:
        """Delete a session and its messages."""
        return self._request(chats.DELETE, id=id)

    def set_favorite(self, id: str, *, favorite: bool) -> ChatSession:
        """Mark a session as a favorite, or remove the mark; doing it twice has the same effect as once."""
        return self._request(chats.FAVORITE, Favorite(favorite), id=id)

    def toggle_favorite(self, id: str) -> ChatSession:
        """Mark a session as a favorite if it is none, else remove the mark.

        The session is read first and the opposite value is sent: the bare toggle of the Smart Chat API specification
        would undo itself when it is retried after a lost response.
        """
        return self.set_favorite(id, favorite=not self.get(id).is_favorite)

    @property
    def with_raw_response(self) -> ChatsWithRawResponse:
        """The same methods, returning the HTTP response besides the result: status, headers, body and attempts."""
        return ChatsWithRawResponse(self)


class ChatsWithRawResponse(RawMethods[Chats]):
    """`api.chats.with_raw_response`: the methods of `Chats`, each returning a `RawResponse` of its result."""

    list = RawMethod(Chats.list)
    get = RawMethod(Chats.get)
    create = RawMethod(Chats.create)
    rename = RawMethod(Chats.rename)
    delete = RawMethod(Chats.delete)
    set_favorite = RawMethod(Chats.set_favorite)
    toggle_favorite = RawMethod(Chats.toggle_favorite)

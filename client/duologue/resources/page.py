"""`Page`: what every `list()` returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar

from duologue.contract import Operation
from duologue.errors import ResponseValidationError
from duologue.http.api_requestor import APIRequestor

T = TypeVar("T")


class PageModel(Protocol[T]):
    """What the contract's page models (`UserPage`, `ChatPage`, `MessagePage`) have in common."""

    @property
    def items(self) -> list[T]:
        """What is listed."""
        ...

    @property
    def total(self) -> int:
        """How many there are on all pages."""
        ...

    @property
    def next_page(self) -> int | None:
        """The number of the next page, None on the last."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Return the page as JSON values."""
        ...


@dataclass(frozen=True, repr=False)
class Page(Generic[T]):
    """One page of a list, and the way to the pages after it.

        for user in api.users.list(search="doe"):  # all pages, each requested when its first user is needed
            print(user.name)
        page = api.users.list(limit=20)  # one request
        print(len(page.items), "of", page.total)

    Iterating always starts with this page and requests the following ones again, so it never repeats or skips this
    one. There is no `len(page)`: it could mean `len(page.items)` or `page.total`.

    Two pages are equal if their contents are. The fields are plain values, so a page in a query cache takes part in
    structural sharing.

    Args:
        model: the contract's page model, which has the fields of the JSON under their Python names.
        operation: the operation that lists.
        query: which page was requested, and of what.
        parameters: the parameters of the operation's path.
        requestor: requests the other pages.
    """

    model: PageModel[T]
    operation: Operation[PageModel[T]] = field(compare=False)
    query: Any = field(compare=False)
    parameters: Mapping[str, str] = field(compare=False)
    requestor: APIRequestor = field(compare=False)

    @classmethod
    def request(
        cls, requestor: APIRequestor, operation: Operation[PageModel[T]], query: Any, parameters: Mapping[str, str]
    ) -> Page[T]:
        """Request a page; the arguments are the page's fields."""
        return Page(requestor.request(operation, query, **parameters), operation, query, parameters, requestor)

    @property
    def items(self) -> list[T]:
        """What is on this page."""
        return self.model.items

    @property
    def total(self) -> int:
        """How many there are on all pages."""
        return self.model.total

    @property
    def number(self) -> int:
        """The number of this page, from 1."""
        return self.query.page or 1

    @property
    def next_page(self) -> int | None:
        """The number of the next page, None on the last one. A page without items is the last, whatever it says."""
        return self.model.next_page if self.items else None

    def has_next_page(self) -> bool:
        """Return whether there is a page after this one; makes no request."""
        return self.next_page is not None

    def get_next_page(self) -> Page[T]:
        """Request the page after this one.

        Raises:
            RuntimeError: this is the last page.
            ResponseValidationError: the server names a next page that is not after this one, which would never end.
            APIError: the request failed.
        """
        number = self.next_page
        if number is None:
            raise RuntimeError("This is the last page; check has_next_page() before calling get_next_page().")
        if number <= self.number:
            raise ResponseValidationError(
                f"After page {self.number} the server names page {number} as the next one", data=self.to_dict()
            )
        return Page.request(self.requestor, self.operation, replace(self.query, page=number), self.parameters)

    def iter_pages(self) -> Iterator[Page[T]]:
        """Yield this page and those after it, each requested when it is needed."""
        page = self
        yield page
        while page.has_next_page():
            page = page.get_next_page()
            yield page

    def __iter__(self) -> Iterator[T]:
        """Yield the items of this page and of those after it, each page requested when its first item is needed."""
        for page in self.iter_pages():
            yield from page.items

    def to_dict(self) -> dict[str, Any]:
        """Return this page as JSON values, with the fields that the API has sent; a copy, which may be changed."""
        return self.model.to_dict()

    def __repr__(self) -> str:
        return f"<Page {self.number} of {self.operation.id}: {len(self.items)} of {self.total} items>"

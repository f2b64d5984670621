from __future__ import annotations

import logging

import pytest

from duologue.compat import CacheManager, error_boundary
from duologue.errors import error_from_body
from duologue.query import QueryClient
from tests.query.fakes import Later, Server


def test_a_boundary_shows_something_else(caplog: pytest.LogCaptureFixture) -> None:
    told: list[Exception] = []
    with caplog.at_level(logging.ERROR, "duologue"):
        assert error_boundary(Server(ValueError("secret")), on_error=told.append)() == "An unexpected error occurred."
    assert "Error caught by boundary" in caplog.text
    assert isinstance(told[0], ValueError)
    assert error_boundary(Server(error_from_body(404, {})))() == "The requested resource was not found."
    assert error_boundary(Server(ValueError()), fallback=lambda error: 7)() == 7
    assert error_boundary(Server("fine"))() == "fine"


def test_a_boundary_lets_ctrl_c_through() -> None:
    with pytest.raises(KeyboardInterrupt):
        error_boundary(Server(KeyboardInterrupt()))()


def test_the_cache_manager_by_its_names(queries: QueryClient, later: Later) -> None:
    manager = CacheManager(queries)
    manager.prefetch_query(("users", 1), Server("one", "two"))
    manager.prefetch_query(("users", 2), Server("two"), 0)
    later.run()
    manager.update_query_data(("users", 1), lambda old: old + "!")
    manager.update_query_data(("users", 3), lambda old: old)
    assert queries.get_data(("users", 1)) == "one!"
    manager.invalidate_resource("users")
    assert queries.fetch(("users", 1), Server("new")) == "new"
    manager.invalidate_query(("users", 1))
    assert queries.fetch(("users", 1), Server("newer")) == "newer"
    manager.remove_query(("users", 1))
    assert queries.get_data(("users", 1)) is None
    manager.clear_cache()
    assert len(queries) == 0

from __future__ import annotations

import logging

import pytest

from duologue.compat.cache_manager import CacheManager
from duologue.compat.error_boundary import error_boundary
from duologue.errors import error_from_body
from duologue.query import QueryClient
from tests.query.fakes import FakeFunction, ManualExecutor


def test_fallback(caplog: pytest.LogCaptureFixture) -> None:
    errors: list[Exception] = []
    with caplog.at_level(logging.ERROR, "duologue"):
        assert (
            error_boundary(FakeFunction(ValueError("secret")), on_error=errors.append)()
            == "An unexpected error occurred."
        )
    assert "Error caught by boundary" in caplog.text
    assert isinstance(errors[0], ValueError)
    assert error_boundary(FakeFunction(error_from_body(404, {})))() == "The requested resource was not found."
    assert error_boundary(FakeFunction(ValueError()), fallback=lambda error: 7)() == 7
    assert error_boundary(FakeFunction("fine"))() == "fine"


def test_keyboard_interrupt_passes() -> None:
    with pytest.raises(KeyboardInterrupt):
        error_boundary(FakeFunction(KeyboardInterrupt()))()


def test_cache_manager(queries: QueryClient, executor: ManualExecutor) -> None:
    manager = CacheManager(queries)
    manager.prefetch_query(("users", 1), FakeFunction("one", "two"))
    manager.prefetch_query(("users", 2), FakeFunction("two"), 0)
    executor.run()
    manager.update_query_data(("users", 1), lambda old: old + "!")
    manager.update_query_data(("users", 3), lambda old: old)
    assert queries.get_data(("users", 1)) == "one!"
    manager.invalidate_resource("users")
    assert queries.fetch(("users", 1), FakeFunction("new")) == "new"
    manager.invalidate_query(("users", 1))
    assert queries.fetch(("users", 1), FakeFunction("newer")) == "newer"
    manager.remove_query(("users", 1))
    assert queries.get_data(("users", 1)) is None
    manager.clear_cache()
    assert len(queries) == 0

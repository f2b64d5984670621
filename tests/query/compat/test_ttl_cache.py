from __future__ import annotations

import pytest

from duologue.compat.ttl_cache import TTLCache
from tests.query.fakes import FakeClock


def test_items_expire(clock: FakeClock) -> None:
    cache: TTLCache[str] = TTLCache(clock=clock)
    cache.set("a", "one")
    cache.set("b", "two", ttl=10)
    clock.advance(299)
    assert (cache.get("a"), cache.get("b"), cache.get("b", "default")) == ("one", None, "default")
    assert "a" in cache
    assert len(cache) == 1
    clock.advance(1)
    assert cache.get("a") is None


def test_invalidate_pattern(clock: FakeClock) -> None:
    cache: TTLCache[int] = TTLCache(clock=clock)
    for name in ("sessions", "sessions:1", "users:1"):
        cache.set(name, 1)
    assert cache.invalidate("sessions*") == 2
    assert cache.get("users:1") == 1
    assert cache.invalidate() == 1


@pytest.mark.parametrize(
    ("pattern", "removed"),
    [
        ("user?", ["user1", "users"]),
        ("*1*", ["user1", "page[1]"]),
        ("page[1]", ["page[1]"]),
        ("[up]*", []),
        ("(u+)+$", []),
    ],
)
def test_pattern_is_glob(clock: FakeClock, pattern: str, removed: list[str]) -> None:
    """A bracket stands for itself, as in a key like `page[1]`."""
    cache: TTLCache[int] = TTLCache(clock=clock)
    keys = ["user1", "users", "page[1]"]
    for name in keys:
        cache.set(name, 1)
    assert cache.invalidate(pattern) == len(removed)
    assert [name for name in keys if name not in cache] == removed


def test_pattern_is_fast(clock: FakeClock) -> None:
    """A pattern that takes exponential time as a regular expression with backtracking."""
    cache: TTLCache[int] = TTLCache(clock=clock)
    cache.set("a" * 10_000, 1)
    assert cache.invalidate("*a" * 100 + "b") == 0


def test_max_items(clock: FakeClock) -> None:
    cache: TTLCache[int] = TTLCache(clock=clock, max_items=2)
    cache.set("a", 1)
    cache.set("b", 2)
    cache.get("a")
    cache.set("c", 3)
    assert [cache.get(name) for name in "abc"] == [1, None, 3]


@pytest.mark.parametrize("advance", [0, 1000])
def test_memory_is_bounded(clock: FakeClock, advance: float) -> None:
    cache: TTLCache[int] = TTLCache(clock=clock)
    for number in range(1000):
        cache.set("a" if number % 2 else f"{number}", number)
        clock.advance(advance)
    cache.invalidate()
    for number in range(1000):
        cache.set("a", number)
    assert len(cache._expiry_heap) < 200
    assert cache.get("a") == 999

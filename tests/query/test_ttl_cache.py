from __future__ import annotations

import fnmatch
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.compat import TTLCache
from duologue.compat.ttl_cache import match_glob
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


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_glob_like_fnmatch(pattern: str, text: str) -> None:
    assert match_glob(pattern, text) == bool(re.fullmatch(fnmatch.translate(pattern), text))


def test_pattern_is_fast() -> None:
    began = time.process_time()
    assert not match_glob("*a" * 100 + "b", "a" * 10_000)
    assert not match_glob("(a+)+$", "a" * 10_000 + "!")
    assert time.process_time() - began < 5


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

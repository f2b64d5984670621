from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


class Value:
    """Something whose end can be seen."""


@pytest.mark.parametrize("use", [len, list, lambda cache: "b" in cache, lambda cache: cache.get("b")])
def test_expired_items_are_freed(clock: FakeClock, use: Any) -> None:
    cache: TTLCache[Value] = TTLCache(clock=clock)
    value = Value()
    freed = weakref.ref(value)
    cache.set("a", value, ttl=10)
    del value
    cache.set("b", Value(), ttl=100)
    for _ in range(500):  # does not make the cache forget when the first expires
        cache.set("b", Value(), ttl=100)
    clock.advance(10)
    use(cache)
    gc.collect()
    assert freed() is None


def test_value_uses_cache_as_it_goes(clock: FakeClock) -> None:
    """A value that is removed may run code of the user; no lock is held then."""
    cache: TTLCache[Any] = TTLCache(clock=clock, max_items=1)
    lengths: list[int] = []

    class Using:
        def __del__(self) -> None:
            lengths.append(len(cache))

    removals: list[Callable[[], object]] = [
        lambda: cache.set("a", 1),
        lambda: cache.set("b", 1),
        lambda: cache.invalidate(),
        lambda: clock.advance(1000) or cache.get("a"),  # type: ignore[func-returns-value]
    ]
    for remove in removals:
        cache.set("a", Using())
        remove()
    assert len(lengths) == 4


@pytest.mark.parametrize("options", [{"ttl": float("nan")}, {"max_items": -1}])
def test_invalid_option(options: Any) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        TTLCache(**options)


OPERATIONS = st.one_of(
    st.tuples(st.just("set"), st.sampled_from("abcde"), st.sampled_from([-1, 0, 1, 5, 20, float("inf")])),
    st.tuples(st.just("get"), st.sampled_from("abcde"), st.just(0)),
    st.tuples(st.just("in"), st.sampled_from("abcde"), st.just(0)),
    st.tuples(st.just("invalidate"), st.sampled_from(["*", "a*", "[bc]", "b"]), st.just(0)),
    st.tuples(st.just("advance"), st.just(""), st.sampled_from([0, 1, 3, 10])),
)


@given(st.lists(OPERATIONS, max_size=40), st.sampled_from([None, 0, 1, 3]))
def test_model(operations: list[tuple[str, str, float]], max_items: int | None) -> None:
    """The same as an ordered dictionary from which expired items are removed before each operation."""
    clock = FakeClock()
    cache: TTLCache[int] = TTLCache(clock=clock, max_items=max_items)
    model: dict[str, tuple[float, int]] = {}
    for number, (name, key, value) in enumerate(operations):
        model = {key: item for key, item in model.items() if item[0] > clock.seconds}
        if name == "set":
            cache.set(key, number, ttl=value)
            model.pop(key, None)
            if value > 0:
                model[key] = (clock.seconds + value, number)
            if max_items is not None and len(model) > max_items:
                del model[next(iter(model))]
        elif name == "get":
            assert cache.get(key) == model.get(key, (0, None))[1]
            if key in model:
                model[key] = model.pop(key)
        elif name == "in":
            assert (key in cache) == (key in model)
        elif name == "invalidate":
            keys = [name for name in model if key == "*" or name == key.rstrip("*")]
            assert cache.invalidate(key) == len(keys)
            for name in keys:
                del model[name]
        else:
            clock.advance(value)
            model = {key: item for key, item in model.items() if item[0] > clock.seconds}
        assert len(cache) == len(model)
        assert list(cache) == list(model)

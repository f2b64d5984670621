"""The machine's clock, and the id generator."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from duologue_mock.store.clock import IdGenerator, SystemClock


def test_system_clock() -> None:
    clock = SystemClock()
    for _ in range(20):
        before, now, after = datetime.now(UTC), clock.now(), datetime.now(UTC)
        assert now.tzinfo is UTC
        assert now.microsecond % 1000 == 0
        assert before - timedelta(milliseconds=1) < now <= after
    assert abs(clock.seconds() - time.time()) < 5


def test_id_formats() -> None:
    for seed in (None, *range(300)):
        ids = IdGenerator(seed)
        assert re.fullmatch("[0-9a-f]{24}", ids.object_id())
        assert re.fullmatch("[0-9a-f]{24}", ids.notification_id())
        assert re.fullmatch("[0-9a-f]{32}", ids.token_id())
        assert re.fullmatch("req-[0-9a-f]{10}-[0-9a-f]+", ids.request_id())


KINDS = [IdGenerator.object_id, IdGenerator.notification_id, IdGenerator.token_id, IdGenerator.request_id]

each_kind = pytest.mark.parametrize("generate", KINDS, ids=lambda kind: kind.__name__)


@each_kind
def test_seed(generate: Callable[[IdGenerator], str]) -> None:
    first, second, other = ([generate(ids) for _ in range(3)] for ids in map(IdGenerator, (7, 7, 8)))
    assert first == second
    assert not set(first) & set(other)


@each_kind
def test_random_ids(generate: Callable[[IdGenerator], str]) -> None:
    assert len({generate(IdGenerator()) for _ in range(50)}) == 50


def test_id_sequences_are_independent() -> None:
    """How many notifications there were does not change which id the next object gets."""
    one, other = IdGenerator(7), IdGenerator(7)
    for _ in range(3):
        other.notification_id()
    assert one.object_id() == other.object_id()
    assert one.object_id() != one.notification_id()


def test_ids_in_many_threads() -> None:
    ids, generated = IdGenerator(7), []

    def make() -> None:
        generated.extend([ids.object_id() for _ in range(500)] + [ids.request_id() for _ in range(500)])

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(generated)) == len(generated) == 4000

"""The machine's clock, and the id generator."""

from __future__ import annotations

import re
import threading
import time
from datetime import UTC, datetime, timedelta

from duologue_mock.store.clock import IdGenerator, SystemClock


def test_system_clock() -> None:
    clock = SystemClock()
    now = clock.now()
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)
    assert abs(clock.seconds() - time.time()) < 5


def test_id_formats() -> None:
    for ids in (IdGenerator(), IdGenerator(1)):
        assert re.fullmatch("[0-9a-f]{24}", ids.object_id())
        assert re.fullmatch("[0-9a-f]{32}", ids.token_id())
        assert re.fullmatch("req-[0-9a-f]{10}-[0-9a-f]+", ids.request_id())


def test_seed() -> None:
    first, second, other = IdGenerator(7), IdGenerator(7), IdGenerator(8)
    generated = [[ids.object_id(), ids.token_id(), ids.request_id()] for ids in (first, second, other)]
    assert generated[0] == generated[1] != generated[2]


def test_random_ids() -> None:
    assert len({IdGenerator().object_id() for _ in range(50)}) == 50


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

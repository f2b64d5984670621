"""Time and ids as the mock makes them."""

from __future__ import annotations

import re
import threading
import time
from datetime import UTC, datetime, timedelta

from duologue_mock.store.clock import IdGenerator, SystemClock


def test_the_system_clock_is_utc_in_whole_milliseconds() -> None:
    clock = SystemClock()
    now = clock.now()
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)
    assert abs(clock.seconds() - time.time()) < 5


def test_ids_look_as_each_service_makes_them() -> None:
    for ids in (IdGenerator(), IdGenerator(1)):
        assert re.fullmatch("[0-9a-f]{24}", ids.object_id())
        assert re.fullmatch("[0-9a-f]{32}", ids.token_id())
        assert re.fullmatch("req-[0-9a-f]{10}-[0-9a-f]+", ids.request_id())


def test_the_same_seed_gives_the_same_ids() -> None:
    first, second, other = IdGenerator(7), IdGenerator(7), IdGenerator(8)
    made = [[ids.object_id(), ids.token_id(), ids.request_id()] for ids in (first, second, other)]
    assert made[0] == made[1] != made[2]


def test_without_a_seed_no_two_are_alike() -> None:
    assert len({IdGenerator().object_id() for _ in range(50)}) == 50


def test_ids_are_given_once_over_many_threads() -> None:
    ids, made = IdGenerator(7), []

    def make() -> None:
        made.extend([ids.object_id() for _ in range(500)] + [ids.request_id() for _ in range(500)])

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == len(made) == 4000

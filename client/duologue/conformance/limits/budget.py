"""What the headers of a rate limit say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

import requests

WINDOW = 60
"""Seconds of a window: the limit is one of requests a minute."""


@dataclass(frozen=True)
class Budget:
    """How many requests a caller has, how many are left, and the seconds until there are as many again."""

    limit: int
    remaining: int
    reset: int

    @classmethod
    def read(cls, response: requests.Response) -> Self:
        """Return what a response says; fail unless it says all of it, in whole numbers within their bounds."""
        values = []
        for name in ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"):
            value = response.headers.get(name)
            assert value is not None, f"{response.status_code} has no {name}"
            assert re.fullmatch(r"[0-9]+", value), f"{name} is {value!r}, not a whole number"
            values.append(int(value))
        budget = cls(*values)
        assert budget.remaining <= budget.limit, budget
        assert budget.reset <= WINDOW, f"RateLimit-Reset is {budget.reset} s, and the limit is one of requests a minute"
        return budget

    def follows(self, before: Budget) -> bool:
        """Return whether it is the budget after one more request; the window may have been renewed meanwhile."""
        renewed = self.remaining == self.limit - 1 and self.reset >= before.reset
        return self.limit == before.limit and (renewed or self.remaining == max(0, before.remaining - 1))

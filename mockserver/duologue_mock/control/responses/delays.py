"""How long a response takes: fixed delays, distributions, and bodies that dribble."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Any

from duologue_mock.control.errors import invalid
from duologue_mock.control.json_keys import read_object, show
from duologue_mock.control.json_values import MAX_INTEGER, read_integer, read_number

_MAX_SIGMA = 100.0
_MAX_DRAWS = 50
"""Draws for a value below the maximum: as the maximum is at least the median, each has a chance of one half."""


class DelayDistribution(ABC):
    """What the milliseconds of a delay are drawn from."""

    @abstractmethod
    def sample(self, random: Random) -> float:
        """Return the milliseconds of one delay."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return it as WireMock's JSON has it."""


@dataclass(frozen=True)
class FixedDistribution(DelayDistribution):
    """Always the same delay."""

    milliseconds: int

    def sample(self, random: Random) -> float:
        """Return the milliseconds of one delay."""
        return self.milliseconds

    def to_json(self) -> dict[str, Any]:
        """Return it as WireMock's JSON has it."""
        return {"type": "fixed", "milliseconds": self.milliseconds}


@dataclass(frozen=True)
class UniformDistribution(DelayDistribution):
    """Whole milliseconds between two bounds, each equally likely."""

    lower: int
    upper: int

    def sample(self, random: Random) -> float:
        """Return the milliseconds of one delay."""
        return random.randint(self.lower, self.upper)

    def to_json(self) -> dict[str, Any]:
        """Return it as WireMock's JSON has it."""
        return {"type": "uniform", "lower": self.lower, "upper": self.upper}


@dataclass(frozen=True)
class LogNormalDistribution(DelayDistribution):
    """A long tail: half of the delays are below the median, few are far above it."""

    median: float
    sigma: float
    max_value: float | None = None

    def sample(self, random: Random) -> float:
        """Return the milliseconds of one delay."""
        maximum = MAX_INTEGER if self.max_value is None else self.max_value
        for _ in range(_MAX_DRAWS):
            exponent = min(random.gauss(0, 1) * self.sigma, 700.0)  # beyond that, a float overflows
            milliseconds = math.exp(exponent) * self.median
            if self.max_value is None or milliseconds <= maximum:
                return min(milliseconds, maximum)
        return maximum

    def to_json(self) -> dict[str, Any]:
        """Return it as WireMock's JSON has it."""
        maximum = {} if self.max_value is None else {"maxValue": self.max_value}
        return {"type": "lognormal", "median": self.median, "sigma": self.sigma, **maximum}


def read_distribution(value: Any, pointer: str) -> DelayDistribution:
    """Return the distribution that JSON describes.

    Raises:
        ControlError: it is not a distribution.
    """
    kind = value.get("type") if isinstance(value, dict) else None
    read = _READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise invalid(pointer, f"Must be an object with the type lognormal, uniform or fixed, not {show(value)}.")
    return read(value, pointer)


def _read_fixed(value: Any, pointer: str) -> DelayDistribution:
    fields = read_object(value, pointer, ("type", "milliseconds"))
    return FixedDistribution(read_integer(fields.get("milliseconds", 0), f"{pointer}/milliseconds", minimum=0))


def _read_uniform(value: Any, pointer: str) -> DelayDistribution:
    fields = read_object(value, pointer, ("type", "lower", "upper"))
    lower = read_integer(fields.get("lower", 0), f"{pointer}/lower", minimum=0)
    upper = read_integer(fields.get("upper", 0), f"{pointer}/upper", minimum=0)
    if upper < lower:
        raise invalid(pointer, f"upper ({upper}) must be at least lower ({lower}).")
    return UniformDistribution(lower, upper)


def _read_log_normal(value: Any, pointer: str) -> DelayDistribution:
    fields = read_object(value, pointer, ("type", "median", "sigma", "maxValue"))
    median = read_number(fields.get("median", 0), f"{pointer}/median", minimum=0)
    sigma = read_number(fields.get("sigma", 0), f"{pointer}/sigma", minimum=0, maximum=_MAX_SIGMA)
    if "maxValue" not in fields:
        return LogNormalDistribution(median, sigma)
    maximum = read_number(fields["maxValue"], f"{pointer}/maxValue", minimum=0)
    if maximum < median:
        raise invalid(pointer, f"maxValue ({maximum:g}) must be at least the median ({median:g}).")
    return LogNormalDistribution(median, sigma, maximum)


_READERS: MappingProxyType[str, Callable[[Any, str], DelayDistribution]] = MappingProxyType(
    {"fixed": _read_fixed, "uniform": _read_uniform, "lognormal": _read_log_normal}
)


@dataclass(frozen=True)
class Dribble:
    """A body that is sent in parts, each after a pause."""

    number_of_chunks: int
    total_duration: int
    """Milliseconds of all pauses together."""

    def split(self, body: bytes) -> Iterator[tuple[float, bytes]]:
        """Return the parts of a body, each with the seconds to wait before it: equally long, the last has the rest."""
        number = min(self.number_of_chunks, len(body))
        for index in range(number):
            size = len(body) // number
            end = (index + 1) * size if index + 1 < number else len(body)
            yield self.total_duration / 1000 / number, body[index * size : end]

    def to_json(self) -> dict[str, Any]:
        """Return it as WireMock's JSON has it."""
        return {"numberOfChunks": self.number_of_chunks, "totalDuration": self.total_duration}


def read_dribble(value: Any, pointer: str) -> Dribble:
    """Return the `chunkedDribbleDelay` that JSON describes.

    Raises:
        ControlError: it is none, or lacks one of its two values.
    """
    fields = read_object(value, pointer, ("numberOfChunks", "totalDuration"))
    for name in ("numberOfChunks", "totalDuration"):
        if name not in fields:
            raise invalid(pointer, f"{name} is missing.")
    return Dribble(
        read_integer(fields["numberOfChunks"], f"{pointer}/numberOfChunks", minimum=1),
        read_integer(fields["totalDuration"], f"{pointer}/totalDuration", minimum=0),
    )

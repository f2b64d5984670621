"""The global settings of a namespace: delays of all its responses, stubbed or not."""

from __future__ import annotations

from typing import Any

from duologue_mock.control.errors import invalid
from duologue_mock.control.json_keys import read_object, show
from duologue_mock.control.json_values import MIN_INTEGER, read_boolean, read_integer
from duologue_mock.control.responses.delays import DelayDistribution, UniformDistribution, read_distribution
from duologue_mock.settings import parse_latency

KEYS = ("fixedDelay", "delayDistribution", "extended", "proxyPassThrough")


class GlobalSettings:
    """WireMock's global settings. A reset leaves them as they are.

    Args:
        fixed_delay: milliseconds of every response; None or less than 0 for none.
        delay_distribution: what further milliseconds are drawn from; None for none.
    """

    def __init__(self, fixed_delay: int | None = None, delay_distribution: DelayDistribution | None = None) -> None:
        self._set_delays(fixed_delay, delay_distribution)
        self._extended: dict[str, Any] | None = None

    @classmethod
    def from_latency(cls, latency: str | int | None) -> GlobalSettings:
        """Return the settings that a mock with this `latency` starts with."""
        bounds = parse_latency(latency)
        if bounds is None:
            return cls()
        least, most = bounds
        return cls(fixed_delay=least) if least == most else cls(delay_distribution=UniformDistribution(least, most))

    def load(self, value: Any, pointer: str = "") -> None:
        """Replace all settings by those of JSON; what it leaves out is switched off.

        Raises:
            ControlError: an unknown key or an invalid value (422); the settings stay as they are.
        """
        fields = read_object(value, pointer, KEYS)
        if read_boolean(fields.get("proxyPassThrough", False), f"{pointer}/proxyPassThrough"):
            raise invalid(f"{pointer}/proxyPassThrough", "The mock does not proxy: only false is possible.")
        extended = fields.get("extended")
        if extended is not None and not isinstance(extended, dict):
            raise invalid(f"{pointer}/extended", f"Must be a JSON object, not {show(extended)}.")
        fixed, distribution = fields.get("fixedDelay"), fields.get("delayDistribution")
        loaded = (
            None if fixed is None else read_integer(fixed, f"{pointer}/fixedDelay", minimum=MIN_INTEGER),
            None if distribution is None else read_distribution(distribution, f"{pointer}/delayDistribution"),
        )
        self._set_delays(*loaded)
        self._extended = extended

    def _set_delays(self, fixed_delay: int | None, delay_distribution: DelayDistribution | None) -> None:
        self.fixed_delay = fixed_delay
        self.delay_distribution = delay_distribution
        self.has_delay = fixed_delay is not None or delay_distribution is not None
        """Whether responses are delayed."""

    def to_json(self) -> dict[str, Any]:
        """Return them as WireMock's JSON has them."""
        parts = {
            "fixedDelay": self.fixed_delay,
            "delayDistribution": self.delay_distribution and self.delay_distribution.to_json(),
            "extended": self._extended,
            "proxyPassThrough": False,
        }
        return {name: value for name, value in parts.items() if value is not None}

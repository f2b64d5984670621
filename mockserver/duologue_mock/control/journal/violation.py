"""A way in which a request broke the contract."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """A way in which a request broke the contract.

    Args:
        rule: the rule's id, which stays the same: `body-field`.
        message: what is wrong, with the field or value.
        cure: what to do.
    """

    rule: str
    message: str
    cure: str

    def to_json(self) -> dict[str, str]:
        """Return it as JSON values."""
        return {"rule": self.rule, "message": self.message, "cure": self.cure}

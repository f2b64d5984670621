"""Running a case against a server: each step is sent, and what comes back is normalized."""

from __future__ import annotations

from tests.wiremock.cases import Admin, Case, Send, Step
from tests.wiremock.normalize import Answer, Normalizer
from tests.wiremock.wire import Received, encode, send

RESET = (
    Admin("DELETE", "/mappings"),
    Admin("POST", "/reset"),
    Admin("POST", "/settings", {}),
)


def reset(port: int) -> None:
    """Remove stubs, journal, scenarios and settings."""
    for step in RESET:
        received = send_step(port, step)
        assert received.status == 200, received.raw


def send_step(port: int, step: Step) -> Received:
    """Send a step, and check that the answer took as long as the step says.

    Raises:
        AssertionError: it came too early.
    """
    received = send(port, encode(step, port), is_head=step.method == "HEAD")
    if isinstance(step, Send):
        assert received.milliseconds >= step.at_least, f"{received.milliseconds} ms, not {step.at_least}: {step}"
    return received


def run_case(port: int, case: Case) -> list[Answer]:
    """Return a server's normalized answers to the steps of a case."""
    reset(port)
    normalizer = Normalizer(case, port)
    return [normalizer.normalize(step, send_step(port, step)) for step in case.steps]

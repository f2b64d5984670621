"""Listeners that receive nothing."""

from __future__ import annotations

from duologue.conformance.target.examples import create_user
from duologue.conformance.target.listener import Listener
from duologue.conformance.target.server import Server


def check_silence(server: Server, *listeners: Listener, about: tuple[str, ...]) -> None:
    """Check that these listeners received none of these events: a later event reaches them first."""
    marker = create_user(server.platform)
    for listener in listeners:
        listener.wait_for("user:created", userId=marker["id"])
        for prefix in about:
            assert listener.about(prefix) == []

"""Returning a namespace to its start, or putting it at another starting point."""

from __future__ import annotations

from duologue_mock.control.namespace_control import NamespaceControl
from duologue_mock.control.state.starting_point import StartingPoint
from duologue_mock.http.namespaces import Namespace
from duologue_mock.store.clock import MockClock


def reset(namespace: Namespace, control: NamespaceControl) -> None:
    """Return a namespace to its start: data, logins, ids, clock, limits, idempotency keys, journal, scenarios, stubs.

    Persistent stubs, global settings and snapshots stay.
    """
    apply(control.start, namespace, control)


def start_anew(start: StartingPoint, namespace: Namespace, control: NamespaceControl) -> None:
    """Make a namespace one that has just been created, with another start."""
    control.start = start
    control.snapshots.clear()
    apply(start, namespace, control)


def apply(start: StartingPoint, namespace: Namespace, control: NamespaceControl | None) -> None:
    """Put a namespace at a starting point; its own stays the one that a reset returns to.

    Args:
        start: the starting point.
        namespace: the namespace.
        control: what steers it; None where the control API is switched off.
    """
    _set_clock(namespace.state.clock, start)
    namespace.state.restore(start.capture)
    namespace.state.ids.restart_requests()
    namespace.configure(start.settings)
    namespace.dispatcher.forget_idempotency_keys()
    if control is not None:
        control.recorder.reset()
        control.realtime.reset()


def reset_state(namespace: Namespace, control: NamespaceControl) -> None:
    """Return the data of a namespace to its start: users, chats, messages, logins, ids. All else stays."""
    namespace.state.restore(control.start.capture)
    namespace.dispatcher.forget_idempotency_keys()


def _set_clock(clock: MockClock, start: StartingPoint) -> None:
    clock.restore(start.clock)
    if start.is_frozen:
        clock.freeze()
    if start.now is not None:
        clock.set(start.now)

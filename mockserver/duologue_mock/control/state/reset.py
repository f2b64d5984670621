"""Returning a namespace to its start, or putting it at another starting point.

Whether everything fits is checked first: what is refused changes nothing.
"""

from __future__ import annotations

from duologue_mock.control.namespace_control import NamespaceControl
from duologue_mock.control.offline import is_offline
from duologue_mock.control.state.starting_point import StartingPoint
from duologue_mock.http.namespaces import Namespace


def initialize(start: StartingPoint, namespace: Namespace, control: NamespaceControl | None) -> None:
    """Put a namespace at a start, as one that has just been created.

    Args:
        start: what it starts with, and what a reset returns it to.
        namespace: the namespace.
        control: what steers it; None where the control API is switched off.

    Raises:
        ControlError: its stubs do not fit (422).
    """
    if control is not None:
        control.check_stubs(start.stubs, keeps_persistent=False)
    _put_data(start, namespace)
    if control is not None:
        control.start = start
        control.snapshots.clear()
        control.stubs.remove_where(lambda stub: True)
        reset_global_settings(control)
        _steer(start, control)


def reset(namespace: Namespace, control: NamespaceControl) -> None:
    """Return a namespace to its start: data, logins, ids, clock, limits, idempotency keys, journal, scenarios, stubs.

    Persistent stubs and snapshots stay, as do global settings that are not those of a preset.

    Raises:
        ControlError: the stubs of its start do not fit besides the persistent ones (422).
    """
    control.check_stubs(control.start.stubs, keeps_persistent=True)
    _put_data(control.start, namespace)
    _undo_preset_settings(control)
    _steer(control.start, control)


def apply_preset(start: StartingPoint, namespace: Namespace, control: NamespaceControl) -> None:
    """Put a namespace at a starting point; its own stays the one that a reset returns to.

    Raises:
        ControlError: the stubs do not fit besides the persistent ones (422).
    """
    control.check_stubs(start.stubs, keeps_persistent=True)
    _put_data(start, namespace)
    _undo_preset_settings(control)
    _steer(start, control)
    if start.global_settings is not None:
        before = control.global_settings.to_json()
        control.global_settings.load(start.global_settings)
        control.preset_global_settings = (before, control.global_settings.to_json())


def reset_global_settings(control: NamespaceControl) -> None:
    """Return the global settings of a namespace to those of its start."""
    settings = control.start.global_settings
    control.global_settings.load(control.initial_global_settings if settings is None else settings)
    control.preset_global_settings = None


def reset_state(namespace: Namespace, control: NamespaceControl) -> None:
    """Return the data of a namespace to its start: users, chats, messages, logins, ids. All else stays."""
    namespace.state.restore(control.start.capture)
    namespace.dispatcher.forget_idempotency_keys()


def _put_data(start: StartingPoint, namespace: Namespace) -> None:
    clock = namespace.state.clock
    clock.restore(start.clock)
    if start.is_frozen:
        clock.freeze()
    if start.now is not None:
        clock.set(start.now)
    namespace.state.restore(start.capture)
    namespace.state.ids.restart_requests()
    namespace.configure(start.settings)
    namespace.dispatcher.forget_idempotency_keys()


def _steer(start: StartingPoint, control: NamespaceControl) -> None:
    control.recorder.reset()
    control.realtime.reset()
    control.reset_stubs()
    control.stubs.import_all(start.stubs, overwrites=True, deletes_others=False)
    for mapping in reversed(start.message_mappings):
        control.realtime.mappings.add(mapping)
    if is_offline(control):
        control.realtime.break_all()


def _undo_preset_settings(control: NamespaceControl) -> None:
    """Put back the global settings of before a preset, unless others have been set since."""
    if control.preset_global_settings is not None:
        before, applied = control.preset_global_settings
        control.preset_global_settings = None
        if control.global_settings.to_json() == applied:
            control.global_settings.load(before)

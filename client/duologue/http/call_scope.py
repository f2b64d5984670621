"""The context in which a call is made: how it ends, and what its error shows."""

from __future__ import annotations

from duologue.concurrency.event_emitter import EventEmitter
from duologue.errors import APIError
from duologue.http.call import Call
from duologue.observability.hooks import Hooks, run_hook
from duologue.observability.on_call import CallRecord
from duologue.observability.redaction import hide_frames


class CallScope:
    """Adds a call to an error that leaves it, runs `on_error`, and emits the call's record when it has ended.

    The frames inside are taken off the traceback of an error, and off that of Ctrl-C: their variables hold the request
    and the response, and so passwords and tokens, and some tools show the variables of a traceback.

    Args:
        call: the call.
        hooks: its hooks.
        calls: emits its record.
        ends_call: whether the call has ended when the context is left; an error always ends it.
    """

    __slots__ = ("_call", "_calls", "_ends_call", "_hooks")

    def __init__(self, call: Call, hooks: Hooks, calls: EventEmitter[CallRecord], *, ends_call: bool) -> None:
        self._call = call
        self._hooks = hooks
        self._calls = calls
        self._ends_call = ends_call

    def __enter__(self) -> None:
        return

    def __exit__(self, _: object, failure: BaseException | None, __: object) -> None:
        call = self._call
        if isinstance(failure, GeneratorExit):  # the stream was left early: the call has ended all the same
            failure = None
        if isinstance(failure, APIError):
            call.annotate_error(failure)
            if self._hooks.on_error is not None:
                run_hook(self._hooks.on_error, call.build_hook_event(error=failure))
        if (self._ends_call or failure is not None) and self._calls.has_listeners("call"):
            self._calls.emit("call", call.build_record(failure))
        if isinstance(failure, APIError) or (failure is not None and not isinstance(failure, Exception)):
            hide_frames(failure)

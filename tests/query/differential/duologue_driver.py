"""Plays scenarios with `duologue.query`: real threads, one at a time, on a clock that only the scenario advances."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from duologue import Clock
from duologue.query import (
    InfiniteData,
    QueryCancelledError,
    QueryClient,
    QueryObserver,
    QueryResult,
    RetryOptions,
    Variables,
)
from duologue.query.state import MISSING
from tests.query.differential.scenarios import text

TICK = 1 / 1024
NO_LIMIT = 10**12
TIMEOUT = 30.0
NOTHING = ["loading", "idle", None, None, 0, False]


@dataclass(order=True)
class Sleeper:
    """A thread that waits for a time, or for an event."""

    at: int
    number: int
    until: threading.Event = field(compare=False)
    wake: threading.Event = field(compare=False, default_factory=threading.Event)


class Stage(Clock):
    """A clock and all threads: at most one is awake, and time passes only while none is."""

    def __init__(self) -> None:
        self.now_ticks = 0
        self._changed = threading.Condition()
        self._awake = 0
        self._number = 0
        self._sleepers: list[Sleeper] = []
        self._functions: list[Callable[[], object]] = []

    def now(self) -> datetime:
        return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=self.now_ticks * TICK)

    def monotonic(self) -> float:
        return self.now_ticks * TICK

    def sleep(self, seconds: float, until: threading.Event) -> None:
        ticks = NO_LIMIT if seconds > 1e8 else round(seconds / TICK)
        with self._changed:
            self._number += 1
            sleeper = Sleeper(self.now_ticks + ticks, self._number, until)
            self._sleepers.append(sleeper)
            self._awake -= 1
            self._changed.notify_all()
        assert sleeper.wake.wait(TIMEOUT)

    def enter(self, function: Callable[[], object]) -> None:
        """Run a function on a thread as soon as no other is awake."""
        with self._changed:
            self._functions.append(function)

    def settle(self) -> None:
        """Return when all threads are waiting for time to pass."""
        while True:
            with self._changed:
                assert self._changed.wait_for(lambda: self._awake == 0, TIMEOUT)
                ready = next((sleeper for sleeper in sorted(self._sleepers) if sleeper.until.is_set()), None)
                if ready is not None:
                    self._wake(ready)
                    continue
                if not self._functions:
                    return
                function = self._functions.pop(0)
                self._awake += 1
            threading.Thread(target=self._run, args=(function,), daemon=True).start()

    def advance(self, ticks: int) -> None:
        """Let time pass."""
        end = self.now_ticks + ticks
        self.settle()
        while True:
            with self._changed:
                due = [sleeper for sleeper in self._sleepers if sleeper.at <= end]
                if not due:
                    break
                self.now_ticks = min(due).at
                self._wake(min(due))
            self.settle()
        self.now_ticks = end

    def _wake(self, sleeper: Sleeper) -> None:
        self._sleepers.remove(sleeper)
        self._awake += 1
        sleeper.wake.set()

    def _run(self, function: Callable[[], object]) -> None:
        try:
            function()
        finally:
            with self._changed:
                self._awake -= 1
                self._changed.notify_all()


class StageExecutor(Executor):
    """An executor whose threads the stage runs."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self._stage.enter(lambda: fn(*args, **kwargs))
        return Future()


class Play:
    """One scenario."""

    def __init__(self, scenario: Mapping[str, Any]) -> None:
        self.scenario = scenario
        self.stage = Stage()
        retry = RetryOptions(scenario["retry"])
        self.client = QueryClient(
            clock=self.stage,
            executor=StageExecutor(self.stage),
            stale_time=scenario["stale_time"] * TICK,
            cache_time=scenario["cache_time"] * TICK,
            retry=retry,
        )
        self.calls: dict[str, int] = {}
        self.results: dict[str, Any] = {}
        self.observers: dict[str, QueryObserver[Any]] = {}
        self.notified: dict[str, list[Any]] = {}
        self.log: list[str] = []

    def serve(self, key: list[Any], param: int | None = None) -> Any:
        name = text(key)
        number = self.calls[name] = self.calls.get(name, 0) + 1
        script = self.scenario["server"][name]
        response = script[(number - 1) % len(script)]
        self.stage.sleep(response["ticks"] * TICK, threading.Event())
        if response["fails"]:
            raise RuntimeError(f"failure {number}")
        return {"number": number, "param": param, "same": [1]}

    def query(self, op: Mapping[str, Any]) -> Any:
        key = op["key"]
        return self.client.query(
            tuple(key),
            lambda: self.serve(key),
            enabled=op.get("enabled", True),
            keep_previous_data=op.get("keep", False),
        )

    def infinite(self, op: Mapping[str, Any]) -> Any:
        key = op["key"]
        return self.client.infinite(
            tuple(key),
            lambda page: self.serve(key, page),
            initial_page_param=1,
            get_next_page_param=lambda last, _: last["param"] + 1 if last["param"] < 4 else None,
            get_previous_page_param=lambda first, _: first["param"] - 1 if first["param"] > -1 else None,
        )

    def record(self, id: str, call: Callable[[], Any]) -> None:
        self.results[id] = "pending"

        def function() -> None:
            try:
                self.results[id] = {"data": call()}
            except Exception as error:
                self.results[id] = {"error": format_error(error)}

        self.stage.enter(function)

    def observe(self, op: Mapping[str, Any], query: Any) -> None:
        results: list[Any] = []
        self.notified[op["id"]] = results
        before = query.state
        last = NOTHING if before is None else format_result(before)

        def callback(result: QueryResult[Any]) -> None:
            nonlocal last
            if format_result(result) != last:  # else only `is_stale` has changed
                results.append(format_result(result))
            last = format_result(result)

        self.observers[op["id"]] = query.observe(callback)

    def step(self, op: Mapping[str, Any]) -> None:
        client, key = self.client, tuple(op.get("key", ()))
        observer = self.observers.get(op.get("id", ""))
        match op["do"]:
            case "fetch":
                self.record(op["call"], self.query(op).fetch)
            case "ensure":
                self.record(op["call"], self.query(op).ensure)
            case "set":
                client.set_data(key, {"number": op["value"], "same": [1]})
            case "update":
                client.update_data(key, lambda old: {**old, "number": old["number"] + 1000})
            case "invalidate":
                client.invalidate(key, refetch_type=op["refetch"])
            case "refetch":
                self.stage.enter(lambda: client.refetch(key))
            case "cancel" | "remove" | "reset" as name:
                getattr(client, name)(key)
            case "clear":
                client.clear()
            case "observe":
                self.observe(op, self.query(op))
            case "observe_infinite":
                self.observe(op, self.infinite(op))
            case "mutate":
                self.mutate(op)
            case _ if observer is not None:
                self.step_observer(observer, op)

    def step_observer(self, observer: QueryObserver[Any], op: Mapping[str, Any]) -> None:
        match op["do"]:
            case "unobserve":
                observer.close()
                del self.observers[op["id"]]
            case "turn":
                observer.set_query(self.query(op))
            case "refetch_observer":
                self.stage.enter(observer.refetch)
            case "next":
                self.stage.enter(observer.fetch_next_page)
            case "previous":
                self.stage.enter(observer.fetch_previous_page)

    def mutate(self, op: Mapping[str, Any]) -> None:
        client, key = self.client, tuple(op["key"])

        def begin(_: Variables) -> Any:
            self.log.append("mutate")
            client.cancel(key)
            before = client.get_data(key)
            if before is not None:
                client.set_data(key, {**before, "number": before["number"] + 5000})
            return before

        def undo(error: Exception, _: Variables, before: Any) -> None:
            self.log.append(f"error {error}")
            if before is not None:
                client.set_data(key, before)

        mutation = client.mutation(
            lambda: self.serve(["mutation"]),
            retry=RetryOptions(self.scenario["retry"]),
            on_mutate=begin,
            on_success=lambda data, *_: self.log.append(f"success {data['number']}"),
            on_error=undo,
            on_settled=lambda data, error, *_: self.log.append(
                f"settled {'null' if data is None else data['number']} {error or 'null'}"
            ),
        )
        self.record(op["call"], mutation)

    def trace(self) -> dict[str, Any]:
        len(self.client)  # collects garbage
        return {
            "now": self.stage.now_ticks,
            "queries": {text(list(entry.key)): self.query_trace(entry) for entry in self.client.cache.find_all(())},
            "observers": {id: observer_trace(observer) for id, observer in self.observers.items()},
            "seen": {id: list(results) for id, results in self.notified.items()},
            "results": {id: to_json(result) for id, result in self.results.items()},
            "calls": dict(self.calls),
            "log": list(self.log),
        }

    def query_trace(self, entry: Any) -> dict[str, Any]:
        state = entry.state
        return {
            "data": None if state.data is MISSING else to_json(state.data),
            "status": state.status,
            "fetch_status": state.fetch_status,
            "error": format_error(state.error),
            "invalidated": state.is_invalidated,
            "failures": state.failure_count,
            "updates": state.data_update_count,
            "errors": state.error_update_count,
            "updated_at": None if state.data is MISSING else round(state.fresh_from / TICK),
            "observers": len(entry.observers),
        }

    def run(self, steps: int) -> list[dict[str, Any]]:
        """Play the first steps, and return the trace of each."""
        traces = []
        for op in self.scenario["steps"][:steps]:
            if op["do"] != "advance":
                self.step(op)
            self.stage.advance(op.get("ticks", 0))
            traces.append(self.trace())
        self.client.close()
        self.stage.advance(10**9)
        return traces


def format_result(result: QueryResult[Any]) -> list[Any]:
    return [
        result.status,
        result.fetch_status,
        to_json(result.data),
        format_error(result.error),
        result.failure_count,
        result.is_previous_data,
    ]


def observer_trace(observer: QueryObserver[Any]) -> list[Any]:
    result = observer.current
    fields = [*format_result(result), result.is_stale]
    if observer.spec.infinite_behavior is None:
        return fields
    return [
        *fields,
        result.has_next_page,
        result.has_previous_page,
        result.is_fetching_next_page,
        result.is_fetching_previous_page,
    ]


def to_json(data: Any) -> Any:
    if isinstance(data, InfiniteData):
        return {"pages": list(data.pages), "pageParams": list(data.page_params)}
    return {"data": to_json(data["data"])} if isinstance(data, dict) and set(data) == {"data"} else data


def format_error(error: BaseException | None) -> str | None:
    return "cancelled" if isinstance(error, QueryCancelledError) else None if error is None else str(error)

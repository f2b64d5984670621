"""The stubs of a namespace: adding, changing and removing them, and finding the one that a request matches."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from random import Random

from duologue_mock.control.errors import ControlError, not_found
from duologue_mock.control.json_values import too_many
from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.received import ReceivedRequest
from duologue_mock.control.stubs.index import StubEntry, StubIndex
from duologue_mock.control.stubs.mapping import StubMapping
from duologue_mock.control.stubs.scenarios import Scenarios
from duologue_mock.control.uuid_sequence import UUIDSequence
from duologue_mock.store.clock import Clock

MAX_STUBS = 20_000
MAX_SIZE = 64 * 1024 * 1024
"""Bytes that all stubs of a namespace may take together, roughly."""
TAKEN_ID = 109
"""WireMock's code of a stub whose id another one has."""


class Stubs:
    """The stubs of one namespace, with their scenarios.

    Args:
        clock: the namespace's; stubs expire by it.
        seed: what ids and probabilities are drawn from: the same seed and the same calls draw the same. None draws at
            random.
        namespace: the namespace's name; with the same seed, the ids of another one differ.
    """

    def __init__(self, clock: Clock, seed: int | None = None, namespace: str = "") -> None:
        self.scenarios = Scenarios()
        self.is_empty = True
        """Whether there is no stub."""
        self._clock = clock
        self._seed = seed
        self._purpose = f"stubs of {namespace}"
        self._ids = UUIDSequence(seed, self._purpose)
        self._entries: dict[uuid.UUID, StubEntry] = {}
        self._expiring: set[StubEntry] = set()
        self._index = StubIndex()
        self._sequence = 0
        self._size = 0
        self._lock = threading.RLock()  # an application on threads may be asked and changed at the same moment

    def new_id(self) -> uuid.UUID:
        """Return an id for a stub that brings none."""
        return self._ids.next(self._entries)

    def list_all(self) -> list[StubMapping]:
        """Return the stubs in the order in which they are tried: by priority, the newest first."""
        with self._lock:
            self._remove_expired()
            return [entry.stub for entry in sorted(self._entries.values(), key=lambda entry: entry.order)]

    def list_by_age(self) -> list[StubMapping]:
        """Return the stubs, the oldest first."""
        with self._lock:
            self._remove_expired()
            return [entry.stub for entry in sorted(self._entries.values(), key=lambda entry: entry.sequence)]

    def get(self, id: uuid.UUID) -> StubMapping:
        """Return a stub.

        Raises:
            ControlError: there is none with this id (404).
        """
        return self._get(id).stub

    def add(self, stub: StubMapping) -> None:
        """Add a stub, as the newest.

        Raises:
            ControlError: its id is taken, or the namespace has too many stubs (422).
        """
        with self._lock:
            self._remove_expired()
            if stub.id in self._entries:
                detail = f"ID of the provided stub mapping '{stub.id}' is already taken by another stub mapping"
                raise ControlError(422, "Duplicate stub mapping ID", detail=detail, code=TAKEN_ID)
            self._check_room([stub], gone=())
            self._insert(stub)

    def replace(self, id: uuid.UUID, stub: StubMapping) -> StubMapping:
        """Replace a stub, and return the new one: it has the place and the id of the old one, and starts anew.

        Raises:
            ControlError: there is none with this id (404), or no room (422).
        """
        with self._lock:
            entry = self._get(id)
            self._check_room([stub], gone=[entry])
            return self._swap(entry, stub.with_id(id))

    def remove(self, id: uuid.UUID) -> None:
        """Remove a stub.

        Raises:
            ControlError: there is none with this id (404).
        """
        with self._lock:
            self._delete(self._get(id))

    def remove_where(self, is_removed: Callable[[StubMapping], bool]) -> None:
        """Remove the stubs for which a function returns true."""
        with self._lock:
            for entry in list(self._entries.values()):
                if is_removed(entry.stub):
                    self._delete(entry)

    def reset(self, initial: Sequence[StubMapping] = ()) -> None:
        """Return to the start: the persistent stubs stay and start anew, as do the scenarios; the others are removed.

        Args:
            initial: the stubs that the namespace started with; those that are gone come back.
        """
        with self._lock:
            self.remove_where(lambda stub: not stub.is_persistent)
            self._ids = UUIDSequence(self._seed, self._purpose)
            for entry in sorted(self._entries.values(), key=lambda entry: entry.sequence):
                self._swap(entry, entry.stub)
            for stub in initial:
                if stub.id not in self._entries:
                    self._insert(stub)
            self.scenarios.reset()

    def check_reset(
        self, initial: Sequence[StubMapping], added: Sequence[StubMapping] = (), *, keeps_persistent: bool = True
    ) -> None:
        """Check that stubs fit that a reset puts back, and others that are added to them; nothing is changed.

        Args:
            initial: the stubs that the namespace started with.
            added: stubs that are added after the reset; they replace those with their ids.
            keeps_persistent: whether the persistent stubs stay, as in `reset`.

        Raises:
            ControlError: there is no room (422).
        """
        with self._lock:
            kept = {id for id, one in self._entries.items() if keeps_persistent and one.stub.is_persistent}
            new = {stub.id: stub for stub in initial if stub.id not in kept} | {stub.id: stub for stub in added}
            gone = [entry for id, entry in self._entries.items() if id not in kept or id in new]
            self._check_room(list(new.values()), gone=gone)

    def check_room(self, stub: StubMapping) -> None:
        """Raise `ControlError` (422) if there is no room for one more stub."""
        with self._lock:
            self._remove_expired()
            self._check_room([stub], gone=())

    def import_all(self, stubs: Sequence[StubMapping], *, overwrites: bool, deletes_others: bool) -> None:
        """Add stubs, of which the first wins over the others; those whose id is taken replace, or are left out.

        Args:
            stubs: the stubs. Of two with the same id, the first is imported.
            overwrites: whether a stub replaces the one with its id.
            deletes_others: whether the stubs are removed that are not among them.

        Raises:
            ControlError: there is no room (422); nothing is imported.
        """
        with self._lock:
            imported = {stub.id: stub for stub in reversed(stubs)}
            others = [entry for entry in self._entries.values() if entry.stub.id not in imported]
            replaced = [entry for id, entry in self._entries.items() if id in imported]
            gone = [*(others if deletes_others else ()), *(replaced if overwrites else ())]
            new = [stub for stub in imported.values() if overwrites or stub.id not in self._entries]
            self._check_room(new, gone=gone)
            for entry in others if deletes_others else ():
                self._delete(entry)
            for stub in new:
                if stub.id in self._entries:
                    self._swap(self._entries[stub.id], stub)
                else:
                    self._insert(stub)

    def make_persistent(self) -> None:
        """Make all stubs persistent."""
        with self._lock:
            for entry in self._entries.values():
                persistent = entry.stub.as_persistent()
                self._size += persistent.size - entry.stub.size
                entry.stub = persistent

    def may_match(self, method: str, url: str, operation_id: str | None) -> bool:
        """Return whether any stub can match a request with these: for most requests none can, and this is cheap.

        Args:
            method: the request's method.
            url: its path and query string, as they were sent.
            operation_id: the operation that it names, if any.
        """
        with self._lock:
            return bool(self._index.find(method, url, operation_id))

    def match(
        self,
        method: str,
        url: str,
        operation_id: str | None,
        *,
        receive: Callable[[], ReceivedRequest],
        evaluation: Evaluation | None = None,
        take_turn: Callable[[], None] = lambda: None,
    ) -> StubMapping | None:
        """Return the stub that responds to a request, and count it as served; None if none does.

        Args:
            method: the request's method.
            url: its path and query string, as they were sent.
            operation_id: the operation that it names, if any.
            receive: returns the whole request; it is called when a stub may match.
            evaluation: what bounds the work; it says afterwards which matchers ran out of it. None for one of its own.
            take_turn: called between stubs, so that thousands do not hold other requests.
        """
        with self._lock:
            entries = self._index.find(method, url, operation_id)
        if not entries:
            return None
        request, evaluation = receive(), evaluation or Evaluation()
        for entry in entries:
            take_turn()
            with self._lock:  # what is looked at is still so when the stub is counted
                if self._is_available(entry) and entry.stub.pattern.matches(request, evaluation) and entry.draw():
                    entry.served += 1
                    self.scenarios.advance(entry.stub)
                    return entry.stub
        return None

    def _is_available(self, entry: StubEntry) -> bool:
        """Whether a stub is there still, may be served now, and its scenario is in the state that it requires."""
        if entry.is_removed or not entry.is_conditional:
            return not entry.is_removed
        return entry.is_available(self._clock.seconds()) and self.scenarios.allows(entry.stub)

    def _get(self, id: uuid.UUID) -> StubEntry:
        entry = self._entries.get(id)
        if entry is None or entry.has_expired(self._clock.seconds()):
            raise not_found(f"stub mapping {id}")
        return entry

    def _insert(self, stub: StubMapping, sequence: int | None = None) -> None:
        if sequence is None:
            self._sequence += 1
            sequence = self._sequence
        entry = StubEntry(stub, sequence, self._clock.seconds(), self._create_random(stub))
        self._entries[stub.id] = entry
        self.is_empty = False
        self._index.add(entry)
        self._size += stub.size
        self.scenarios.add(stub)
        if stub.lifetime is not None:
            self._expiring.add(entry)

    def _create_random(self, stub: StubMapping) -> Random | None:
        """Return what decides by a stub's probability: a sequence of its own, whatever other stubs there are."""
        if stub.probability is None:
            return None
        return Random(None if self._seed is None else f"{self._seed}:{stub.id}")  # noqa: S311  # to be predictable

    def _delete(self, entry: StubEntry) -> None:
        del self._entries[entry.stub.id]
        self.is_empty = not self._entries
        entry.is_removed = True
        self._index.remove(entry)
        self._size -= entry.stub.size
        self.scenarios.remove(entry.stub)
        self._expiring.discard(entry)

    def _swap(self, entry: StubEntry, stub: StubMapping) -> StubMapping:
        """Put a stub in the place of the one with its id. A scenario that both are in goes on."""
        self.scenarios.add(stub)
        self._delete(entry)
        self._insert(stub, entry.sequence)
        self.scenarios.remove(stub)
        return stub

    def _remove_expired(self) -> None:
        now = self._clock.seconds()
        for entry in [entry for entry in self._expiring if entry.has_expired(now)]:
            self._delete(entry)

    def _check_room(self, stubs: Sequence[StubMapping], *, gone: Iterable[StubEntry]) -> None:
        removed = [entry.stub for entry in gone]
        if len(self._entries) - len(removed) + len(stubs) > MAX_STUBS:
            raise too_many("stubs", MAX_STUBS)
        if self._size + sum(stub.size for stub in stubs) - sum(stub.size for stub in removed) > MAX_SIZE:
            detail = f"The stubs of a namespace may take {MAX_SIZE} bytes."
            raise ControlError(422, "The stubs take too much memory", detail=detail)

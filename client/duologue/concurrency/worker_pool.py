"""A thread pool that one of its own threads may close."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from duologue.concurrency import fork_safety


class WorkerPool(ThreadPoolExecutor):
    """A `ThreadPoolExecutor` for callbacks of the user, which may close the object that runs them.

    A forked process has none of its threads and none of its work, and starts threads of its own when they are needed.

    Args:
        max_workers: how many threads to start at most; each is started when it is needed.
        name: the prefix of the threads' names.
    """

    def __init__(self, max_workers: int, name: str) -> None:
        self._local = threading.local()
        self._name = name
        self._closed = False
        self._open(max_workers)
        fork_safety.watch(self)

    def close(self, *, cancel: bool = True) -> None:
        """Refuse new work and wait until nothing is running; a thread of the pool does not wait for itself.

        Args:
            cancel: cancel the work that has not started yet, instead of waiting for it.
        """
        self._closed = True
        self.shutdown(wait=not hasattr(self._local, "is_worker"), cancel_futures=cancel)

    def after_fork(self) -> None:
        """Forget the parent's threads."""
        self._open(self._max_workers)
        if self._closed:
            self.shutdown(wait=False)

    def _open(self, max_workers: int) -> None:
        super().__init__(max_workers, thread_name_prefix=self._name, initializer=self._mark_thread)

    def _mark_thread(self) -> None:
        self._local.is_worker = True

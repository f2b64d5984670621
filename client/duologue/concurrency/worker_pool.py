"""A thread pool that one of its own threads may close."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor


class WorkerPool(ThreadPoolExecutor):
    """A `ThreadPoolExecutor` for callbacks of the user, which may close the object that runs them.

    Args:
        max_workers: how many threads to start at most; each is started when it is needed.
        name: the prefix of the threads' names.
    """

    def __init__(self, max_workers: int, name: str) -> None:
        self._local = threading.local()
        super().__init__(max_workers, thread_name_prefix=name, initializer=self._mark_thread)

    def close(self, *, cancel: bool = True) -> None:
        """Refuse new work and wait until nothing is running; a thread of the pool does not wait for itself.

        Args:
            cancel: cancel the work that has not started yet, instead of waiting for it.
        """
        self.shutdown(wait=not hasattr(self._local, "is_worker"), cancel_futures=cancel)

    def _mark_thread(self) -> None:
        self._local.is_worker = True

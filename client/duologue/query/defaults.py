"""Every default of the query layer, a sentence each; times are in seconds.

They are the platform document's `config/queryClient.ts` and `hooks/useUsers.ts`, unless a line says otherwise.
"""

from __future__ import annotations

from typing import Final

STALE_TIME: Final = 300.0
"""How long data counts as fresh: five minutes (`staleTime`)."""

USERS_STALE_TIME: Final = 120.0
"""How long users count as fresh: two minutes (`useUsers`)."""

CACHE_TIME: Final = 600.0
"""How long data is kept once nobody observes it: ten minutes (`cacheTime`)."""

MAX_ENTRIES: Final = 10_000
"""How many queries are kept; beyond that, of those nobody observes, the longest unused go. (TanStack has no bound.)"""

WORKERS: Final = 4
"""How many background refreshes run at a time."""

PAGE_LIMIT: Final = 20
"""Users in a page of an infinite query (`useInfiniteUsers`)."""

BATCH_DELAY: Final = 0.05
"""The platform document's `RequestBatcher` waits 50 ms for further calls."""

BATCH_SIZE: Final = 5
"""The chat document's `BatchProcessor` does five operations at a time."""

BATCH_PAUSE: Final = 0.1
"""The chat document's `BatchProcessor` rests 100 ms between two batches."""

"""docs/coming-from-react-query.md: nothing that the specifications say of state is left out, and each name exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import duologue
import duologue_mock
from duologue import Client

GUIDE = (Path(__file__).parents[2] / "docs" / "coming-from-react-query.md").read_text("utf-8")
PAIRS = re.findall(
    r"^### (.*?)\n.*?^```typescript\n(.*?)^```\n.*?^```python\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL
)

SPECIFICATION_NAMES = [
    "useApiQuery",
    "useApiMutation",
    "useUsers",
    "useUser",
    "useCreateUser",
    "useUpdateUser",
    "useDeleteUser",
    "useInfiniteUsers",
    "ErrorBoundary",
    "useLoadingState",
    "LoadingSpinner",
    "Skeleton",
    "SuspenseWrapper",
    "queryClient",
    "CacheManager",
    "useOptimisticUserUpdate",
    "AuthProvider",
    "useAuth",
    "ProtectedRoute",
    "useWebSocket",
    "createTestQueryClient",
    "waitForApiCalls",
    "RequestBatcher",
    "RequestDeduplicator",
    "PerformanceMonitor",
    "useAPI",
    "handleCreateSession",
    "handleToggleFavorite",
    "handleApiError",
    "APIErrorBoundary",
    "useRetryableAPI",
    "getDedupedSessions",
    "APICache",
    "getCachedSessions",
    "BatchProcessor",
]
"""What the code blocks of the specifications about state define."""


@pytest.fixture
def api() -> Iterator[Client]:
    with Client() as client:
        yield client


@pytest.mark.parametrize("name", SPECIFICATION_NAMES)
def test_counterpart_exists(name: str) -> None:
    assert any(re.search(rf"\b{name}\b", title + left) for title, left, _ in PAIRS)


def test_snippets_are_pairs() -> None:
    assert len(PAIRS) == GUIDE.count("```python") == GUIDE.count("```typescript")


TABLES = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", GUIDE.partition("## Every code block")[2], re.MULTILINE)
NAMES = {name for _, here in TABLES for name in re.findall(r"`((?:api\.)?[A-Za-z_][\w.]*)`", here)}
NAMED = sorted(NAMES - {"user_message", "DUOLOGUE_ENVIRONMENT"})  # an attribute and a variable


@pytest.mark.parametrize("name", NAMED)
def test_named_counterpart_exists(name: str, api: Client) -> None:
    if name.startswith("api."):
        value: object = api
        for part in name.split(".")[1:]:
            assert part in dir(value), name
            value = getattr(value, part)
    else:
        assert name in {*duologue.__all__, *duologue_mock.__all__}

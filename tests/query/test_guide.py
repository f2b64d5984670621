"""docs/coming-from-react-query.md: each snippet runs as it stands, and nothing of the documents' state is left out."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import duologue
import duologue_mock
from duologue import Client
from duologue_mock import MockServer

GUIDE = (Path(__file__).parents[2] / "docs" / "coming-from-react-query.md").read_text("utf-8")
PAIRS = re.findall(
    r"^### (.*?)\n.*?^```typescript\n(.*?)^```\n.*?^```python\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL
)

IN_THE_DOCUMENTS = [
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
"""What the documents' code blocks about state define."""


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Client]:
    with (
        MockServer(rate_limit=None, reply_function=lambda request: "Hello") as mock,
        Client(base_url=mock.base_url, chat_base_url=mock.chat_base_url, api_key=mock.api_key, user_id="me") as client,
    ):
        yield client
    assert not [one for one in threading.enumerate() if one.name.startswith("duologue-quer")]


@pytest.mark.parametrize("name", IN_THE_DOCUMENTS)
def test_everything_about_state_has_its_counterpart(name: str) -> None:
    assert any(re.search(rf"\b{name}\b", title + left) for title, left, _ in PAIRS)


@pytest.mark.parametrize("snippet", [right for _, _, right in PAIRS], ids=[title for title, _, _ in PAIRS])
def test_each_snippet_runs(snippet: str, api: Client) -> None:
    exec(compile(snippet, "coming-from-react-query.md", "exec"), {"api": api})


def test_no_snippet_is_overlooked() -> None:
    assert len(PAIRS) == GUIDE.count("```python") == GUIDE.count("```typescript")


TABLES = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", GUIDE.partition("## Every code block")[2], re.MULTILINE)
NAMES = {name for _, here in TABLES for name in re.findall(r"`((?:api\.)?[A-Za-z_][\w.]*)`", here)}
NAMED = sorted(NAMES - {"user_message", "DUOLOGUE_ENVIRONMENT"})  # an attribute and a variable


@pytest.mark.parametrize("name", NAMED)
def test_every_counterpart_that_is_named_exists(name: str, api: Client) -> None:
    if name.startswith("api."):
        found: object = api
        for part in name.split(".")[1:]:
            assert part in dir(found), name
            found = getattr(found, part)
    else:
        assert name in {*duologue.__all__, *duologue_mock.__all__}

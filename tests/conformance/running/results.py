"""Results of runs, as the tests of grouping and reports need them."""

from __future__ import annotations

from typing import Any

from duologue.conformance.running.result import Coverage, Exchange, Failure, Result, RuleOutcome, Verdict


def build_exchange(operation: str | None = "users.LIST", **fields: Any) -> Exchange:
    values = {"curl": "curl http://localhost:3001/api/users", "status": 200, "body": "{}", "request_id": "req-1"}
    return Exchange(operation=operation, **{**values, **fields})


def build_failure(rule: str, *calls: str | None, found_by: str | None = None, **fields: Any) -> Failure:
    """A failure of a test that called these operations, the last of which failed."""
    values: dict[str, Any] = {"case": "", "message": "It is wrong."}
    return Failure(
        rule=rule,
        found_by=found_by or rule,
        exchanges=tuple(build_exchange(call) for call in calls),
        operations=tuple(sorted({call for call in calls if call})),
        **{**values, **fields},
    )


def build_outcome(id: str, verdict: Verdict = Verdict.KEPT, **fields: Any) -> RuleOutcome:
    values: dict[str, Any] = {"source": "Platform API specification, Users", "stage": 2, "cases": 1, "duration": 0.5}
    return RuleOutcome(id, sentence=f"Rule {id} holds.", verdict=verdict, **{**values, **fields})


def build_result(*failures: Failure, **fields: Any) -> Result:
    """A run in which these failures happened, and one rule was kept."""
    broken = sorted({failure.rule for failure in failures})
    values: dict[str, Any] = {
        "base_url": "http://localhost:3001/api",
        "chat_base_url": "http://localhost:3002/chats-service/api/v1",
        "version": "0.1.0",
        "started": "2024-01-01T00:00:00.000Z",
        "duration": 12.5,
        "seed": 7,
        "requests": 340,
        "outcomes": (build_outcome("health.PLATFORM.ok"), *(build_outcome(id, Verdict.BROKEN) for id in broken)),
        "coverage": Coverage({"users.LIST": {"200": 3, "400": 0}}, {"user:created": 1, "user:deleted": 1}),
    }
    return Result(failures=failures, **{**values, **fields})

"""What the hooks change about the requests that Schemathesis generates."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis

from duologue.conformance.generated import hooks
from duologue_mock import MockServer


@pytest.fixture(scope="module")
def schema() -> Any:
    with MockServer() as mock:
        return schemathesis.openapi.from_url(f"{mock.origin}/openapi.json")


@pytest.mark.parametrize("name", ["host", "Expect", "Transfer-Encoding", "X-Mock-Namespace", "mpd%1N'~P"])
def test_other_headers_are_not_sent(schema: Any, name: str) -> None:
    described = {"If-None-Match": '"x"', "x-user-id": "me", "X-API-Key": "key", "Authorization": "Bearer x"}
    case = schema["/chats-service/api/v1/chats/{id}"]["GET"].Case(
        path_parameters={"id": "test-session-1"}, headers={**described, name: "x"}
    )
    hooks.before_call(schemathesis.HookContext(), case, {})
    assert dict(case.headers) == described

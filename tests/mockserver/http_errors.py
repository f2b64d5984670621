"""Expecting an error: as an exception inside, as the common error body outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from duologue.contract.error_body import ErrorBody, ErrorBodySchema
from duologue.contract.errors import get_error_type
from duologue_mock.errors import HTTPError
from tests.mockserver.raw import RawResponse


@contextmanager
def raises_http_error(status: int, *naming: str) -> Iterator[pytest.ExceptionInfo[HTTPError]]:
    """Expect an error with this status that names these fields, and says in a sentence what is wrong."""
    with pytest.raises(HTTPError) as caught:
        yield caught
    assert caught.value.status == status, caught.value.message
    assert re.match(r"[A-Z]\S* ", caught.value.message), caught.value.message
    assert set(naming) <= set(caught.value.fields), caught.value.fields


def parse_error(response: RawResponse, status: int) -> ErrorBody:
    """Return the common error body of a response with this status; fail if it is anything else."""
    assert response.status == status, response
    assert response.headers["content-type"] == "application/json"
    body = ErrorBodySchema().load(response.json)
    assert body.code == str(get_error_type(status))
    assert body.errors
    assert body.metadata.request_id == response.headers["x-request-id"]
    assert "Traceback" not in response.body.decode()
    return body

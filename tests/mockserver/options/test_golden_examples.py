"""A mock with the example data responds as the golden examples say."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from duologue.conformance.target import golden
from duologue.conformance.target.examples import each
from duologue.conformance.target.server import Server
from duologue.contract import Operation


@each()
def test_server_response(operation: Operation[Any], serve: Callable[..., Server]) -> None:
    example = golden.load(operation.id)
    server = serve()
    tokens = _tokens(server)

    actual = server.at_origin(operation.service.name).request(
        example["request"]["method"],
        example["request"]["path"],
        _with(tokens, example["request"].get("body")),
        query=example["request"].get("query"),
        headers=_with(tokens, example["request"]["headers"]),
    )

    assert actual.status_code == example["response"]["status"], actual.text
    for name, value in example["response"].get("headers", {}).items():
        assert actual.headers[name] == value
    body: Any = json.loads(actual.content) if actual.content else None
    expected = example["response"].get("body")
    assert golden.get_shape(body) == golden.get_shape(expected)
    if operation.safe and operation.has_etag:  # it reads the fixtures, which are the data of the examples
        assert {**body, "metadata": None} == {**expected, "metadata": None}


def _tokens(server: Server) -> dict[str, str]:
    """Return the real token for each token of the examples, which are not signed."""
    example = golden.load("auth.LOGIN")
    login = server.platform.post("/auth/login", example["request"]["body"]).json()
    return {example["response"]["body"][key]: login[key] for key in ("token", "refreshToken")}


def _with(tokens: dict[str, str], value: dict[str, Any] | None) -> Any:
    text = json.dumps(value)
    for made_up, real in tokens.items():
        text = text.replace(made_up, real)
    return json.loads(text)

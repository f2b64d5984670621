"""The OpenAPI document: valid, complete, made of the contract's own objects, and true of what the mock returns."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR
from werkzeug.test import TestResponse

from duologue import __version__
from duologue.contract import CHAT, Operation, events, headers, operations
from duologue.contract.core import Access
from duologue_mock.openapi.openapi import build_document
from tests.mockserver.clocks import ManualClock
from tests.mockserver.mocks import REQUESTS, Mock
from tests.mockserver.requests import get_operation

pytestmark = pytest.mark.slow

SERVERS = {"http://localhost:4001": "the platform", "http://localhost:4002": "the chat service"}
DOCUMENT: dict[str, Any] = json.loads(json.dumps(build_document(SERVERS)))

each_operation = pytest.mark.parametrize("one", operations(), ids=lambda one: one.id)


def get_description(one: Operation[Any]) -> dict[str, Any]:
    description: dict[str, Any] = DOCUMENT["paths"][one.route][one.method.lower()]
    return description


def get_response(one: Operation[Any], status: int) -> dict[str, Any]:
    responses: dict[str, dict[str, Any]] = get_description(one)["responses"]
    response = responses[str(status) if str(status) in responses else f"{status // 100}XX"]
    return at(response["$ref"]) if "$ref" in response else response


def walk(value: Any, path: str = "#") -> Iterator[tuple[str, Any]]:
    yield path, value
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from walk(inner, f"{path}/{key}")


def at(reference: str) -> Any:
    node: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        node = node[step.replace("~1", "/").replace("~0", "~")]
    return node


def validator(schema: Any) -> jsonschema_rs.Draft202012Validator:
    """A validator of a schema of the document, formats included."""
    return _create_validator(json.dumps(schema))


@functools.cache
def _create_validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    whole = {**json.loads(schema), "components": DOCUMENT["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def parameters(one: Operation[Any], where: str) -> dict[str, dict[str, Any]]:
    taken = [at(each["$ref"]) if "$ref" in each else each for each in get_description(one).get("parameters", ())]
    return {each["name"]: each for each in taken if each["in"] == where}


# --- valid


def test_valid_openapi() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    errors = [f"{list(error.instance_path)}: {error.message}" for error in OPENAPI_31_VALIDATOR.iter_errors(DOCUMENT)]
    assert errors == []


def test_valid_json_schema() -> None:
    schemas = [value for path, value in walk(DOCUMENT) if path.endswith("/schema") and isinstance(value, dict)]
    schemas += DOCUMENT["components"]["schemas"].values()
    assert len(schemas) > 50
    for schema in schemas:
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


def test_references() -> None:
    references = {value for path, value in walk(DOCUMENT) if path.endswith("/$ref")}
    assert references
    for reference in references:
        assert at(reference)


def test_no_unused_components() -> None:
    used = {value for path, value in walk(DOCUMENT) if path.endswith("/$ref")}
    for kind in ("schemas", "headers", "parameters", "responses"):
        assert not {name for name in DOCUMENT["components"][kind] if f"#/components/{kind}/{name}" not in used}


def test_deterministic() -> None:
    assert json.dumps(build_document(SERVERS)) == json.dumps(DOCUMENT)


def test_info() -> None:
    assert DOCUMENT["info"]["version"] == __version__
    assert DOCUMENT["servers"] == [{"url": url, "description": text} for url, text in SERVERS.items()]
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    assert tags == {one.resource for one in operations()}
    assert all(tag["description"] for tag in DOCUMENT["tags"])


def test_served_document(clock: ManualClock) -> None:
    response = Mock(clock).app.test_client().get("/openapi.json")
    assert response.json == {**DOCUMENT, "servers": [{"url": "http://localhost", "description": "both services"}]}
    assert response.headers["Content-Type"] == "application/json"


# --- complete


def test_operations() -> None:
    verbs = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
    documented = {(verb.upper(), path) for path, item in DOCUMENT["paths"].items() for verb in item if verb in verbs}
    assert documented == {(one.method, one.route) for one in operations()}


def test_operation_ids() -> None:
    names = [get_description(one)["operationId"] for one in operations()]
    assert len(set(names)) == len(names)


@each_operation
def test_description(one: Operation[Any]) -> None:
    documented = get_description(one)
    assert documented["summary"] == one.summary
    assert documented["tags"] == [one.resource]
    assert set(parameters(one, "path")) == set(one.parameters)
    assert all(each["required"] for each in parameters(one, "path").values())
    names = {field.data_key or name for name, field in one.query.fields.items()} if one.query else set()
    assert set(parameters(one, "query")) == names


@each_operation
def test_statuses(one: Operation[Any]) -> None:
    documented = {int(status) for status in get_description(one)["responses"] if status.isdecimal()}
    assert one.status in documented
    assert one.statuses <= documented or one.always_fails
    assert (304 in documented) == (one.safe and one.has_etag)
    assert (200 in documented and one.status != 200) == one.streams
    for status in {*documented, *one.failures}:
        response = get_response(one, status)
        assert response["description"]
        if status >= 400:
            schema = response["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/ErrorBody"}


@each_operation
def test_security(one: Operation[Any]) -> None:
    security = get_description(one)["security"]
    if one.service is CHAT:
        assert {"apiKey": []} in security
        assert ({} in security) == (one.access is Access.PUBLIC)
    else:
        assert ({"bearer": []} in security) == (one.access is not Access.PUBLIC)
        assert ({} in security) == (one.access not in (Access.PUBLIC, Access.AUTHENTICATED))
    assert {name for each in security for name in each} <= set(DOCUMENT["components"]["securitySchemes"])


@each_operation
def test_header_parameters(one: Operation[Any]) -> None:
    identified = one.service is CHAT and one.access is not Access.PUBLIC
    required = {headers.REFERENCE_CODE, headers.USER_ID} if identified else set()
    optional = {headers.IDEMPOTENCY_KEY} if one.takes_idempotency_key else set()
    optional |= {"If-Match", "If-None-Match"} if one.is_conditional else set()
    taken = parameters(one, "header")
    assert {name: each["required"] for name, each in taken.items()} == {
        **dict.fromkeys(required, True),
        **dict.fromkeys(optional, False),
    }


@each_operation
def test_parameters_are_described(one: Operation[Any]) -> None:
    for where in ("path", "query", "header"):
        for name, parameter in parameters(one, where).items():
            assert parameter["description"], f"{name} of {one.id}"


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_schemas_are_described(name: str) -> None:
    assert DOCUMENT["components"]["schemas"][name]["description"]


@each_operation
def test_body_schemas(one: Operation[Any]) -> None:
    documented = get_description(one)
    assert ("requestBody" in documented) == (one.body is not None)
    if one.body is not None:
        schema = documented["requestBody"]["content"]["application/json"]["schema"]
        assert schema == {"$ref": f"#/components/schemas/{type(one.body).__name__.removesuffix('Schema')}"}
        assert documented["requestBody"]["required"] == one.body_required
        assert at(schema["$ref"])["additionalProperties"] is False
    if one.response is None:
        assert "content" not in get_response(one, one.status) or one.status >= 400
    else:
        schema = documented["responses"][str(one.status)]["content"]["application/json"]["schema"]
        inner = schema["properties"]["data"] if one.enveloped else schema
        model: Any = one.response.fields["data"] if one.paged else None
        name = type(model.schema if model else one.response).__name__.removesuffix("Schema")
        assert (inner["items"] if one.paged else inner) == {"$ref": f"#/components/schemas/{name}"}


# --- links


def test_links_of_created_resources() -> None:
    """What was created is there under its id, for every operation that takes one."""
    links = get_response(get_operation("users.CREATE"), 201)["links"]
    assert links.keys() == {"users_get", "users_update", "users_delete"}
    assert {link["parameters"]["id"] for link in links.values()} == {"$response.body#/id"}


def test_links_with_etags() -> None:
    """The ETag of a read is the condition of the next read, and of a change."""
    links = get_response(get_operation("chats.GET"), 200)["links"]
    conditions = {link["operationId"]: link["parameters"] for link in links.values()}
    assert conditions == {
        "chats_get": {"id": "$request.path.id", "If-None-Match": "$response.header.ETag"},
        "chats_rename": {"id": "$request.path.id", "If-Match": "$response.header.ETag"},
        "chats_delete": {"id": "$request.path.id", "If-Match": "$response.header.ETag"},
    }


def test_links_take_declared_parameters() -> None:
    taken = {get_description(one)["operationId"]: one for one in operations()}
    links = [link for path, value in walk(DOCUMENT) if path.endswith("/links") for link in value.values()]
    assert links
    for link in links:
        one = taken[link["operationId"]]
        assert link["parameters"].keys() <= parameters(one, "path").keys() | parameters(one, "header").keys()


# --- true


FRAMING = {"Content-Type", "Content-Length", "Connection"}
"""What OpenAPI does not describe as headers: where a message ends, and its media type."""


def check_response(one: Operation[Any], response: TestResponse) -> None:
    """Check that a response is one that the document describes: its status, its body, and each of its headers."""
    described = get_response(one, response.status_code)
    content = described.get("content", {})
    if "application/json" in content:
        validator(content["application/json"]["schema"]).validate(response.json)
    else:
        assert response.mimetype in content or response.data == b""
    declared = {name: at(header["$ref"]) for name, header in described["headers"].items()}
    sent = {name: value for name, value in response.headers.items() if not name.startswith("Access-Control-")}
    assert len(sent) == len({name.lower() for name in sent})
    assert {name for name, header in declared.items() if header["required"]} <= sent.keys() <= {*declared, *FRAMING}
    for name in sent.keys() & declared.keys():
        schema = declared[name]["schema"]
        value = int(sent[name]) if schema.get("type") == "integer" else sent[name]
        validator(schema).validate(value)


@each_operation
def test_responses_match_document(clock: ManualClock, one: Operation[Any]) -> None:
    mock = Mock(clock)
    body, args = REQUESTS[one.id]
    login = mock.call("auth.LOGIN", REQUESTS["auth.LOGIN"][0]).json
    assert login is not None
    sent = {"Authorization": f"Bearer {login['token']}"} if one.access is Access.AUTHENTICATED else {}
    body = {"refreshToken": login["refreshToken"]} if one.id == "auth.REFRESH" else body
    response = mock.call(one.id, body, args=args, **sent)
    assert response.status_code == one.status
    check_response(one, response)
    if body is not None and one.body is not None:
        validator(get_description(one)["requestBody"]["content"]["application/json"]["schema"]).validate(body)


BAD_TOKEN = {"Authorization": "Bearer bad", "x-api-key": "bad"}
SENT: dict[str, dict[str, str]] = {
    "nothing": {},
    "an origin": {"Origin": "http://localhost:5173"},
    "a foreign origin": {"Origin": "http://evil.example"},
    "another host": {"Host": "evil.example"},
    "bad credentials": BAD_TOKEN,
    "a key": {"Idempotency-Key": "key-1"},
    "an empty key": {"Idempotency-Key": ""},
    "a condition on what exists": {"If-None-Match": "*"},
    "a condition on another state": {"If-Match": '"other"'},
    "a malformed condition": {"If-Match": "other"},
    "a wish for a stream": {"Accept": "text/event-stream"},
    "a media type": {"Content-Type": "text/plain"},
    "a content coding": {"Content-Encoding": "gzip"},
}


@each_operation
@pytest.mark.parametrize("rate_limit", [None, 5], ids=["unlimited", "limited"])
def test_headers_match_document(clock: ManualClock, one: Operation[Any], rate_limit: int | None) -> None:
    """Whatever is sent, twice: successes, replays, streams and errors."""
    mock = Mock(clock, rate_limit=rate_limit)
    body, args = REQUESTS[one.id]
    login = mock.call("auth.LOGIN", REQUESTS["auth.LOGIN"][0]).json
    assert login is not None
    token = {"Authorization": f"Bearer {login['token']}"} if one.access is Access.AUTHENTICATED else {}
    statuses = set()
    for sent in [*SENT.values(), {**SENT["a key"], **SENT["a wish for a stream"]}]:
        for id in (args, args, "unknown"):
            for content in (body, {"unknown": 1}):
                response = mock.call(one.id, content, args=id, **{**token, **sent})
                statuses.add(response.status_code)
                check_response(one, response)
    assert 421 in statuses
    assert (429 in statuses) == (rate_limit is not None)


def test_requested_errors_match_document(clock: ManualClock) -> None:
    one, client = get_operation("health.ERROR"), Mock(clock).app.test_client()
    for status in range(400, 600):
        response = client.get(one.route, query_string={"status": status})
        assert response.status_code == status
        check_response(one, response)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"id": "1", "name": "A", "email": "a@example.com"},
        {"id": "1", "name": "A", "email": "a@example.com", "role": "root"},
        {"id": "1", "name": " ", "email": "a@example.com", "role": "user"},
        {"id": 1, "name": "A", "email": "a@example.com", "role": "user"},
        {"id": "1", "name": "A", "email": "a", "role": "user"},
        {"id": "1", "name": "A", "email": "a@example.com", "role": "user", "more": 1},
    ],
    ids=str,
)
def test_schemas_reject_like_contract(wrong: Any) -> None:
    assert not validator({"$ref": "#/components/schemas/User"}).is_valid(wrong)


# --- examples


WIRE = Path(__file__).parents[3] / "fixtures" / "wire"
GOLDEN = {file.name for file in WIRE.iterdir() if file.name.endswith(".json")} if WIRE.is_dir() else set()


@each_operation
def test_golden_examples(one: Operation[Any]) -> None:
    """Where there is a golden file, its bodies are in the document, and they are what its schemas say."""
    documented = get_description(one)
    contents = {
        "request": documented.get("requestBody", {}).get("content", {}).get("application/json", {}),
        "response": get_response(one, one.status).get("content", {}).get("application/json", {}),
    }
    golden: dict[str, Any] = {}
    if f"{one.id}.json" in GOLDEN:
        golden = json.loads((WIRE / f"{one.id}.json").read_text("utf-8"))
    for side, content in contents.items():
        body = golden.get(side, {}).get("body")
        if not content or (side == "response" and one.status >= 400):
            continue
        assert content.get("example") == body
        if body is not None:
            validator(content["schema"]).validate(body)


def test_golden_file_names() -> None:
    ids = {one.id for one in operations()} | {one.id for one in events()}
    assert {name.removesuffix(".json") for name in GOLDEN} <= ids | {"error"}

"""The AsyncAPI document: complete, made of the contract's own objects, and true of what the mock sends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from duologue import __version__
from duologue.contract import Event, events
from duologue_mock.asyncapi.asyncapi import build_document
from duologue_mock.openapi.openapi import build_document as build_openapi
from duologue_mock.origins import Origins

DOCUMENT: dict[str, Any] = json.loads(
    json.dumps(build_document(Origins("http://localhost:4001", "https://localhost:4002")))
)
WIRE = Path(__file__).parents[3] / "fixtures" / "wire"

each_event = pytest.mark.parametrize("event", events(), ids=lambda event: event.id)


def get(reference: dict[str, str]) -> Any:
    """Return what a reference refers to."""
    node: Any = DOCUMENT
    for step in reference["$ref"].removeprefix("#/").split("/"):
        node = node[step]
    return node


def get_message(event: Event[Any]) -> dict[str, Any]:
    [reference] = DOCUMENT["operations"][f"send.{event.id}"]["messages"]
    message: dict[str, Any] = get(get(reference))
    return message


def test_about() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert DOCUMENT["info"]["version"] == __version__
    assert {tag["name"] for tag in DOCUMENT["info"]["tags"]} == {event.resource for event in events()}


def test_servers() -> None:
    places = {name: (server["protocol"], server["host"]) for name, server in DOCUMENT["servers"].items()}
    assert places == {"platform": ("ws", "localhost:4001"), "chat": ("wss", "localhost:4002")}
    assert {server["pathname"] for server in DOCUMENT["servers"].values()} == {"/socket.io/"}


def test_one_origin() -> None:
    assert build_document(Origins("http://mock", "http://mock"))["servers"].keys() == {"platform"}


def test_security() -> None:
    """The handshake's two kinds of credentials, of which a client sends one."""
    for server in DOCUMENT["servers"].values():
        descriptions = [get(reference)["description"] for reference in server["security"]]
        assert ["{token}" in text for text in descriptions] == [True, False]
        assert ["{apiKey, userId}" in text for text in descriptions] == [False, True]


def test_all_events() -> None:
    assert DOCUMENT["operations"].keys() == {f"send.{event.id}" for event in events()}
    [channel] = DOCUMENT["channels"].values()
    assert {get(reference)["name"] for reference in channel["messages"].values()} == {event.name for event in events()}


@each_event
def test_event(event: Event[Any]) -> None:
    operation, message = DOCUMENT["operations"][f"send.{event.id}"], get_message(event)
    assert operation["action"] == "send"
    assert message["name"] == event.name
    assert message["summary"] == operation["summary"] == event.summary
    assert event.audience.value in operation["description"]
    assert message["payload"]["$ref"].endswith(f"/{type(event.payload).__name__.removesuffix('Schema')}")


@each_event
def test_golden_examples(event: Event[Any]) -> None:
    message = get_message(event)
    [example] = message["examples"]
    assert example["payload"] == json.loads((WIRE / f"{event.id}.json").read_text("utf-8"))["payload"]
    schema = {**message["payload"], "components": DOCUMENT["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    validator.validate(example["payload"])
    assert not validator.is_valid({**example["payload"], "more": 1})


def test_schemas_shared_with_openapi() -> None:
    """A user in an event is a user in a response."""
    ours, theirs = DOCUMENT["components"]["schemas"], build_openapi({})["components"]["schemas"]
    shared = ours.keys() & theirs.keys()
    assert {"User", "ChatSession", "ChatMessage"} <= shared
    assert {name: ours[name] for name in shared} == {name: theirs[name] for name in shared}

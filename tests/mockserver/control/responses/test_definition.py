"""Response definitions: what is read from JSON, what is refused, and what is shown again."""

from __future__ import annotations

from typing import Any

import pytest

from duologue_mock.control.errors import ControlError
from duologue_mock.control.responses.definition import KEYS, UNSUPPORTED, read_response_definition
from duologue_mock.control.responses.faults import Fault

SHOWN: list[tuple[Any, dict[str, Any]]] = [
    (None, {"status": 200}),
    ({}, {"status": 200}),
    ({"status": "201"}, {"status": 201}),
    ({"status": 503.0}, {"status": 503}),
    ({"body": 5}, {"status": 200, "body": "5"}),
    ({"body": ""}, {"status": 200, "body": ""}),
    ({"jsonBody": {"a": None}}, {"status": 200, "jsonBody": {"a": None}}),
    ({"jsonBody": False}, {"status": 200, "jsonBody": False}),
    ({"jsonBody": None, "body": None, "headers": None, "fault": None}, {"status": 200}),
    ({"base64Body": "aGVsbG8"}, {"status": 200, "base64Body": "aGVsbG8="}),
    ({"headers": {"A": ["1", "2"], "B": ""}}, {"status": 200, "headers": {"A": ["1", "2"], "B": ""}}),
    ({"fixedDelayMilliseconds": 0}, {"status": 200, "fixedDelayMilliseconds": 0}),
    ({"fixedDelayMilliseconds": -1}, {"status": 200, "fixedDelayMilliseconds": -1}),
    ({"passThrough": True, "bodyPatch": {"a": None}}, {"passThrough": True, "bodyPatch": {"a": None}}),
    ({"passThrough": True, "status": 503}, {"passThrough": True, "status": 503}),
    ({"passThrough": False}, {"status": 200}),
    ({"transformers": [], "proxyBaseUrl": None, "transformerParameters": {}}, {"status": 200}),
]


@pytest.mark.parametrize(("json", "shown"), SHOWN, ids=str)
def test_json_like_wiremock(json: Any, shown: dict[str, Any]) -> None:
    definition = read_response_definition(json, "/response")
    assert definition.to_json() == shown
    assert read_response_definition(shown, "/response").to_json() == shown


CONTENTS = [
    ({}, None),
    ({"body": "é"}, "é".encode()),
    ({"jsonBody": {"a": [1, 2.0, "é"]}}, '{"a":[1,2.0,"é"]}'.encode()),
    ({"jsonBody": "x"}, b'"x"'),
    ({"jsonBody": 10**30}, b"1" + b"0" * 30),
    ({"base64Body": "AAH/"}, b"\x00\x01\xff"),
]


@pytest.mark.parametrize(("json", "content"), CONTENTS, ids=str)
def test_content_of_bodies(json: Any, content: bytes | None) -> None:
    assert read_response_definition(json, "/response").content == content


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_is_read(fault: Fault) -> None:
    assert read_response_definition({"fault": str(fault)}, "/response").fault is fault


INVALID: list[tuple[Any, str]] = [
    ("x", ""),
    ([], ""),
    ({"status": 99}, "/status"),
    ({"status": 100}, "/status"),
    ({"status": 1000}, "/status"),
    ({"status": 200.5}, "/status"),
    ({"status": True}, "/status"),
    ({"status": "abc"}, "/status"),
    ({"status": 10**60}, "/status"),
    ({"statusMessage": "a\r\nb: c"}, "/statusMessage"),
    ({"statusMessage": "日本"}, "/statusMessage"),
    ({"statusMessage": {}}, "/statusMessage"),
    ({"body": {}}, "/body"),
    ({"body": "a", "jsonBody": {}}, "/jsonBody"),
    ({"jsonBody": 1, "base64Body": ""}, "/base64Body"),
    ({"base64Body": "!!"}, "/base64Body"),
    ({"base64Body": "é"}, "/base64Body"),
    ({"headers": []}, "/headers"),
    ({"headers": {"A": 5}}, "/headers/A"),
    ({"headers": {"A": None}}, "/headers/A"),
    ({"headers": {"A": []}}, "/headers/A"),
    ({"headers": {"A": ["1", 2]}}, "/headers/A"),
    ({"headers": {"A b": "1"}}, "/headers/A b"),
    ({"headers": {"": "1"}}, "/headers/"),
    ({"headers": {"a/b~": "1"}}, "/headers/a~1b~0"),
    ({"headers": {"A": "1\r\nB: 2"}}, "/headers/A"),
    ({"headers": {"A": "1\n"}}, "/headers/A"),
    ({"headers": {"A": "\x00"}}, "/headers/A"),
    ({"headers": {"A": "日本"}}, "/headers/A"),
    ({"headers": {"Content-Length": "x"}}, "/headers/Content-Length"),
    ({"headers": {"Transfer-Encoding": "gzip"}}, "/headers/Transfer-Encoding"),
    ({"passThrough": True, "headers": {"content-length": "1"}}, "/headers/content-length"),
    ({"fixedDelayMilliseconds": 2**31}, "/fixedDelayMilliseconds"),
    ({"fixedDelayMilliseconds": "soon"}, "/fixedDelayMilliseconds"),
    ({"delayDistribution": {"type": "x"}}, "/delayDistribution"),
    ({"chunkedDribbleDelay": {}}, "/chunkedDribbleDelay"),
    ({"fault": "NOPE"}, "/fault"),
    ({"fault": 5}, "/fault"),
    ({"passThrough": "maybe"}, "/passThrough"),
    ({"passThrough": True, "body": "x"}, "/body"),
    ({"bodyPatch": {}}, "/bodyPatch"),
    ({"stauts": 200}, "/stauts"),
    *[({key: "x"}, f"/{key}") for key in UNSUPPORTED],
]


@pytest.mark.parametrize(("json", "pointer"), INVALID, ids=ascii)
def test_invalid_definitions(json: Any, pointer: str) -> None:
    with pytest.raises(ControlError) as raised:
        read_response_definition(json, "/response")
    assert (raised.value.status, raised.value.code) == (422, 10)
    assert raised.value.pointer == f"/response{pointer}"
    assert raised.value.detail


def test_misspelled_key_is_named() -> None:
    with pytest.raises(ControlError, match="status"):
        read_response_definition({"stauts": 200}, "/response")


def test_no_key_is_unsupported() -> None:
    assert not set(KEYS) & UNSUPPORTED.keys()

"""Where a namespace is: the URLs that a control has ready."""

from __future__ import annotations

import pytest

from duologue_mock import MockControl
from duologue_mock.control_client.address import MockAddress


@pytest.mark.parametrize(
    ("url", "namespace", "origin", "name"),
    [
        ("http://localhost:3001", None, "http://localhost:3001", "default"),
        ("http://localhost:3001/", "w1", "http://localhost:3001", "w1"),
        ("http://127.0.0.1:3001/api", "w1", "http://127.0.0.1:3001", "w1"),
        ("http://[::1]:3001", "w1", "http://[::1]:3001", "w1"),
        ("http://w1.localhost:3001", None, "http://localhost:3001", "w1"),
        ("http://w1.localhost:3001", "w2", "http://localhost:3001", "w2"),
        ("https://mock.example", None, "https://mock.example:443", "default"),
    ],
)
def test_parse(url: str, namespace: str | None, origin: str, name: str) -> None:
    address = MockAddress.parse(url, namespace)
    assert (address.origin, address.namespace) == (origin, name)


@pytest.mark.parametrize("url", ["", "localhost:3001", "ftp://localhost", "http://", "http://localhost:x", "/api"])
def test_invalid_url(url: str) -> None:
    with pytest.raises(ValueError, match="looks like 'http://localhost:3001'"):
        MockControl(url)


@pytest.mark.parametrize("name", ["W1", "a_b", "a.b", "ä", "x" * 64, "a b", "a/b"])
def test_invalid_name(name: str) -> None:
    control = MockControl("http://localhost:3001")
    with pytest.raises(ValueError, match="A namespace is named"):
        control.namespace(name)
    with pytest.raises(ValueError, match="A namespace is named"):
        MockControl("http://localhost:3001", name)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_urls_of_this_machine(host: str) -> None:
    control = MockControl(f"http://{host}:3001")
    assert control.base_url == f"http://{host}:3001/api"
    other = control.namespace("w1")
    assert other.name == "w1"
    assert other.base_url == "http://w1.localhost:3001/api"
    assert other.chat_base_url == "http://w1.localhost:3001/chats-service/api/v1"
    assert other.realtime_url == "http://w1.localhost:3001"
    assert other.headers == {"X-Mock-Namespace": "w1"}


def test_urls_of_another_machine() -> None:
    """It has no names below `localhost`: the header chooses the namespace."""
    other = MockControl("http://mock.example:3001").namespace("w1")
    assert other.base_url == "http://mock.example:3001/api"
    assert other.headers == {"X-Mock-Namespace": "w1"}


def test_repr_hides_the_token() -> None:
    control = MockControl("http://localhost:3001", "w1", token="top-secret")
    assert repr(control) == "<MockControl http://localhost:3001 w1>"

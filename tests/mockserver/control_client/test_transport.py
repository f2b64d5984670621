"""A control call on the network: what it sends, and that nothing of the HTTP library escapes."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from duologue_mock import ControlAPIError, MockControl
from duologue_mock.control_client.transport import join_path
from tests.client.servers import Act, ScriptedServer, hang_up, reset, respond, send, silence

Serve = Callable[..., ScriptedServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers that are stopped after the test."""
    with ExitStack() as stack:
        yield lambda *script, **options: stack.enter_context(ScriptedServer(*script, **options))


def test_request(serve: Serve) -> None:
    server = serve(respond(200, {"state": {}}), respond(200, {}))
    control = MockControl(server.origin, "w1", token="secret")
    control.import_state(control.export_state())
    read, write = server.received
    assert (read.method, read.target, read.body) == ("GET", "/__admin/state", b"")
    assert (write.method, write.target, write.json) == ("PUT", "/__admin/state", {"state": {}})
    for request in (read, write):
        assert request.headers["x-mock-namespace"] == "w1"
        assert request.headers["authorization"] == "Token secret"
    assert write.headers["content-type"] == "application/json"
    assert server.connections == 1


def test_empty_response(serve: Serve) -> None:
    MockControl(serve(respond(200)).origin).remove_stubs()


@pytest.mark.parametrize(
    ("act", "status", "text"),
    [
        (reset, None, "The call of http://127.0.0.1:\\d+ failed"),
        (hang_up, None, "The call of http://127.0.0.1:\\d+ failed"),
        (silence, None, "No response from http://127.0.0.1:\\d+ in time"),
        (send(b"not HTTP"), None, "failed"),
        (respond(200, raw=b"<html>"), 200, "not the control API"),
        (respond(502, raw=b"<html>"), 502, "502 This is not the control API"),
        (respond(404, {"message": "There is nothing at this path"}), 404, "404 There is nothing at this path"),
        (respond(500, {"errors": []}), 500, "500 "),
        (respond(500, {"errors": [7]}), 500, "500 "),
        (respond(500, [1]), 500, "500 "),
    ],
    ids=["reset", "hang up", "silence", "not HTTP", "HTML", "gateway", "own error", "no error", "number", "list"],
)
def test_failures(serve: Serve, act: Act, status: int | None, text: str) -> None:
    control = MockControl(serve(act).origin, timeout=0.3)
    with pytest.raises(ControlAPIError, match=text) as caught:
        control.remove_stubs()
    assert caught.value.status == status
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_refusal(serve: Serve) -> None:
    error = {"code": 10, "source": {"pointer": "/request/method"}, "title": "Error parsing JSON", "detail": "Not 7."}
    with pytest.raises(ControlAPIError) as caught:
        MockControl(serve(respond(422, {"errors": [error]})).origin).add_mapping({"request": {"method": 7}})
    failure = caught.value
    assert (failure.status, failure.title, failure.detail) == (422, "Error parsing JSON", "Not 7.")
    assert failure.pointer == "/request/method"
    assert str(failure) == "422 Error parsing JSON: Not 7. (at /request/method)"
    copy = pickle.loads(pickle.dumps(failure))
    assert (type(copy), str(copy), copy.pointer) == (ControlAPIError, str(failure), "/request/method")


def test_no_server(serve: Serve) -> None:
    with ScriptedServer() as gone:
        origin = gone.origin
    with pytest.raises(ControlAPIError, match=f"No mock server responds at {origin}: Start a mock") as caught:
        MockControl(origin).health()
    assert caught.value.status is None


@pytest.mark.parametrize("value", [object(), float("nan"), {1, 2}], ids=["object", "NaN", "set"])
def test_body_that_is_not_json(serve: Serve, value: Any) -> None:
    server = serve()
    with pytest.raises((TypeError, ValueError)):
        MockControl(server.origin).import_state({"a": value})
    assert server.received == []


def test_threads(serve: Serve) -> None:
    """Each of eight threads that share a control gets its own responses."""
    server = serve(handler=lambda request: respond(200, {"path": request.target}))
    control = MockControl(server.origin)
    together, wrong = threading.Barrier(8), []

    def call(number: int) -> None:
        together.wait(10)
        for index in range(20):
            name = f"{number}-{index}"
            if not str(control.snapshots.diff(name)["path"]).endswith(f"/{name}/diff"):
                wrong.append(name)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert wrong == []
    assert len(server.received) == 160


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_fork(serve: Serve) -> None:
    """The child opens a connection of its own: two processes on one would read each other's responses."""
    server = serve(handler=lambda request: respond(200, {"path": request.target}))
    control = MockControl(server.origin)
    control.health()
    child = os.fork()
    if not child:
        os._exit(0 if control.export_state() == {"path": "/__admin/state"} else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert control.health() == {"path": "/__admin/health"}
    assert [request.connection for request in server.received] == [
        server.received[0].connection,
        server.received[1].connection,
        server.received[0].connection,
    ]
    assert server.connections == 2


@pytest.mark.parametrize(
    ("segments", "path"), [(("a", "b"), "/a/b"), (("../x",), "/..%2Fx"), (("ä b?",), "/%C3%A4%20b%3F")]
)
def test_join_path(segments: tuple[str, ...], path: str) -> None:
    assert join_path(*segments) == path

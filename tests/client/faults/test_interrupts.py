"""`close()` and Ctrl-C during a wait; ids and headers that cannot be sent."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from duologue import (
    APIError,
    Client,
    ClientClosedError,
    StoredTokens,
)
from tests.client.faults.acts import (
    respond,
)
from tests.client.faults.calls import GOOD, Serve, To, get

# close(), Ctrl-C while sleeping


def test_close_while_waiting(serve: Serve) -> None:
    waiting = threading.Event()
    ended: list[float] = []
    errors: list[APIError] = []
    api = Client(
        base_url=serve(respond(503, headers={"Retry-After": "100"})).origin, on_retry=lambda _: waiting.set(), timeout=5
    )

    def call() -> None:
        try:
            get(api)
        except APIError as error:
            ended.append(time.monotonic())
            errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    assert waiting.wait(15)
    closed = time.monotonic()
    api.close()
    thread.join(30)
    assert [type(error) for error in errors] == [ClientClosedError]
    assert ended[0] - closed < 15  # the wait is of 100


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c_while_waiting(serve: Serve) -> None:
    origin = serve(respond(503, headers={"Retry-After": "100"})).origin
    script = f"""
        import os, signal, threading, time
        from duologue import Client
        sent = []
        def interrupt():
            time.sleep(0.1)  # until it waits for certain
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)
        api = Client(base_url={origin!r}, on_retry=lambda _: threading.Thread(target=interrupt).start())
        try:
            api.users.get("1")
        except KeyboardInterrupt:
            print(time.monotonic() - sent[0])
        api.close()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 15  # the wait is of 100


# header, token or id with CR/LF; id ., .., a/b


@pytest.mark.parametrize("id", ["", ".", "..", "a\r\nX: y", "a\n", "a\0b"])
def test_invalid_id(to: To, id: str) -> None:
    api, server = to(GOOD)
    with pytest.raises(ValueError, match="id must not"):
        api.users.get(id)
    assert server.connections == 0


def test_id_with_slash(to: To) -> None:
    api, server = to(GOOD)
    api.users.get("a/b")
    assert server.received[0].target == "/api/users/a%2Fb"


@pytest.mark.parametrize("bad", ["a\r\nX: y", "a\n", "a\0", "ü"])
def test_line_break_in_header(to: To, bad: str) -> None:
    api, server = to(GOOD)
    with pytest.raises(ValueError, match="printable ASCII"):
        api.with_options(headers={"X-Mine": bad})
    with pytest.raises(ValueError, match="printable ASCII"):
        Client(access_token=bad)
    api._requestor.tokens.set(StoredTokens(f"a{bad}"))
    with pytest.raises(ValueError, match="printable ASCII"):
        get(api)
    assert server.connections == 0

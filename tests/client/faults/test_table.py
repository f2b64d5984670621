"""Each row of the table "the client against a bad network", by name."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable

import pytest

from duologue import (
    APIError,
    Client,
    ClientClosedError,
    ConnectError,
    ConnectionLostError,
    ConnectTimeout,
    DeadlineExceeded,
    DecodingError,
    ProtocolError,
    RateLimitError,
    RequestTimeout,
    ServerError,
    StoredTokens,
)
from tests.client.fakes import SESSION, TOKENS, USER, FakeClock
from tests.client.faults.acts import (
    CUT_OFF,
    HEAD,
    NOT_HTTP,
    UNREADABLE,
    answer,
    closing,
    drip,
    hang_up,
    reset,
    send,
    silence,
    then_silence,
)
from tests.client.servers import Act, Received, ScriptedServer

To = Callable[..., tuple[Client, ScriptedServer]]
Serve = Callable[..., ScriptedServer]

GOOD = answer(200, USER)


def get(api: Client) -> object:
    return api.users.get("1")


def create(api: Client) -> object:
    return api.users.create(name="John Doe", email="john@example.com")


def update(api: Client) -> object:
    return api.users.update("1", name="John Doe")


BOTH = pytest.mark.parametrize("call", [get, create], ids=["GET", "POST"])


def failing(api: Client, call: Callable[[Client], object], kind: type[APIError]) -> APIError:
    """The error of a call, which carries what every error must."""
    with pytest.raises(APIError) as caught:
        call(api)
    error = caught.value
    assert type(error) is kind
    assert error.attempts
    assert error.request_id
    assert (error.method, error.path) in {("GET", "/users/1"), ("POST", "/users"), ("PUT", "/users/1")}
    assert error.elapsed >= 0
    assert error.__cause__ is error.__context__ is None
    return error


def one_call(requests: list[Received]) -> bool:
    """Whether these are the attempts of one call: one code, one key, one body, counted from 1."""
    codes = {request.headers["unique-reference-code"] for request in requests}
    keys = {request.headers.get("idempotency-key") for request in requests}
    numbers = [int(request.headers["x-attempt"]) for request in requests]
    return len(codes) == len(keys) == 1 and numbers == list(range(1, len(requests) + 1))


# refused; unknown host; connect timeout


@BOTH
def test_a_refused_connection_is_tried_again(call: Callable[[Client], object]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Client(base_url=f"http://127.0.0.1:{port}", max_retries=2, clock=FakeClock()) as api:
        error = failing(api, call, ConnectError)
    assert len(error.attempts) == 3
    assert error.details == {"reason": "Connection refused"}


@BOTH
def test_an_unknown_host_is_tried_again(call: Callable[[Client], object]) -> None:
    with Client(base_url="http://no-such-host.invalid", max_retries=1, clock=FakeClock()) as api:
        assert len(failing(api, call, ConnectError).attempts) == 2


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".invalid", "xn--.invalid"])
def test_a_host_that_cannot_be_one_is_a_connect_error(host: str) -> None:
    with Client(base_url=f"http://{host}", max_retries=0) as api:
        failing(api, get, ConnectError)


@BOTH
def test_connecting_that_takes_too_long_is_tried_again(call: Callable[[Client], object]) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        full = [socket.socket() for _ in range(3)]
        for one in full:  # fill the queue of connections that nobody accepts
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with Client(base_url=origin, max_retries=1, timeout=0.1, clock=FakeClock()) as api:
            error = failing(api, call, ConnectTimeout)
        for one in full:
            one.close()
    assert len(error.attempts) == 2


# reset before the answer


@pytest.mark.parametrize("call", [get, create, update], ids=["GET", "POST", "PUT"])
@pytest.mark.parametrize("act", [reset, hang_up], ids=["reset", "close"])
def test_a_connection_that_ends_before_the_answer_is_tried_again(
    to: To, act: Act, call: Callable[[Client], object]
) -> None:
    api, server = to(act, act, GOOD)
    call(api)
    assert len(server.received) == 3
    assert one_call(server.received)


@BOTH
def test_a_connection_that_always_ends_is_lost(to: To, call: Callable[[Client], object]) -> None:
    api, server = to(reset, max_retries=2)
    assert len(failing(api, call, ConnectionLostError).attempts) == len(server.received) == 3


# clean close of a reused connection, nothing received


@BOTH
def test_a_kept_connection_that_was_closed_is_replaced_at_once(to: To, call: Callable[[Client], object]) -> None:
    clock = FakeClock()
    api, server = to(GOOD, hang_up, GOOD, max_retries=0, clock=clock)
    get(api)
    call(api)
    first, stale, fresh = server.received
    assert first.connection == stale.connection != fresh.connection
    assert clock.slept == []
    assert stale.headers == fresh.headers  # it is the same attempt


def test_a_second_clean_close_counts(to: To) -> None:
    api, server = to(GOOD, hang_up, hang_up, GOOD, max_retries=0)
    get(api)
    assert len(failing(api, get, ConnectionLostError).attempts) == 1
    assert len(server.received) == 3
    assert server.received[2].connection != server.received[1].connection


def test_a_kept_connection_that_closed_while_idle_is_not_used(to: To) -> None:
    api, server = to(closing(GOOD))
    for _ in range(3):
        get(api)
    assert len(server.received) == server.connections == 3


# no answer


@BOTH
def test_no_answer_is_one_class_whatever_the_verb(to: To, call: Callable[[Client], object]) -> None:
    api, server = to(silence, timeout=0.1, max_retries=1)
    assert failing(api, call, RequestTimeout).status == 408
    assert len(server.received) == 2
    assert one_call(server.received)


# body cut off, reset or badly chunked midway


@BOTH
@pytest.mark.parametrize("act", CUT_OFF.values(), ids=CUT_OFF.keys())
def test_a_body_that_is_cut_off_is_asked_for_again(to: To, act: Act, call: Callable[[Client], object]) -> None:
    api, server = to(act, GOOD)
    call(api)
    assert len(server.received) == 2
    assert one_call(server.received)


@pytest.mark.parametrize("act", CUT_OFF.values(), ids=CUT_OFF.keys())
def test_a_body_that_is_always_cut_off_is_lost(to: To, act: Act) -> None:
    api, _ = to(act, max_retries=1)
    assert len(failing(api, get, ConnectionLostError).attempts) == 2


def test_a_body_that_stops_coming_is_asked_for_again(to: To) -> None:
    api, server = to(then_silence(HEAD + b"Content-Length: 99\r\n\r\n{"), GOOD, timeout=0.1)
    get(api)
    assert len(server.received) == 2


# a byte every 0.4 s under a read timeout of 0.5 s


DRIPS: dict[str, Act] = {
    "body": drip(HEAD + b"Content-Length: 1000\r\n\r\n", [b" "] * 1000, 0.04),
    "chunks": drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", [b"1\r\n \r\n"] * 1000, 0.04),
    "a body without end": drip(HEAD + b"\r\n", [b" "] * 1000, 0.04),
    "headers": drip(b"HTTP/1.1 200 OK\r\nX: ", [b"y"] * 1000, 0.04),
    "first line": drip(b"HTT", [b"P"] * 1000, 0.04),
    "interim answers": drip(b"", [b"HTTP/1.1 100 Continue\r\n\r\n"] * 1000, 0.04),
}


@pytest.mark.parametrize("act", DRIPS.values(), ids=DRIPS.keys())
def test_a_server_that_drips_meets_the_deadline(serve: Serve, act: Act) -> None:
    with Client(base_url=serve(act).origin, timeout=0.5, deadline=0.6) as api:
        began = time.monotonic()
        error = failing(api, get, DeadlineExceeded)
        assert time.monotonic() - began < 0.6 * 1.1 + 1  # the last for a busy machine
    assert isinstance(error, RequestTimeout)
    assert len(error.attempts) == 1


# not HTTP at all, headers without end


@BOTH
@pytest.mark.parametrize("act", NOT_HTTP.values(), ids=NOT_HTTP.keys())
def test_what_is_not_http_is_not_asked_again(to: To, act: Act, call: Callable[[Client], object]) -> None:
    api, server = to(act)
    assert len(failing(api, call, ProtocolError).attempts) == 1
    assert len(server.received) == 1


# 503 until retries are spent


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_the_last_answer_of_a_failing_server_is_kept(to: To, status: int) -> None:
    numbered = [answer(status, {"message": f"Failed {n}", "code": "DOWN", "details": {"n": n}}) for n in range(4)]
    api, server = to(*numbered, max_retries=3)
    with pytest.raises(APIError, match="Failed 3") as caught:
        create(api)
    assert caught.value.status == status
    assert caught.value.details == {"n": 3}
    assert caught.value.code == "DOWN"
    assert len(server.received) == 4
    assert one_call(server.received)


@BOTH
@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 412, 422, 501])
def test_a_refusal_is_final(to: To, status: int, call: Callable[[Client], object]) -> None:
    api, server = to(answer(status, {"message": "No"}))
    with pytest.raises(APIError, match="No") as caught:
        call(api)
    assert caught.value.status == status
    assert len(server.received) == 1


IN_PROGRESS = {"message": "busy", "details": {"fields": {"Idempotency-Key": ["Still in progress; try again."]}}}


def test_a_key_in_progress_is_waited_for(to: To) -> None:
    clock = FakeClock()
    api, server = to(answer(409, IN_PROGRESS, headers={"Retry-After": "1"}), GOOD, clock=clock)
    create(api)
    assert clock.slept == [1.0]
    assert one_call(server.received)


@pytest.mark.parametrize(
    ("call", "fields"),
    [
        (get, IN_PROGRESS["details"]),
        (create, {"fields": {"email": ["in progress"]}}),
        (create, {"fields": {"Idempotency-Key": ["used before"]}}),
    ],
)
def test_another_conflict_is_final(to: To, call: Callable[[Client], object], fields: object) -> None:
    api, server = to(answer(409, {"message": "No", "details": fields}, headers={"Retry-After": "1"}))
    with pytest.raises(APIError, match="No"):
        call(api)
    assert len(server.received) == 1


@pytest.mark.parametrize("body", [CUT_OFF["by length"], CUT_OFF["inside a chunk, reset"]], ids=["length", "chunk"])
def test_a_status_counts_though_its_body_is_cut_off(to: To, body: Act) -> None:
    def not_found(connection: socket.socket) -> bool:
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 99\r\n\r\n{")
        return False

    api, server = to(not_found)
    with pytest.raises(APIError) as caught:
        get(api)
    assert caught.value.status == 404
    assert len(server.received) == 1


# Retry-After garbage, negative, fractional, huge, a past date


@pytest.mark.parametrize("value", ["soon", "-1", "1e3", "nan", "inf", "", "0x10", "1,5", "9" * 400, "Mon, 99 Foo 2024"])
def test_a_retry_after_that_cannot_be_meant_is_ignored(to: To, value: str) -> None:
    clock = FakeClock()
    api, _ = to(answer(503, headers={"Retry-After": value}), GOOD, clock=clock, retry_delay=1)
    get(api)
    (slept,) = clock.slept
    assert 0.5 <= slept <= 1


@pytest.mark.parametrize(
    ("value", "wait"),
    [("0", 0), ("3", 3), ("0.25", 0.25), ("120", 120), ("Mon, 01 Jan 2024 00:00:07 GMT", 7), (" 4 ", 4)],
)
def test_a_retry_after_that_can_be_meant_is_kept(to: To, value: str, wait: float) -> None:
    clock = FakeClock()
    api, _ = to(answer(429, headers={"Retry-After": value}), GOOD, clock=clock)
    get(api)
    assert clock.slept == [wait]


def test_a_retry_after_that_is_over_asks_for_no_wait_of_its_own(to: To) -> None:
    clock = FakeClock()
    api, _ = to(answer(503, headers={"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}), GOOD, clock=clock)
    get(api)
    assert 0.5 <= clock.slept[0] <= 1


@pytest.mark.parametrize(
    ("value", "deadline", "told"),
    [("121", None, 121), ("21600", None, 21600), ("Mon, 01 Jan 2024 06:00:00 GMT", 300, 21600), ("30", 20, 30)],
)
def test_a_retry_after_beyond_cap_or_deadline_is_raised_at_once(
    to: To, value: str, deadline: float | None, told: float
) -> None:
    clock = FakeClock()
    api, server = to(answer(429, {"message": "Slow"}, headers={"Retry-After": value}), clock=clock, deadline=deadline)
    error = failing(api, get, RateLimitError)
    assert error.retry_after == told
    assert clock.slept == []
    assert len(server.received) == 1


# 401 in the middle; sixteen threads at once


def test_one_refresh_and_every_call_replayed_once(serve: Serve) -> None:
    def platform(request: Received) -> Act:
        if request.target == "/api/auth/refresh":
            return answer(200, TOKENS)
        good = request.headers["authorization"] == f"Bearer {TOKENS['token']}"
        return GOOD if good else answer(401, {"message": "expired"})

    server = serve(answering=platform)
    with Client(base_url=server.origin, timeout=10) as api:
        api._requestor.tokens.set(StoredTokens("token-1", "refresh-1"))
        get_all(api, 16)
    targets = [request.target for request in server.received]
    assert targets.count("/api/auth/refresh") == 1
    assert 16 < targets.count("/api/users/1") <= 32


def get_all(api: Client, threads: int, times: int = 1) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(times):
                get(api)
        except BaseException as failure:
            failures.append(failure)

    working = [threading.Thread(target=work) for _ in range(threads)]
    for one in working:
        one.start()
    for one in working:
        one.join(60)
    assert failures == []


# 200 with HTML, empty, invalid UTF-8, absurd nesting


@BOTH
@pytest.mark.parametrize("act", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_is_not_json_is_a_decode_error(to: To, act: Act, call: Callable[[Client], object]) -> None:
    api, server = to(act)
    error = failing(api, call, DecodingError)
    assert len(server.received) == 1
    assert len(str(error)) < 700
    assert len(error.details.get("excerpt", "")) <= 200


def test_an_excerpt_shows_what_came(to: To) -> None:
    api, _ = to(UNREADABLE["HTML"])
    assert failing(api, get, DecodingError).details["excerpt"] == "<!doctype html><title>Welcome</title>"


# the server is down and 1,000 calls come


def test_a_dead_server_is_hit_by_a_budget_of_retries(to: To) -> None:
    api, server = to(answer(503, {"message": "Down"}), retry_delay=0)
    for _ in range(1_000):
        failing(api, get, ServerError)
    assert 1_000 < len(server.received) <= 1_100


def test_retries_that_help_are_paid_back(to: To) -> None:
    api, server = to(*[answer(503), GOOD] * 200, retry_budget=1)
    for _ in range(200):
        get(api)
    assert len(server.received) == 400


def test_a_view_shares_the_budget_and_none_means_no_limit(to: To) -> None:
    api, server = to(answer(503), retry_budget=1, max_retries=5)
    failing(api.with_options(timeout=3), get, ServerError)
    failing(api, get, ServerError)
    assert len(server.received) == 3
    free, busy = to(answer(503), retry_budget=None, max_retries=5)
    for _ in range(20):
        failing(free, get, ServerError)
    assert len(busy.received) == 120


# close(), Ctrl-C while sleeping


def test_closing_ends_a_wait_within_50_ms(serve: Serve) -> None:
    waiting = threading.Event()
    ended: list[float] = []
    errors: list[APIError] = []
    api = Client(
        base_url=serve(answer(503, headers={"Retry-After": "100"})).origin, on_retry=lambda _: waiting.set(), timeout=5
    )

    def call() -> None:
        try:
            get(api)
        except APIError as error:
            ended.append(time.monotonic())
            errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    assert waiting.wait(5)
    closed = time.monotonic()
    api.close()
    thread.join(5)
    assert [type(error) for error in errors] == [ClientClosedError]
    assert ended[0] - closed < 0.05 + 0.5  # the last for a busy machine; the wait is of 100 s


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c_ends_a_wait_within_50_ms(serve: Serve) -> None:
    origin = serve(answer(503, headers={"Retry-After": "100"})).origin
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
        timeout=30,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 0.05 + 0.5


# fork after use; 16 threads


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_shares_neither_sockets_nor_locks(to: To) -> None:
    api, server = to(GOOD)
    get(api)
    with api._http._lock, api._requestor._budget._lock:  # type: ignore[union-attr]  # as another thread might at the wrong time
        child = os.fork()
        if child == 0:
            status = 1
            try:
                signal.alarm(20)
                get(api)
                status = 0 if not api.closed else 2
                api.close()
            finally:
                os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    get(api)
    assert [request.connection for request in server.received] == [1, 2, 1]


def test_sixteen_threads_get_each_their_own_answer(serve: Serve) -> None:
    def echoing(request: Received) -> Act:
        return answer(200, {**USER, "id": request.target.removeprefix("/api/users/")})

    server = serve(answering=echoing)
    wrong: list[str] = []
    with Client(base_url=server.origin, timeout=30) as api:

        def work(number: int) -> None:
            for turn in range(25):
                asked = f"{number}-{turn}"
                if api.users.get(asked).id != asked:
                    wrong.append(asked)

        threads = [threading.Thread(target=work, args=[number]) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert wrong == []
    assert len(server.received) == 400
    assert server.connections <= 16


# header, token or id with CR/LF; id ., .., a/b


@pytest.mark.parametrize("id", ["", ".", "..", "a\r\nX: y", "a\n", "a\0b"])
def test_an_id_that_no_path_can_carry_is_not_sent(to: To, id: str) -> None:
    api, server = to(GOOD)
    with pytest.raises(ValueError, match="id must not"):
        api.users.get(id)
    assert server.connections == 0


def test_an_id_with_a_slash_is_quoted(to: To) -> None:
    api, server = to(GOOD)
    api.users.get("a/b")
    assert server.received[0].target == "/api/users/a%2Fb"


@pytest.mark.parametrize("bad", ["a\r\nX: y", "a\n", "a\0", "ü"])
def test_a_header_or_token_with_a_line_break_is_not_sent(to: To, bad: str) -> None:
    api, server = to(GOOD)
    with pytest.raises(ValueError, match="printable ASCII"):
        api.with_options(headers={"X-Mine": bad})
    with pytest.raises(ValueError, match="printable ASCII"):
        Client(access_token=bad)
    api._requestor.tokens.set(StoredTokens(f"a{bad}"))
    with pytest.raises(ValueError, match="printable ASCII"):
        get(api)
    assert server.connections == 0


# and: the session of a chat is asked for the same way


def test_the_chat_service_is_no_exception(to: To) -> None:
    envelope = {"data": SESSION, "message": "", "metadata": {}}
    api, server = to(reset, send(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", keep=True), answer(201, envelope))
    assert api.chats.create(title="Shopping").id == SESSION["_id"]
    assert one_call(server.received)

"""Send mutated HTTP requests and Socket.IO frames to the mock server: `python -m benchmarks.fuzz`.

Nothing may come of them: no 5xx, no stack trace, no connection without an end, no descriptor or thread that stays, and
`/health` responds throughout, as a process of its own sees it. The same seed sends the same bytes.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.bars import Bar
from benchmarks.process import HOST, find_free_port, run_process

EXAMPLES = Path(__file__).parents[1] / "fixtures" / "wire"
MAX_LATENCY = 50.0  # ms, of /health
READ_TIMEOUT = 2.0  # seconds of the server's; it closes a connection that sends half a request
RESPONSE_TIMEOUT = 10.0  # seconds after which a connection counts as hanging
SENDERS = 2

TOKENS = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b",", b";", b'"', b"\\", b"%2f", b"%00", b"%ff", b"%", b"/../",
    b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\\ud800", b"[" * 200, b'{"a":' * 100, b"9" * 400, b"-1", b"1e309", b"NaN",
    b"0x10", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 5\r\n", b"Content-Length: -1\r\n", b"Host: a\r\n",
    b"Expect: 100-continue\r\n", b"Connection: Upgrade\r\n", b"Upgrade: websocket\r\n", b"Content-Encoding: gzip\r\n",
    b"HTTP/1.0", b"HTTP/2.0", b"RTSP/1.0", b"*", b"W/", b"\x1e", b"4", b"40", b"42[", b"b", b"a" * 5000,
]  # fmt: skip
"""What parsers stumble over."""

PACKETS = [
    '40', '40{"token":"a.b.c"}', '40{"apiKey":"dev-api-key","userId":"anonymous-user"}', '40/admin,{}', '41', '3', '2',
    '2probe', '5', '6', '1', '42["ping",1]', '421["ping",{"a":[1,2]}]', '43[1]', '4312["x"]', '44{"message":"x"}',
    '451-["e",{"_placeholder":true,"num":0}]', '461-1[{"_placeholder":true,"num":0}]', 'bAAEC',
]  # fmt: skip

PROBE_SCRIPT = """
import http.client, json, sys, threading, time
port, stop, delays = int(sys.argv[1]), threading.Event(), []
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
while not stop.is_set():
    began = time.perf_counter()
    connection.request("GET", "/api/health")
    response = connection.getresponse()
    response.read()
    assert response.status == 200, response.status
    delays.append((time.perf_counter() - began) * 1000)
    time.sleep(0.005)
print(json.dumps(sorted(delays)))
"""


@dataclass
class Outcome:
    """What came of the mutated input."""

    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def record(self, sent: bytes, received: bytes | None) -> None:
        """Record the response to a piece of input; None if it did not end in time."""
        statuses = [] if received is None else [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) [A-Z]", received)]
        with self.lock:
            self.statuses.update(statuses)
            if received is None:
                self.failures.append(f"no end of the response to {sent[:400]!r}")
            elif any(status >= 500 for status in statuses):
                self.failures.append(f"{statuses} in response to {sent[:400]!r}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Send everything, print what came of it; return 1 if `--enforce` was given and a bar is missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000, metavar="N", help="send N HTTP requests (100000)")
    parser.add_argument("--frames", type=int, default=20_000, metavar="N", help="send N Socket.IO frames (20000)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="send other bytes (0)")
    parser.add_argument("--enforce", action="store_true", help="exit with 1 unless every bar is held")
    options = parser.parse_args(arguments)
    port = find_free_port()
    command = [sys.executable, "-m", "duologue", "serve", "--port", str(port), "--chat-port", str(port), "--quiet"]
    with tempfile.TemporaryFile() as log:
        with run_process([*command, "--read-timeout", str(READ_TIMEOUT)], stderr=log) as process:
            bars = fuzz(port, psutil.Process(process.pid), options.requests, options.frames, options.seed)
        log.seek(0)
        text = log.read().decode(errors="replace")
    bars.append(Bar(f"no stack trace: {text.count('Traceback')}", "Traceback" not in text))
    print(*text.splitlines()[-20:], *bars, sep="\n")
    return 1 if options.enforce and not all(bar.held for bar in bars) else 0


def fuzz(port: int, process: psutil.Process, requests: int, frames: int, seed: int) -> list[Bar]:
    """Send all input to the server on `port`, and return the bars."""
    wait_until(lambda: is_healthy(port), 30)
    with probe(port) as idle:
        time.sleep(2)
    run_senders(port, Outcome(), send_request, 200, seed=-1)  # what is loaded once stays
    run_senders(port, Outcome(), send_frames, 200, seed=-1)
    wait_until(lambda: len(process.net_connections()) <= 2, READ_TIMEOUT * 3)
    before = process.num_fds(), process.num_threads(), process.memory_info().rss

    outcome = Outcome()
    with probe(port) as busy:
        started_at = time.perf_counter()
        run_senders(port, outcome, send_request, requests, seed)
        run_senders(port, outcome, send_frames, frames, seed)
        seconds = time.perf_counter() - started_at
    wait_until(lambda: process.num_fds() <= before[0] and process.num_threads() <= before[1], 60)
    after = process.num_fds(), process.num_threads(), process.memory_info().rss

    print(f"{requests:,} requests and {frames:,} frames in {seconds:.0f} s: {dict(sorted(outcome.statuses.items()))}")
    print(f"memory {before[2] / 1e6:.0f} -> {after[2] / 1e6:.0f} MB")
    print(*outcome.failures[:10], sep="\n")
    p50 = [delays[len(delays) // 2] for delays in (idle, busy)]
    p99 = [delays[int(len(delays) * 0.99)] for delays in (idle, busy)]
    print(f"/health p50 {p50[1]:.1f} ms ({p50[1] / p50[0]:.1f} x idle), p99 {p99[1]:.1f} ms ({p99[1] / p99[0]:.1f} x)")
    return [
        Bar(f"no 5xx and no hanging connection: {len(outcome.failures)}", not outcome.failures),
        Bar(f"/health within {MAX_LATENCY:g} ms: {busy[-1]:.1f} ms at most", busy[-1] <= MAX_LATENCY),
        Bar(f"no descriptor left: {before[0]} -> {after[0]}", after[0] <= before[0]),
        Bar(f"no thread left: {before[1]} -> {after[1]}", after[1] <= before[1]),
    ]


@contextmanager
def probe(port: int) -> Iterator[list[float]]:
    """Request /health all the time during the block; the list has the milliseconds of each, sorted, after it."""
    delays: list[float] = []
    process = subprocess.Popen(
        [sys.executable, "-c", PROBE_SCRIPT, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield delays
    finally:
        output, _ = process.communicate(timeout=60)
        delays += json.loads(output or "[]") or [float("inf")]


def run_senders(
    port: int, outcome: Outcome, send: Callable[[int, random.Random, Outcome], int], count: int, seed: int
) -> None:
    """Call `send` in several threads until it has sent `count` pieces of input."""

    def run(number: int) -> None:
        rng, sent = random.Random(f"{seed} {send.__name__} {number}"), 0
        while sent < count // SENDERS:
            sent += send(port, rng, outcome)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def send_request(port: int, rng: random.Random, outcome: Outcome) -> int:
    """Send one mutated request, and read the response to its end."""
    data = mutate(rng, rng.choice(REQUESTS))
    outcome.record(data, exchange(port, data))
    return 1


def send_frames(port: int, rng: random.Random, outcome: Outcome) -> int:
    """Send mutated frames on one websocket, or one mutated body by polling; return how many."""
    if rng.random() < 0.3:
        return send_polling(port, rng, outcome)
    count = rng.randint(1, 20)
    payloads = [mutate(rng, rng.choice(PACKETS).encode()) for _ in range(count)]
    frames = [build_frame(rng, payload, broken=rng.random() < 0.2) for payload in payloads]
    data = UPGRADE + b"".join([build_frame(rng, b"40")] * rng.randint(0, 1) + frames)
    outcome.record(b"".join(frames), exchange(port, data))
    return count


def send_polling(port: int, rng: random.Random, outcome: Outcome) -> int:
    """Open an Engine.IO session by polling, and post one mutated body to it."""
    opened = exchange(port, b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: localhost\r\n\r\n") or b""
    sid = re.search(rb'"sid":"([^"]+)"', opened)
    body = mutate(rng, "\x1e".join(rng.choices(PACKETS, k=rng.randint(1, 5))).encode())
    path = b"/socket.io/?EIO=4&transport=polling&sid=" + (sid[1] if sid else b"none")
    head = b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain;charset=UTF-8\r\n"
    outcome.record(body, exchange(port, head + b"Content-Length: %d\r\n\r\n" % len(body) + body))
    return 1


def exchange(port: int, data: bytes) -> bytes | None:
    """Send bytes on a new connection, and return what comes back until it is closed; None if that takes too long."""
    received = b""
    with socket.create_connection((HOST, port), timeout=RESPONSE_TIMEOUT) as connection:
        try:
            with suppress(ConnectionError):  # closed before everything was sent: there may be a response all the same
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                received += piece
        except TimeoutError:
            return None
        except OSError:
            return received
    return received


def mutate(rng: random.Random, data: bytes) -> bytes:
    """Return bytes with one to four changes."""
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(data) + 1)
        end = min(len(data), start + rng.choice((1, 1, 2, 4, 16, 64)))
        match rng.randrange(7):
            case 0:
                data = data[:start] + bytes([rng.randrange(256)]) + data[start + 1 :]
            case 1 | 2:
                data = data[:start] + rng.choice(TOKENS) + data[start:]
            case 3:
                data = data[:start] + data[end:]
            case 4:
                data = data[:end] + data[start:end] * rng.choice((1, 1, 50)) + data[end:]
            case 5:
                data = data[:start]
            case _:
                lines = data.split(b"\r\n")
                rng.shuffle(lines)
                data = b"\r\n".join(lines)
    return data


def build_frame(rng: random.Random, payload: bytes, *, broken: bool = False) -> bytes:
    """Return a masked websocket frame (RFC 6455, section 5.2); a broken one has any opcode, flags and length."""
    first = rng.randrange(256) if broken else 0x81
    size = rng.choice((0, 125, 2**16, 2**40, 2**63)) if broken else len(payload)
    mask = rng.randbytes(4)
    if size < 126:
        head = bytes([first, 0x80 | size])
    elif size < 2**16:
        head = bytes([first, 0xFE]) + size.to_bytes(2)
    else:
        head = bytes([first, 0xFF]) + size.to_bytes(8)
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


def list_requests() -> Iterator[bytes]:
    """Return a request of each operation, as the golden examples have it, and some of other kinds."""
    for file in sorted(EXAMPLES.glob("*.json")):
        request = json.loads(file.read_text("utf-8")).get("request")
        if request and "error" not in request["path"]:  # which is to send a 5xx
            body = json.dumps(request["body"]).encode() if "body" in request else b""
            query = "&".join(f"{name}={value}" for name, value in request.get("query", {}).items())
            lines = [f"{request['method']} {request['path']}{'?' + query if query else ''} HTTP/1.1", "Host: localhost"]
            lines += [f"{name}: {value}" for name, value in request.get("headers", {}).items()]
            lines += ['If-Match: "a", W/"b"', "Idempotency-Key: k-1"] * (request["method"] != "GET")
            lines += [f"Content-Length: {len(body)}"] * bool(body)
            yield "\r\n".join([*lines, "", ""]).encode() + body
    yield UPGRADE
    yield b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: localhost\r\n\r\n"
    yield b"GET http://localhost/api/health HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.0\r\n\r\n"
    yield (
        b"POST /api/users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b'Transfer-Encoding: chunked\r\n\r\n5;a=b\r\n{"a":\r\n2\r\n1}\r\n0\r\nX: y\r\n\r\n'
    )
    yield (
        b"OPTIONS /api/users HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:5173\r\n"
        b"Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n\r\n"
    )


UPGRADE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
REQUESTS = list(list_requests())


def is_healthy(port: int) -> bool:
    """Return whether the server responds."""
    with suppress(OSError):
        return b" 200 " in (exchange(port, b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n") or b"")
    return False


def wait_until(condition: Callable[[], bool], timeout: float) -> None:
    """Wait until a condition is true, or the timeout is over."""
    deadline = time.perf_counter() + timeout
    while not condition() and time.perf_counter() < deadline:
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())

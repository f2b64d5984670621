"""Requests that break HTTP's grammar (RFC 9112): refused, and nothing behind them is taken for a request.

Valid requests are mutated wherever their grammar has a border; the grammar, written here again, decides whether the
result is still valid.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import pytest

from duologue.conformance import sources
from duologue.conformance.rules import rule
from duologue.conformance.target.raw import read_statuses
from duologue.conformance.target.server import Server

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
FIELD_VALUE = rb"[\t\x20-\x7e\x80-\xff]*"
HEAD = re.compile(
    rb"(?:\r\n)?%b (?:/|http://)[\x21-\x7e]* HTTP/1\.[01]\r\n(?:%b:%b\r\n)*\r\n" % (TOKEN, TOKEN, FIELD_VALUE)
)
QUOTED = rb'"(?:[\t\x20!\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"'
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]+)(?:[ \t]*;[ \t]*%b(?:[ \t]*=[ \t]*(?:%b|%b))?)*\r\n" % (TOKEN, TOKEN, QUOTED))
TRAILERS = re.compile(rb"(?:%b:%b\r\n)*\r\n" % (TOKEN, FIELD_VALUE))

INSERTED = {
    "CR": b"\r",
    "LF": b"\n",
    "CRLF": b"\r\n",
    "fold": b"\r\n ",
    "NUL": b"\0",
    "space": b" ",
    "tab": b"\t",
    "comma": b",",
    "semicolon": b";",
    "colon": b":",
    "quote": b'"',
    "DEL": b"\x7f",
    "obs-text": b"\xe9",
    "nothing": b"",
}
CANARY = b"GET /api/error?status=418 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
"""Where it is executed after an error, the server has taken a part of a malformed request for a request."""

GET = b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n\r\n"
OLD_GET = b"GET http://localhost/api/health HTTP/1.0\r\nHost: localhost\r\n\r\n"
JSON = b"Content-Type: application/json\r\n"
BODY = b'{"name": 12}'
POST = b"POST /api/users HTTP/1.1\r\nHost: localhost\r\n" + JSON
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
CHUNKS = b'4;a=b\r\n{"na\r\n8;c="d"\r\nme": 12}\r\n0\r\nX-T: u\r\n\r\n'

each_insertion = pytest.mark.parametrize("inserted", INSERTED.values(), ids=INSERTED)


def mutate(valid: bytes, inserted: bytes, end: int | None = None) -> Iterator[bytes]:
    """Put `inserted` in the place of each delimiter and of what follows it, and before each delimiter.

    Inside of a name or a value, a parser decides the same at each byte. Nothing is changed from `end` on.
    """
    for index in range(len(valid) if end is None else end):
        delimits = not valid[index : index + 1].isalnum()
        if delimits or not valid[index - 1 : index].isalnum():
            yield valid[:index] + inserted + valid[index + 1 :]
        if inserted and delimits:
            yield valid[:index] + inserted + valid[index:]


def send(server: Server, sent: bytes, *, chat: bool = False) -> list[int]:
    """Send bytes, with credentials where they are required: a refused caller is not told what else is wrong."""
    line, credentials = b"POST /api/users HTTP/1.1\r\n", server.authorization.replace("\n", "\r\n").encode()
    sent = sent.replace(line, line + credentials, 1)
    return read_statuses(server.chat_origin if chat else server.platform_origin, sent)


def is_refused(statuses: list[int]) -> bool:
    """Whether there was one error response, or none, and nothing after it."""
    return len(statuses) <= 1 and all(400 <= status < 500 or status in (501, 505) for status in statuses)


def read_chunks(data: bytes) -> bytes | None:
    """Return what follows a chunked body; None if it is not valid, or has no end."""
    while line := CHUNK_LINE.match(data):
        size, data = int(line[1], 16), data[line.end() :]
        if not size:
            trailers = TRAILERS.match(data)
            return data[trailers.end() :] if trailers else None
        if data[size : size + 2] != b"\r\n":
            return None
        data = data[size + 2 :]
    return None


@rule(
    "http.mutated-head",
    "Wherever a request's head is changed, a head that breaks the grammar is refused, and "
    "nothing behind it is taken for a request.",
    source=sources.HTTP1,
    needs=["local"],
    stage=3,
)
@each_insertion
@pytest.mark.parametrize(
    ("valid", "end"), [(GET, len(GET)), (OLD_GET, OLD_GET.index(b"\n"))], ids=["GET", "absolute target, HTTP/1.0"]
)
def test_mutated_head(server: Server, valid: bytes, end: int, inserted: bytes) -> None:
    check_heads(server, mutate(valid, inserted, end))


def check_heads(server: Server, heads: Iterable[bytes]) -> None:
    """Send heads, each with a request behind it."""
    for number, mutated in enumerate(heads):
        sent = mutated + CANARY
        statuses = send(server, sent, chat=number % 2 == 1)
        assert all(status < 500 or status in (501, 505) for status in statuses), mutated
        if not HEAD.fullmatch(sent[: sent.find(b"\r\n\r\n", 2) + 4]):
            assert is_refused(statuses), (mutated, statuses)


@rule(
    "http.mutated-chunks",
    "Wherever a chunked body is changed, a body that breaks the grammar is 400, and "
    "nothing behind it is taken for a request.",
    source=sources.HTTP1,
    needs=["admin", "local"],
    stage=3,
)
@each_insertion
def test_mutated_chunks(server: Server, inserted: bytes) -> None:
    check_chunks(server, mutate(CHUNKS, inserted))


def check_chunks(server: Server, bodies: Iterable[bytes]) -> None:
    """Send chunked bodies, each with a request behind it."""
    for number, mutated in enumerate(bodies):
        rest = read_chunks(mutated + CANARY)
        statuses = send(server, CHUNKED + mutated + CANARY, chat=number % 2 == 1)
        if rest is None:
            assert is_refused(statuses), (mutated, statuses)
            assert 400 in statuses, mutated
        elif rest == CANARY:
            assert statuses in ([400, 418], [400]), mutated  # the name is not a text, or the JSON is broken


@rule(
    "http.truncated",
    "A request that breaks off is not carried out.",
    source=sources.HTTP1,
    needs=["admin", "local"],
    stage=3,
)
def test_truncated_request(server: Server) -> None:
    check_truncated(server, [*range(0, len(CHUNKED), 8), *range(len(CHUNKED), len(CHUNKED + CHUNKS), 2)])


def check_truncated(server: Server, ends: Iterable[int]) -> None:
    """Send a request's first bytes, as many as each of `ends` says."""
    for end in ends:
        sent = (CHUNKED + CHUNKS)[:end]
        assert is_refused(send(server, sent)), sent


FRAMINGS = {
    "two lengths": [b"Content-Length: 12", b"Content-Length: 12"],
    "two different lengths": [b"Content-Length: 12", b"Content-Length: 0"],
    "length and chunked": [b"Content-Length: 12", b"Transfer-Encoding: chunked"],
    "chunked and length": [b"Transfer-Encoding: chunked", b"Content-Length: 12"],
    "chunked twice": [b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"],
    **{
        f"length {value!r}": [b"Content-Length: " + value]
        for value in (b"+12", b"-12", b"0x0c", b"12,12", b"12 12", b"1_2", b"12.0", b"1e1", b"", b"twelve", b"\xd9\xa1")
    },
    "length beyond 64 bits": [b"Content-Length: " + b"9" * 40],
    **{
        f"coding {value!r}": [b"Transfer-Encoding: " + value]
        for value in (
            *(
                b"gzip",
                b"identity",
                b"gzip, chunked",
                b"chunked, gzip",
                b"chunked, chunked",
                b"xchunked",
                b"chunked;a=b",
            ),
            *(b'"chunked"', b"chun ked", b"chunked,", b",chunked", b"", b"\x0bchunked", b"chunked\x0c", b"chunke"),
        )
    },
    "folded coding": [b"Transfer-Encoding:\r\n chunked"],
    "space before the colon": [b"Transfer-Encoding : chunked"],
    "two types": [b"Content-Length: 12", JSON.strip()],
    "two hosts": [b"Content-Length: 12", b"Host: localhost"],
}


@rule(
    "http.framing",
    "A request whose length is contradictory or malformed is refused, and nothing behind it is taken for a request.",
    source=sources.HTTP1,
    needs=["local"],
    stage=3,
)
@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize("lines", FRAMINGS.values(), ids=FRAMINGS)
def test_contradictory_framing(server: Server, lines: list[bytes], version: bytes) -> None:
    head = POST.replace(b"HTTP/1.1", b"HTTP/" + version)
    for body in (BODY, b"c\r\n%b\r\n0\r\n\r\n" % BODY):
        for chat in (False, True):
            statuses = send(server, head + b"\r\n".join(lines) + b"\r\n\r\n" + body + CANARY, chat=chat)
            assert is_refused(statuses), statuses
            assert statuses, "it says why"


@rule(
    "http.chunked-1-0",
    "A chunked body in HTTP/1.0 is 400.",
    source=sources.HTTP1,
    needs=["local"],
    stage=3,
)
def test_chunked_in_http_1_0(server: Server) -> None:
    """HTTP/1.0 has no transfer codings: where the body ends is unknown (RFC 9112, section 6.1)."""
    head = CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0")
    assert send(server, head + b"c\r\n%b\r\n0\r\n\r\n" % BODY + CANARY) == [400]


VERSIONS = ["", "HTTP/1.2", "HTTP/2.0", "HTTP/1", "HTTP/1.10", "HTTP/01.1", "http/1.1", "RTSP/1.0", "ICE/1.0"]
TARGETS = [
    *("api/health", "*", "", "/api/health#x", "/api/h\xe9alth", "/api/health?x=\xff", "/api/\x7f", "ftp://localhost/"),
    *("http:///api/health", "http://me@localhost/api/health", "localhost:80", "//localhost/api/health ", "http:/api"),
]
METHODS = ["G(T", "G,T", "", "G\xe9T", "GET:", "G" * 5_000]
SPACED = ["GET  /api/health HTTP/1.1", "GET\t/api/health HTTP/1.1", " GET /api/health HTTP/1.1", "GET / HTTP/1.1 "]


@rule(
    "http.request-line",
    "A malformed request line is refused with one response.",
    source=sources.HTTP1,
    needs=["local"],
    stage=3,
)
@pytest.mark.parametrize(
    "line",
    [
        *(f"GET /api/health {version}" for version in VERSIONS),
        *(f"GET {target} HTTP/1.1" for target in TARGETS),
        *(f"{method} /api/health HTTP/1.1" for method in METHODS),
        *SPACED,
        "CONNECT localhost:80 HTTP/1.1",
    ],
    ids=lambda line: ascii(line[:50]),
)
def test_malformed_request_line(server: Server, line: str) -> None:
    for chat in (False, True):
        statuses = send(server, line.encode("latin-1") + b"\r\nHost: localhost\r\n\r\n" + CANARY, chat=chat)
        assert len(statuses) == 1
        assert is_refused(statuses)


@rule(
    "http.host-of-target",
    "An absolute target does not replace a Host that is missing, malformed or foreign.",
    source=sources.HTTP1,
    stage=3,
    needs=["local"],
    reads_only=True,
)
@pytest.mark.parametrize("target", ["/api/health", "http://localhost/api/health", "http://127.0.0.1:1/api/health"])
@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ("", 400),
        ("Host:\r\n", 400),
        ("Host: local host\r\n", 400),
        ("Host: localhost:99999\r\n", 400),
        ("Host: localhost\r\nHost: localhost\r\n", 400),
        ("Host: evil.example\r\n", 421),
    ],
)
def test_host_of_any_target(server: Server, target: str, lines: str, status: int) -> None:
    """An absolute target does not replace a Host header that is missing, malformed or foreign."""
    for version in ("1.0", "1.1"):
        sent = f"GET {target} HTTP/{version}\r\n{lines}Connection: close\r\n\r\n".encode()
        assert send(server, sent) == [status]


@rule(
    "http.expectation-1-0",
    "A client of HTTP/1.0 gets no interim response.",
    source=sources.HTTP1,
    needs=["admin", "local"],
    stage=3,
)
def test_expectation_in_http_1_0(server: Server) -> None:
    """A client of HTTP/1.0 does not know interim responses (RFC 9110, section 10.1.1)."""
    head = POST + b"Content-Length: %d\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n" % len(BODY)

    assert send(server, head) == [100, 400]
    assert send(server, head.replace(b"HTTP/1.1", b"HTTP/1.0")) == [400]


@rule(
    "http.expectation-unknown",
    "An unknown expectation is 417, or ignored.",
    source=sources.HTTP1,
    needs=["admin", "local"],
    stage=3,
)
def test_unknown_expectation(server: Server) -> None:
    assert send(server, POST + b"Content-Length: 12\r\nExpect: tea\r\n\r\n" + BODY + CANARY) in ([417], [400, 418])

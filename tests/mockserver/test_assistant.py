"""Reply engines: the rules of a fixture, a test's own function, and an API spoken to over real HTTP."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.contract.chats import ChatSession
from duologue.contract.messages import ChatMessage, Sender
from duologue_mock import ReplyRequest, Settings
from duologue_mock.assistant import ReplyEngine, Rule, Rules
from duologue_mock.errors import HTTPError
from duologue_mock.seed import Fixtures
from tests.mockserver.clocks import START
from tests.mockserver.refusals import refused

SESSION = ChatSession("s1", "Garden plans", False, START, START, START)
SHIPPED = Fixtures().rules()


def said(*contents: str) -> tuple[ChatMessage, ...]:
    """A history in which user and assistant take turns, the user beginning."""
    senders: tuple[Sender, Sender] = ("user", "assistant")
    return tuple(ChatMessage(str(n), "s1", senders[n % 2], text, START) for n, text in enumerate(contents))


def request(*contents: str, context: str | None = None, session: ChatSession = SESSION) -> ReplyRequest:
    return ReplyRequest(session, said(*contents), contents[-1], context)


def rules(*templates: str, pattern: str = "", fallback: str = "fallback", common: str = "") -> Rules:
    return Rules([Rule(re.compile(pattern), templates)], (fallback,), frozenset(common.split()))


# --- rules


@pytest.mark.parametrize(
    ("message", "reply"),
    [
        ("Hello", r"Hello!|Hi there!"),
        ("good EVENING to you", r"Hello!|Hi there!"),
        ("my name is Zoë.", r"\bZoë[! ]"),
        ("Thanks a lot", r"welcome|Happy"),
        ("bye", r"“Garden plans”"),
        ("please summarise", r"1 messages in “Garden plans”"),
        ("Why do roses need pruning?", r"pruning"),
        ("Is compost warm?", r"compost"),
        ("Delphiniums collapse", r"Delphiniums, collapse"),
        ("何？", r"何？"),
        ("🌱🌱", r"🌱🌱"),
        ("$message ${x} $$", r"\S"),
    ],
)
def test_the_shipped_rules_answer_on_the_message(message: str, reply: str) -> None:
    assert re.search(reply, SHIPPED(request(message)))


def test_what_was_said_before_is_remembered() -> None:
    assert SHIPPED(request("Roses are red", "I see.", "what did I just say?")).endswith("“Roses are red”")
    assert SHIPPED(request("what did I say?")).endswith("“”")


HISTORIES = st.lists(st.text(min_size=1), min_size=1, max_size=6)


@given(HISTORIES)
def test_the_same_history_gives_the_same_reply(history: list[str]) -> None:
    first = SHIPPED(request(*history))
    assert first.strip()
    assert SHIPPED(request(*history)) == first == Fixtures().rules()(request(*history))


def test_another_history_may_give_another_reply() -> None:
    assert len({SHIPPED(request(f"note {n}", "I see.", "Delphiniums")) for n in range(20)}) == 3


def test_the_choice_is_the_same_in_every_process() -> None:
    """Pinned: a reply that changes from run to run would break everyone's expectations."""
    chosen = rules("zero", "one", "two", "three", "four")
    assert [chosen(request(text)) for text in ("a", "b", "c", "d")] == ["zero", "two", "zero", "three"]


def test_rules_are_tried_in_order() -> None:
    first, second = Rule(re.compile("a"), ("first",)), Rule(re.compile("ab"), ("second",))
    assert Rules([first, second], ("none",), frozenset())(request("xab")) == "first"
    assert Rules([second, first], ("none",), frozenset())(request("xab")) == "second"
    assert Rules([first, second], ("none",), frozenset())(request("xyz")) == "none"
    assert Rules([], ("none",), frozenset())(request("xab")) == "none"


@pytest.mark.parametrize(
    ("template", "reply"),
    [
        ("$message", "Prune the roses now"),
        ("$context", "in March"),
        ("$title", "Garden plans"),
        ("$previous", "Hello"),
        ("$turn", "2"),
        ("${topic}!", "Prune, roses!"),
        ("$who asked", "roses asked"),
        ("$unknown stays", "$unknown stays"),
        ("costs $$5", "costs $5"),
        ("100% $", "100% $"),
        ("{message} %s", "{message} %s"),
    ],
)
def test_a_template_is_filled(template: str, reply: str) -> None:
    engine = rules(template, pattern="the (?P<who>roses)", common="the now")
    assert engine(request("Hello", "Hi!", "Prune the roses now", context="in March")) == reply


def test_what_the_user_writes_is_never_a_template() -> None:
    engine = rules("$message/$title", pattern="")
    titled = replace(SESSION, title="$context")
    assert engine(request("${title} $$", context="secret", session=titled)) == "${title} $$/$context"


def test_a_group_that_took_no_part_is_empty() -> None:
    assert rules("[$who]", pattern="hi( (?P<who>all))?")(request("hi")) == "[]"


@pytest.mark.parametrize(
    ("message", "topic"),
    [
        ("the and for", "the and for"),
        ("a b c", "a b c"),
        ("Watering greenhouse tomatoes properly tomorrow", "Watering, greenhouse, tomatoes"),
        ("roses, ROSES and roses", "roses, ROSES"),
        ("x" * 80 + " y", "x" * 80),
        ("? " * 40, ("? " * 40)[:60]),
        ("12345 67890", "12345 67890"),
    ],
)
def test_the_topic_is_the_weightiest_words_in_their_order(message: str, topic: str) -> None:
    assert rules("$topic", common="the and for")(request(message)) == topic


# --- pieces, and a function as the engine


class Pauses(list[float]):
    """Writes down how long it was asked to wait."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def made(reply: Any, *, stream_delay: float = 0.0, pauses: Pauses | None = None) -> Iterator[str]:
    """The pieces of a reply by a function, or by the rules for None."""
    settings = Settings(reply_function=reply, stream_delay=stream_delay)
    engine = ReplyEngine(
        settings, SHIPPED, run_in_thread=lambda run: run(), sleep=Pauses() if pauses is None else pauses
    )
    return engine.pieces(request("Hello"))


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")) | st.sampled_from("\n\t")))
def test_a_text_is_cut_at_its_words_and_loses_nothing_but_the_end(text: str) -> None:
    pieces = list(made(lambda request: text))
    assert "".join(pieces) == text.rstrip()
    assert all(pieces)


ANY_PIECES = st.lists(st.text(st.characters() | st.sampled_from("\ud83d\ude00\x00\n")))


@given(ANY_PIECES)
def test_whatever_an_engine_makes_is_text_that_the_wire_can_carry(pieces: list[str]) -> None:
    whole = "".join(made(lambda request: iter(pieces)))
    whole.encode("utf-8")
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", whole)


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        (["a \ud83d", "\ude00 b"], "a 😀 b"),
        (["\ud83d", "", "\ude00"], "😀"),
        (["lone \ud800", "half"], "lone half"),
        (["\ude00 lone", " half \ud83d"], " lone half "),
        (["bell\x07", "\x00", "line\nbreak\ttab"], "bellline\nbreak\ttab"),
    ],
)
def test_an_emoji_cut_in_two_is_put_together(pieces: list[str], whole: str) -> None:
    """As by an engine that streams the halves of UTF-16."""
    assert "".join(made(lambda request: iter(pieces))) == whole


def test_pieces_stay_as_the_function_makes_them() -> None:
    assert list(made(lambda request: iter(["He", "llo ", "", "you"]))) == ["He", "llo ", "you"]


def test_the_rules_are_the_engine_where_none_is_named() -> None:
    assert "".join(made(None)) == SHIPPED(request("Hello"))


def test_a_pause_lies_between_the_pieces() -> None:
    pauses = Pauses()
    assert len(list(made(lambda request: "one two three", stream_delay=0.25, pauses=pauses))) == 3
    assert pauses == [0.25, 0.25]
    pauses.clear()
    list(made(lambda request: "one two three", pauses=pauses))
    assert pauses == []


def test_pieces_are_made_as_they_are_asked_for() -> None:
    asked: list[int] = []

    def reply(request: ReplyRequest) -> Iterator[str]:
        for number in range(3):
            asked.append(number)
            yield str(number)

    pieces = made(reply)
    assert asked == []
    next(pieces)
    assert asked == [0]


def test_what_may_block_is_run_elsewhere() -> None:
    threads: set[int] = set()

    def reply(request: ReplyRequest) -> Iterator[str]:
        threads.add(threading.get_ident())
        yield "one"
        threads.add(threading.get_ident())

    def run_in_thread(run: Callable[[], Any]) -> Any:
        done: list[Any] = []
        thread = threading.Thread(target=lambda: done.append(run()))
        thread.start()
        thread.join()
        return done[0]

    engine = ReplyEngine(Settings(reply_function=reply), SHIPPED, run_in_thread=run_in_thread, sleep=Pauses())
    assert list(engine.pieces(request("Hello"))) == ["one"]
    assert threads
    assert threading.get_ident() not in threads


def fails(error: BaseException, *, after: int = 0) -> Callable[[ReplyRequest], Any]:
    def at_once(request: ReplyRequest) -> str:
        raise error

    def later(request: ReplyRequest) -> Iterator[str]:
        for _ in range(after):
            yield "piece "
        raise error

    return later if after else at_once


@pytest.mark.parametrize("after", [0, 1, 3])
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError("of its own"), 502),
        (KeyError("x"), 502),
        (RecursionError(), 502),
        (OSError("disk"), 502),
        (TimeoutError("too slow"), 504),
        (TimeoutError(), 504),
        (socket.timeout("too slow"), 504),  # noqa: UP041  # older code raises it by this name
        (HTTPError(418, "No coffee"), 418),
    ],
    ids=repr,
)
def test_an_engine_that_fails_is_a_bad_gateway_and_one_too_slow_a_gateway_timeout(
    error: Exception, status: int, after: int
) -> None:
    pieces = made(fails(error, after=after))
    for _ in range(after):
        assert next(pieces) == "piece "
    with refused(status):
        next(pieces)


@pytest.mark.parametrize("reply", [None, 5, object()], ids=["None", "a number", "an object"])
def test_a_function_that_returns_no_reply_is_a_bad_gateway(reply: Any) -> None:
    with refused(502):
        list(made(lambda request: reply))


def test_the_refusal_says_what_failed_and_no_more() -> None:
    with pytest.raises(HTTPError) as caught:
        next(made(fails(RuntimeError("x" * 5000))))
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("RuntimeError: xxx")
    assert len(caught.value.hint) == 500


# --- an API like OpenAI's


class API:
    """A little HTTP server in the place of the API: does as `act` says, and keeps what it was sent."""

    def __init__(self, act: Callable[[BaseHTTPRequestHandler], None]) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.free = threading.Event()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                api.paths.append(self.path)
                api.headers.append(dict(self.headers))
                api.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.close_connection = True
                act(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> API:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.free.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()  # waits for the handlers' threads


def chunk(content: str | None) -> bytes:
    return sse(
        json.dumps({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": content}}]})
    )


def sse(data: str) -> bytes:
    return f"data: {data}\n\n".encode()


def streams(*parts: bytes, ending: bytes = b"0\r\n\r\n", status: int = 200) -> Callable[[BaseHTTPRequestHandler], None]:
    def act(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for part in parts:
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
        handler.wfile.write(ending)

    return act


def sends(data: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    def act(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(data)

    return act


def asked(url: str, *, timeout: float = 5.0, key: str | None = None, context: str | None = None) -> Iterator[str]:
    settings = Settings(reply_url=url, reply_model="tiny", reply_api_key=key, reply_timeout=timeout)
    engine = ReplyEngine(settings, SHIPPED, run_in_thread=lambda run: run(), sleep=Pauses())
    return engine.pieces(request("Hello", "Hi!", "How are roses cut?", context=context))


ROLE = sse(json.dumps({"choices": [{"delta": {"role": "assistant", "content": ""}}]}))
DONE = sse("[DONE]")


@pytest.mark.parametrize(
    "parts",
    [
        [ROLE, chunk("At "), chunk("an "), chunk("angle."), DONE],
        [ROLE + chunk("At ") + chunk("an ") + chunk("angle.") + DONE],
        [
            (chunk("At ") + chunk("an ") + chunk("angle."))[:40],
            (chunk("At ") + chunk("an ") + chunk("angle."))[40:],
            DONE,
        ],
        [b": keep-alive\n\n", chunk("At an "), b"event: x\nid: 5\n", chunk("angle."), DONE, chunk("never read")],
        [chunk("At an "), chunk("angle."), sse('{"choices": []}'), sse('{"usage": {"total_tokens": 5}}'), DONE],
        [chunk("At an "), chunk(None), chunk("angle.")],
        [part.replace(b"\n", b"\r\n") for part in (chunk("At an "), chunk("angle."), DONE)],
        [chunk("At an angle.").replace(b"data: ", b"data:"), DONE],
    ],
    ids=["one by one", "at once", "cut anywhere", "with comments", "with usage", "without an end", "crlf", "no space"],
)
def test_what_the_api_streams_is_the_reply(parts: list[bytes]) -> None:
    with API(streams(*parts)) as api:
        assert "".join(asked(api.url)) == "At an angle."


def test_text_beyond_ascii_survives() -> None:
    with API(streams(chunk("schräg 🌹"), DONE)) as api:
        assert list(asked(api.url)) == ["schräg 🌹"]


def test_the_api_is_asked_as_openai_would_be() -> None:
    with API(streams(chunk("x"), DONE)) as api:
        list(asked(api.url + "/", key="sk-test", context="Be brief."))
        list(asked(api.url))
    assert api.paths == ["/v1/chat/completions"] * 2
    history = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi!"},
        {"role": "user", "content": "How are roses cut?"},
    ]
    system = {"role": "system", "content": "Be brief."}
    assert api.bodies[0] == {"model": "tiny", "stream": True, "messages": [system, *history]}
    assert api.bodies[1]["messages"] == history
    assert api.headers[0]["Authorization"] == "Bearer sk-test"
    assert "Authorization" not in api.headers[1]


def error_answer(status: int) -> Callable[[BaseHTTPRequestHandler], None]:
    return streams(b'{"error": {"message": "no"}}', status=status)


@pytest.mark.parametrize(
    "act",
    [
        error_answer(401),
        error_answer(404),
        error_answer(429),
        error_answer(500),
        streams(b"<html>not what was asked for</html>"),
        streams(),
        streams(sse("{not json")),
        streams(sse("[1, 2]")),
        streams(sse('"text"')),
        streams(sse('{"choices": null}')),
        streams(sse('{"choices": [5]}')),
        streams(sse('{"error": {"message": "overloaded"}}')),
        streams(chunk("cut"), ending=b"zz\r\n"),
        sends(b"no HTTP at all\r\n\r\n"),
        sends(b""),
        sends(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + chunk("cut")),
    ],
    ids=[
        "401", "404", "429", "500", "html", "empty", "bad json", "list", "text", "no choices", "odd choices",
        "error chunk", "bad chunk", "no http", "hangs up", "cut off",
    ],
)  # fmt: skip
def test_an_api_that_fails_is_a_bad_gateway(act: Callable[[BaseHTTPRequestHandler], None]) -> None:
    with API(act) as api, refused(502):
        list(asked(api.url, key="sk-hidden"))


def test_an_api_that_breaks_off_midway_is_a_bad_gateway_after_the_pieces() -> None:
    with API(streams(chunk("At "), chunk("an "), ending=b"")) as api:
        pieces = asked(api.url)
        with refused(502):
            assert [next(pieces), next(pieces)] == ["At ", "an "]
            next(pieces)


def test_an_api_that_nobody_serves_is_a_bad_gateway() -> None:
    with closed_port() as port, refused(502):
        list(asked(f"http://127.0.0.1:{port}/v1"))


@contextmanager
def closed_port() -> Iterator[int]:
    """A port that is taken, so that nobody else gets it, but where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.mark.parametrize("begins", [False, True], ids=["no answer", "falls silent midway"])
def test_an_api_that_hangs_is_a_gateway_timeout(begins: bool) -> None:
    def act(handler: BaseHTTPRequestHandler) -> None:
        if begins:
            streams(chunk("At "), ending=b"")(handler)
        api.free.wait(5)

    with API(act) as api:
        pieces = asked(api.url, timeout=0.2)
        if begins:
            assert next(pieces) == "At "
        with refused(504):
            next(pieces)
        api.free.set()


def test_a_key_is_told_to_nobody_else() -> None:
    with API(error_answer(500)) as api, pytest.raises(HTTPError) as caught:
        list(asked(api.url, key="sk-hidden"))
    assert "sk-hidden" not in f"{caught.value.hint}{caught.value}"

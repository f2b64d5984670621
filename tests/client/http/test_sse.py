"""Server-sent events, by the rules and the examples of the WHATWG HTML standard, section 9.2.6."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue import DecodingError
from duologue.http.sse import MAX_EVENT, ServerSentEvent, read_events


def read(*chunks: bytes) -> list[tuple[str, str]]:
    return [(event.name, event.data) for event in read_events(chunks)]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", [("message", "YHOO\n+2\n10")]),
        (b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
         [("message", "first event"), ("message", "second event"), ("message", " third event")]),
        (b"data\n\ndata\ndata\n\ndata:", [("message", ""), ("message", "\n")]),
        (b"event: empty\ndata:\n\nevent: none\n\n", [("empty", "")]),
        (b"data: a\r\n\ndata: b\n\r\ndata: c\r\r\n", [("message", "a"), ("message", "b"), ("message", "c")]),
        (b"data: a\r\rdata: b\r\n\r\n", [("message", "a"), ("message", "b")]),
        (b"data: a\r\ndata: b\r\n\r\n", [("message", "a\nb")]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", [("message", "b")]),
        (b": \n:\nretry: x\nretry:\n\n", []),
        (b"data:test\n\ndata: test\n\n", [("message", "test"), ("message", "test")]),
        (b"event: add\ndata: 1\n\nevent: remove\ndata: 2\n\ndata: 3\n\n",
         [("add", "1"), ("remove", "2"), ("message", "3")]),
        (b"event: add\n\ndata: 1\n\n", [("message", "1")]),
        (b"\xef\xbb\xbfdata: bom\n\n", [("message", "bom")]),
        (b"data: a\r\n\r\ndata: b\r\rdata: c\n\n", [("message", "a"), ("message", "b"), ("message", "c")]),
        (b"data: \xff\n\n", [("message", "\ufffd")]),
        (b"data: a:b: c\n\n", [("message", "a:b: c")]),
        (b"unknown: x\nretry: 7\ndata: a\n\n", [("message", "a")]),
        (b"data: unfinished\n", []),
        (b"\n\n\n", []),
        (b"", []),
    ],
)  # fmt: skip
def test_events(stream: bytes, events: list[tuple[str, str]]) -> None:
    assert read(stream) == events
    assert read(*(stream[at : at + 1] for at in range(len(stream)))) == events


def test_last_id() -> None:
    stream = b"id: 1\ndata: a\n\ndata: b\n\nid: bad\0\ndata: c\n\nid\ndata: d\n\n"
    assert [event.id for event in read_events([stream])] == ["1", "1", "1", ""]


LINES = st.sampled_from(["\n", "\r", "\r\n", "data", "data:", "data: a", ":", "event: e", "id: 1", "\ufeff"])


@given(st.lists(LINES, max_size=12).map("".join).map(str.encode), st.data())
def test_cuts_change_nothing(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    chunks = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert list(read_events(chunks)) == list(read_events([stream]))


@given(
    st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1), max_size=5),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.data(),
)
def test_any_chunks(texts: list[str], end: str, data: st.DataObject) -> None:
    stream = "".join(f": note{end}event: e{end}data:{end}data: {text}{end}{end}" for text in texts).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    chunks = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert list(read_events(chunks)) == [ServerSentEvent("e", f"\n{text}") for text in texts]


@pytest.mark.parametrize("endless", [b"data: " + b"x" * 10_000, b"data: x\n" * 10_000])
def test_event_too_long(endless: bytes) -> None:
    given_ = iter([endless] * (2 * MAX_EVENT // 10_000))
    with pytest.raises(DecodingError, match="longer than 1,048,576 characters"):
        list(read_events(given_))
    assert next(given_, None) is not None  # it stopped before it had read all of it


def test_longest_event() -> None:
    """The limit is for one event: each of its `data` lines counts, with its end."""
    lines = [b"data: " + b"x" * (MAX_EVENT - 3) + b"\n", b"data:x\n"]
    event = ("message", "x" * (MAX_EVENT - 3) + "\nx")
    assert read(b"".join([*lines, b"\n", *lines, b"\n"])) == [event] * 2
    with pytest.raises(DecodingError):
        read(b"".join([*lines, b"data:\n\n"]))


def test_longest_line() -> None:
    """The limit is for a line that has no end yet, too."""
    line = b":" + b"x" * (MAX_EVENT - 1)
    assert read(line, b"\n", line, b"\ndata: a\n\n") == [("message", "a")]
    with pytest.raises(DecodingError):
        read(line, b"x", b"\ndata: a\n\n")

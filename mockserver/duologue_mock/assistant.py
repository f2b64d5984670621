"""Who makes the assistant's replies: rules from a fixture, a test's own function, or an OpenAI-compatible API."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from string import Template
from typing import Any, TypeVar

from duologue_mock.errors import HTTPError
from duologue_mock.settings import ReplyFunction, ReplyRequest, Settings

T = TypeVar("T")
RunInThread = Callable[[Callable[[], Any]], Any]
"""Runs a function that may block, and returns what it returns, while other requests go on."""

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True)
class Rule:
    """ReplyEngine for messages that match a pattern."""

    pattern: re.Pattern[str]
    replies: tuple[str, ...]


class Rules:
    """ReplyEngine by pattern; the same history and message always get the same one.

    Args:
        rules: tried in order.
        fallback: replies where none matches.
        common_words: words too common to be what a message is about.

    A reply is a `string.Template`: `$message`, `$context`, `$title`, `$topic` (the message's weightiest words),
    `$previous` (what the user said before), `$turn` (which message of the user's it is), and the pattern's named
    groups.
    """

    def __init__(self, rules: list[Rule], fallback: tuple[str, ...], common_words: frozenset[str]) -> None:
        self._rules = rules
        self._fallback = fallback
        self._common = common_words

    def __call__(self, request: ReplyRequest) -> str:
        """Return the reply to a request."""
        for rule in self._rules:
            found = rule.pattern.search(request.message)
            if found:
                return self._fill(_choose(rule.replies, request), request, found.groupdict(default=""))
        return self._fill(_choose(self._fallback, request), request, {})

    def _fill(self, template: str, request: ReplyRequest, groups: dict[str, str]) -> str:
        own = [message.content for message in request.history if message.sender == "user"]
        values = {
            "message": request.message,
            "context": request.context or "",
            "title": request.session.title,
            "topic": self._topic(request.message),
            "previous": own[-2] if len(own) > 1 else "",
            "turn": str(len(own)),
        }
        return Template(template).safe_substitute(values, **groups)

    def _topic(self, message: str) -> str:
        words = [word for word in dict.fromkeys(_WORD.findall(message)) if word.lower() not in self._common]
        weightiest = sorted(words, key=len, reverse=True)[:3]
        return ", ".join(word for word in words if word in weightiest) or message.strip()[:60]


class ReplyEngine:
    """Makes replies in pieces, by whichever engine the settings name.

    Args:
        settings: which engine.
        rules: the engine where they name none.
        offload: how to run what may block.
        pause: waits for a number of seconds, between pieces.
    """

    def __init__(
        self, settings: Settings, rules: Rules, *, run_in_thread: RunInThread, sleep: Callable[[float], None]
    ) -> None:
        self._engine: ReplyFunction = settings.reply_function or (
            OpenAICompatible(settings) if settings.reply_url else rules
        )
        self._run_in_thread = run_in_thread
        self._pause = sleep
        self._delay = settings.stream_delay

    def pieces(self, request: ReplyRequest) -> Iterator[str]:
        """Yield the reply to a request, piece by piece; raise a `HTTPError` if its engine fails."""
        for number, piece in enumerate(_sendable(self._made(request))):
            if number and self._delay:
                self._pause(self._delay)
            yield piece

    def _made(self, request: ReplyRequest) -> Iterator[str]:
        made = self._guarded(lambda: self._engine(request))
        if isinstance(made, str):
            yield from re.findall(r"\s*\S+", made)
            return
        pieces = self._guarded(lambda: iter(made))
        end = object()
        while (piece := self._guarded(lambda: next(pieces, end))) is not end:
            if piece:
                yield str(piece)

    def _guarded(self, function: Callable[[], Any]) -> Any:
        if isinstance(self._engine, Rules):
            return function()
        try:
            return self._run_in_thread(function)
        except HTTPError:
            raise
        except TimeoutError as error:
            raise HTTPError(504, "The reply engine took too long", hint=str(error) or None) from error
        except Exception as error:
            raise HTTPError(502, "The reply engine failed", hint=f"{type(error).__name__}: {error}"[:500]) from error


def _sendable(pieces: Iterable[str]) -> Iterator[str]:
    """The pieces as the wire can carry them: an emoji cut in two is put together, what is no text is dropped."""
    half = ""
    for piece in pieces:
        text = half + piece
        half = text[-1] if "\ud800" <= text[-1:] <= "\udbff" else ""
        text = text.removesuffix(half)
        if not text.isascii():
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
        text = _CONTROLS.sub("", text)
        if text:
            yield text


class OpenAICompatible:
    """Asks an API with OpenAI's `POST /chat/completions`, streamed.

    Args:
        settings: its address, model, key and timeout.
    """

    def __init__(self, settings: Settings) -> None:
        assert settings.reply_url is not None
        self._url = settings.reply_url.rstrip("/") + "/chat/completions"
        self._model = settings.reply_model
        self._key = settings.reply_api_key
        self._timeout = settings.reply_timeout

    def __call__(self, request: ReplyRequest) -> Iterator[str]:
        """Yield the reply as the API streams it; raise `TimeoutError` or `RuntimeError`."""
        import requests

        body = {"model": self._model, "stream": True, "messages": _as_openai_messages(request)}
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            with requests.Session() as session:
                session.trust_env = False  # a netrc entry would replace the key, a proxy variable would send it there
                options: dict[str, Any] = {"headers": headers, "stream": True, "timeout": self._timeout}
                with session.post(self._url, json=body, **options) as answer:
                    if answer.status_code != 200:
                        raise RuntimeError(f"{self._url} answered {answer.status_code}.")
                    yield from _deltas(answer.iter_lines())
        except requests.RequestException as error:
            if isinstance(error, requests.Timeout) or _fell_silent(error):
                raise TimeoutError(f"{self._url} did not answer within {self._timeout:g} s.") from error
            raise RuntimeError(f"{self._url} could not be asked: {type(error).__name__}.") from error


def _fell_silent(error: Exception) -> bool:
    """Whether an answer stopped midway: requests calls that a `ConnectionError` and keeps the true one inside."""
    from urllib3.exceptions import ReadTimeoutError

    return any(isinstance(cause, ReadTimeoutError) for cause in error.args)


def _deltas(lines: Iterator[bytes]) -> Iterator[str]:
    """The pieces in a stream of chunks; raise `RuntimeError` for an error among them, or if it is no such stream."""
    chunks = 0
    for line in lines:
        if not line.startswith(b"data:"):
            continue
        data = line[5:].strip()
        if data == b"[DONE]":
            return
        chunk = json.loads(data)
        if "error" in chunk:
            raise RuntimeError(f"The API broke off: {chunk['error']}")
        chunks += 1
        for choice in chunk.get("choices", []):
            piece = choice.get("delta", {}).get("content")
            if piece:
                yield piece
    if not chunks:
        raise RuntimeError("The API did not stream a reply.")


def _as_openai_messages(request: ReplyRequest) -> list[dict[str, str]]:
    said = [{"role": message.sender, "content": message.content} for message in request.history]
    return [{"role": "system", "content": request.context}, *said] if request.context else said


def _choose(replies: tuple[str, ...], request: ReplyRequest) -> str:
    told = "\x00".join(f"{message.sender}\x01{message.content}" for message in request.history)
    return replies[zlib.crc32(told.encode()) % len(replies)]

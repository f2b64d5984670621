"""Where the assistant's replies come from: rules in a fixture file, a function, or an OpenAI-compatible API."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from string import Template
from typing import Any

from marshmallow import Schema, fields, validate

from duologue_mock.errors import HTTPError
from duologue_mock.settings import ReplyFunction, ReplyRequest, Settings
from duologue_mock.store.seed import FixtureError, Fixtures, load_record

RunInThread = Callable[[Callable[[], Any]], Any]
"""Runs a function that may block in another thread, and returns what it returns, while other requests go on."""

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_WORD = re.compile(r"[^\W\d_]{3,}")
_MAX_TOPIC_WORDS, _MAX_TOPIC_LENGTH = 3, 60


@dataclass(frozen=True)
class ReplyRule:
    """Replies to the messages that match a pattern."""

    pattern: re.Pattern[str]
    replies: tuple[str, ...]


class ReplyRules:
    """A reply function that follows rules: the same history and message always get the same reply.

    Args:
        rules: tried in order.
        fallback: the replies where none matches.
        common_words: words that are too common to be a message's topic.

    A reply is a `string.Template`: `$message`, `$context`, `$title`, `$topic` (the longest words of the message),
    `$previous` (the user's message before this one), `$turn` (how many messages the user has sent), and the pattern's
    named groups.
    """

    def __init__(self, rules: list[ReplyRule], fallback: tuple[str, ...], common_words: frozenset[str]) -> None:
        self._rules = rules
        self._fallback = fallback
        self._common_words = common_words

    def __call__(self, request: ReplyRequest) -> str:
        """Return the reply to a request."""
        for rule in self._rules:
            match = rule.pattern.search(request.message)
            if match:
                return self._fill(_choose(rule.replies, request), request, match.groupdict(default=""))
        return self._fill(_choose(self._fallback, request), request, {})

    def _fill(self, template: str, request: ReplyRequest, groups: dict[str, str]) -> str:
        contents = [message.content for message in request.history if message.sender == "user"]
        values = {
            "message": request.message,
            "context": request.context or "",
            "title": request.session.title,
            "topic": self._find_topic(request.message),
            "previous": contents[-2] if len(contents) > 1 else "",
            "turn": str(len(contents)),
        }
        return Template(template).safe_substitute(values, **groups)

    def _find_topic(self, message: str) -> str:
        words = [word for word in dict.fromkeys(_WORD.findall(message)) if word.lower() not in self._common_words]
        longest = sorted(words, key=len, reverse=True)[:_MAX_TOPIC_WORDS]
        return ", ".join(word for word in words if word in longest) or message.strip()[:_MAX_TOPIC_LENGTH]


class _RuleSchema(Schema):
    pattern = fields.String(required=True)
    replies = fields.List(fields.String(), required=True, validate=validate.Length(min=1))


class _RulesSchema(Schema):
    rules = fields.List(fields.Nested(_RuleSchema), required=True)
    fallback = fields.List(fields.String(), required=True, validate=validate.Length(min=1))
    common_words = fields.List(fields.String(), data_key="commonWords", load_default=list)


def load_rules(fixtures: Fixtures) -> ReplyRules:
    """Return the rules in the fixture file `smart_chat.json`.

    Raises:
        FixtureError: the file is not valid.
    """
    file, data = fixtures.read("smart_chat.json")
    record = load_record(_RulesSchema(), data, file)
    rules = []
    for index, row in enumerate(record["rules"]):
        try:
            rules.append(ReplyRule(re.compile(row["pattern"], re.IGNORECASE), tuple(row["replies"])))
        except (re.error, OverflowError, RecursionError) as error:
            raise FixtureError(f"{file}: rules[{index}].pattern: Not a regular expression: {error}.") from error
    return ReplyRules(rules, tuple(record["fallback"]), frozenset(record["common_words"]))


class ReplyEngine:
    """Streams replies from the reply function that the settings choose.

    Args:
        settings: `reply_function`, else `reply_url`, else the rules; and the delay between chunks.
        rules: the reply function where the settings choose none.
        run_in_thread: runs a reply function that may block.
        sleep: waits a number of seconds.
    """

    def __init__(
        self, settings: Settings, rules: ReplyRules, *, run_in_thread: RunInThread, sleep: Callable[[float], None]
    ) -> None:
        function, url = settings.values["reply_function"], settings.values["reply_url"]
        self._reply: ReplyFunction = function or (OpenAICompatibleAPI(url, settings) if url else rules)
        self._delay = settings.values["stream_delay"]
        self._run_in_thread = run_in_thread
        self._sleep = sleep

    def stream(self, request: ReplyRequest) -> Iterator[str]:
        """Yield the reply to a request in chunks.

        Raises:
            HTTPError: the reply function failed (502) or timed out (504).
        """
        for number, chunk in enumerate(_remove_unencodable(self._generate(request))):
            if number and self._delay:
                self._sleep(self._delay)
            yield chunk

    def _generate(self, request: ReplyRequest) -> Iterator[str]:
        reply = self._call(lambda: self._reply(request))
        if isinstance(reply, str):
            yield from re.findall(r"\s*\S+", reply)
            return
        chunks = self._call(lambda: iter(reply))
        end = object()
        while (chunk := self._call(lambda: next(chunks, end))) is not end:
            if chunk:
                yield str(chunk)

    def _call(self, function: Callable[[], Any]) -> Any:
        if isinstance(self._reply, ReplyRules):
            return function()
        try:
            return self._run_in_thread(function)
        except HTTPError:
            raise
        except TimeoutError as error:
            raise HTTPError(504, "The reply engine took too long", hint=str(error) or None) from error
        except Exception as error:
            raise HTTPError(502, "The reply engine failed", hint=f"{type(error).__name__}: {error}"[:500]) from error


def _remove_unencodable(chunks: Iterable[str]) -> Iterator[str]:
    """Yield the chunks as JSON can have them: surrogate pairs joined, single surrogates and controls removed."""
    half = ""
    for chunk in chunks:
        text = half + chunk
        half = text[-1] if "\ud800" <= text[-1:] <= "\udbff" else ""
        text = text.removesuffix(half)
        if not text.isascii():
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
        text = _CONTROL_CHARACTERS.sub("", text)
        if text:
            yield text


class OpenAICompatibleAPI:
    """A reply function that calls an API like OpenAI's `POST /chat/completions`, streamed.

    Args:
        base_url: where the API is, as `http://localhost:11434/v1`.
        settings: the API's model, key and timeout.
    """

    def __init__(self, base_url: str, settings: Settings) -> None:
        self._url = base_url.rstrip("/") + "/chat/completions"
        self._model = settings.values["reply_model"]
        self._key = settings.values["reply_api_key"]
        self._timeout = settings.values["reply_timeout"]

    def __call__(self, request: ReplyRequest) -> Iterator[str]:
        """Yield the reply as the API streams it.

        Raises:
            TimeoutError: the API sent nothing for the timeout.
            RuntimeError: the API could not be reached, or failed.
        """
        import requests

        body = {"model": self._model, "stream": True, "messages": _build_openai_messages(request)}
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            with requests.Session() as session:
                session.trust_env = False  # a netrc entry would replace the key, a proxy variable would send it there
                options: dict[str, Any] = {"headers": headers, "stream": True, "timeout": self._timeout}
                with session.post(self._url, json=body, **options) as response:
                    if response.status_code != 200:
                        raise RuntimeError(f"{self._url} returned status {response.status_code}.")
                    yield from _parse_stream(response.iter_lines())
        except requests.RequestException as error:
            if isinstance(error, requests.Timeout) or _is_read_timeout(error):
                raise TimeoutError(f"{self._url} sent nothing for {self._timeout:g} s.") from error
            raise RuntimeError(f"{self._url} could not be reached: {type(error).__name__}.") from error


def _is_read_timeout(error: Exception) -> bool:
    """Whether a response stopped midway: requests reports that as a `ConnectionError` around urllib3's own error."""
    from urllib3.exceptions import ReadTimeoutError

    return any(isinstance(cause, ReadTimeoutError) for cause in error.args)


def _parse_stream(lines: Iterator[bytes]) -> Iterator[str]:
    """Yield the texts in a stream of completion chunks; raise `RuntimeError` for an error, or if there are none."""
    chunks = 0
    for line in lines:
        if not line.startswith(b"data:"):
            continue
        data = line[5:].strip()
        if data == b"[DONE]":
            return
        chunk = json.loads(data)
        if "error" in chunk:
            raise RuntimeError(f"The API sent an error: {chunk['error']}")
        chunks += 1
        for choice in chunk.get("choices", []):
            content = choice.get("delta", {}).get("content")
            if content:
                yield content
    if not chunks:
        raise RuntimeError("The API did not stream a reply.")


def _build_openai_messages(request: ReplyRequest) -> list[dict[str, str]]:
    messages = [{"role": message.sender, "content": message.content} for message in request.history]
    return [{"role": "system", "content": request.context}, *messages] if request.context else messages


def _choose(replies: tuple[str, ...], request: ReplyRequest) -> str:
    """Return one of the replies: by a checksum of the history, so that it is the same in every process."""
    history = "\x00".join(f"{message.sender}\x01{message.content}" for message in request.history)
    return replies[zlib.crc32(history.encode()) % len(replies)]

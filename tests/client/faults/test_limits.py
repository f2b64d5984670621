"""How much of a response is read, and what of it is shown."""

from __future__ import annotations

import gzip
import json
import logging
import subprocess
import sys
import textwrap
import zlib
from collections.abc import Callable

import pytest

from duologue import Client, ResponseTooLargeError, ServerError, StoredTokens
from tests.client.fakes import USER
from tests.client.faults.acts import BOMB, CHUNKED, HEAD, compress, endless, respond, send, then_silence
from tests.client.servers import Act, Received, ScriptedServer

To = Callable[..., tuple[Client, ScriptedServer]]
Serve = Callable[..., ScriptedServer]

TOO_LARGE: dict[str, Act] = {
    "by its header": then_silence(HEAD + b"Content-Length: 1000001\r\n\r\n"),
    "by an absurd header": then_silence(HEAD + b"Content-Length: " + b"9" * 300 + b"\r\n\r\n"),
    "in chunks": endless(CHUNKED, b"4000\r\n" + b" " * 0x4000 + b"\r\n"),
    "until it closes": endless(HEAD + b"\r\n", b" " * 0x4000),
    "gzip": compress(BOMB),
    "deflate": compress(zlib.compress(b" " * 50_000_000), "deflate"),
    "gzip twice": compress(gzip.compress(BOMB), "gzip, gzip"),
    "gzip in chunks": send(
        CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
        + b"%x\r\n" % len(BOMB)
        + BOMB
        + b"\r\n0\r\n\r\n"
    ),
}


@pytest.mark.parametrize("act", TOO_LARGE.values(), ids=TOO_LARGE.keys())
def test_body_over_limit(to: To, act: Act) -> None:
    api, server = to(act, max_response_size=1_000_000)
    with pytest.raises(ResponseTooLargeError, match="larger than 1,000,000 bytes") as caught:
        api.users.get("1")
    assert caught.value.status == 200
    assert len(server.received) == len(caught.value.attempts) == 1


def test_body_at_limit(to: To) -> None:
    act = respond(200, USER)
    api, _ = to(act)
    size = len(api.users.with_raw_response.get("1").body)
    for limit, fits in ((size, True), (size - 1, False)):
        api, _ = to(act, max_response_size=limit)
        if fits:
            api.users.get("1")
        else:
            with pytest.raises(ResponseTooLargeError):
                api.users.get("1")


def test_no_limit(to: To) -> None:
    api, _ = to(
        compress(gzip.compress(b'{"id":"1","name":"a","email":"a@example.com","role":"user"}' + b" " * 20_000_000))
    )
    with pytest.raises(ResponseTooLargeError):
        api.users.get("1")
    api, _ = to(
        compress(gzip.compress(b'{"id":"1","name":"a","email":"a@example.com","role":"user"}' + b" " * 20_000_000)),
        max_response_size=None,
    )
    assert api.users.get("1").id == "1"


def test_error_over_limit(to: To) -> None:
    api, _ = to(respond(500, raw=BOMB, headers={"Content-Encoding": "gzip"}), max_retries=0)
    with pytest.raises(ServerError) as caught:
        api.users.get("1")
    assert caught.value.status == 500


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_of_bomb(serve: Serve) -> None:
    script = f"""
        import re
        from duologue import ResponseTooLargeError, Client
        peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
        with Client(base_url={serve(respond(200, USER), compress(BOMB)).origin!r}) as api:
            api.users.get("1")
            with open("/proc/self/clear_refs", "w") as refs: refs.write("5")  # forget the peak so far
            before = peak()
            try: api.users.get("1")
            except ResponseTooLargeError: print(peak() - before)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60, check=True
    )
    assert int(done.stdout) < 20_000  # kB


def test_unknown_fields(to: To, caplog: pytest.LogCaptureFixture) -> None:
    """Fields that are not in the contract are in the raw response, and logged once."""
    page = {
        "users": [{**USER, "nick": "Jo"}, {**USER, "id": "2", "nick": "Ja"}],
        "total": 2,
        "page": 1,
        "limit": 10,
        "hasMore": False,
        "took": 3,
    }
    api, _ = to(respond(200, page))
    caplog.set_level(logging.WARNING, "duologue")
    for _ in range(3):
        raw = api.users.with_raw_response.list()
        assert raw.parsed.items[1].id == "2"
        assert raw.data["took"] == 3
        assert raw.data["users"][0]["nick"] == "Jo"
    prefix = "The response of users.LIST has a field that is not in the contract: "
    assert sorted(caplog.messages) == [f"{prefix}took", f"{prefix}users[].nick"]


def test_unknown_fields_of_envelope(to: To, caplog: pytest.LogCaptureFixture) -> None:
    from tests.client.fakes import SESSION

    api, _ = to(respond(200, {"data": {**SESSION, "colour": "red"}, "message": "", "metadata": {}, "extra": 1}))
    api.chats.get("1")
    assert sorted(message.rpartition(": ")[2] for message in caplog.messages) == ["data.colour", "extra"]


def test_many_unknown_fields(to: To, caplog: pytest.LogCaptureFixture) -> None:
    names = {f"x{n}\nINFO forged": n for n in range(3_000)}
    api, _ = to(respond(200, {**USER, **names}))
    api.users.get("1")
    assert len(caplog.messages) <= 1_000
    assert not any("\n" in message for message in caplog.messages)


SECRETS = ["tok-aaaaaaaa", "ref-bbbbbbbb", "key-cccccccc", 'pw-ddd"ddd', "mine-eeeeee"]


@pytest.mark.parametrize("status", [200, 400, 401, 404, 409, 422, 429, 500, 503])
def test_echoed_secrets(
    serve: Serve,
    clients: Callable[..., Client],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    status: int,
) -> None:
    """Everything sent comes back in every place of the response; nothing of it is shown."""
    caplog.set_level(logging.DEBUG, "duologue")

    def echoing(request: Received) -> Act:
        texts = [*request.headers.values(), request.target, *(json.loads(request.body or b"{}").values())]
        echo = " and ".join(map(str, texts))
        body = {
            "message": f"I got {echo}",
            "code": echo,
            "details": {"message": echo, "fields": {echo: [echo]}, "token": SECRETS[0]},
            "errors": [echo],
            "deep": [{"er": echo}],
        }
        sent = [request.headers.get(name, "") for name in ("authorization", "x-api-key")]
        headers = {"X-Request-Id": sent[0] or sent[1], "Retry-After": "0", "X-Echo": " ".join(sent)}
        return respond(status, body, headers=headers)

    events: list[object] = []
    server = serve(handler=echoing)
    api = clients(
        base_url=server.origin,
        chat_base_url=server.origin,
        api_key=SECRETS[2],
        max_retries=1,
        on_request=events.append,
        on_response=events.append,
        on_retry=events.append,
        on_error=events.append,
    )
    mine = api.with_options(headers={"Authorization": f"Bearer {SECRETS[4]}"})
    api._requestor.tokens.set(StoredTokens(SECRETS[0], SECRETS[1]))
    shown: list[str] = [repr(api), repr(api.config)]
    for call in (
        lambda: api.users.get(SECRETS[0]),
        lambda: mine.users.get("1"),
        lambda: api.chats.get("1"),
        lambda: api.users.create(name="a", email="a@example.com", password=SECRETS[3]),
        lambda: api.auth.login(email="a@example.com", password=SECRETS[3]),
        lambda: api.auth.refresh(),
    ):
        with pytest.raises(Exception, match=r".") as caught:
            call()
        shown += [str(caught.value), repr(caught.value), repr(caught.value.__dict__)]
    shown += (
        [repr(vars(event)) for event in events]
        + [repr(event) for event in events]
        + caplog.messages
        + list(capfd.readouterr())
    )
    for secret in SECRETS:
        assert not [text for text in shown if secret in text or secret.replace('"', '\\"') in text], secret


@pytest.mark.parametrize("raw", [b"<html>%s</html>", b"%s", b'{"a": "%s'])
def test_redacted_excerpt(to: To, raw: bytes) -> None:
    api, _ = to(respond(200, raw=raw % b"tok-aaaaaaaa"), access_token="tok-aaaaaaaa")
    with pytest.raises(Exception, match=r".") as caught:
        api.users.get("1")
    assert "aaaaaaaa" not in f"{caught.value!r} {caught.value.__dict__}"


def test_echoed_request(to: To, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for head in (b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nno header\r\n"):
        echo = head + b"GET /users/1 HTTP/1.1\r\nAuthorization: Bearer tok-aaaaaaaa\r\n\r\n"
        api, _ = to(send(echo), access_token="tok-aaaaaaaa", max_retries=0)
        with pytest.raises(Exception, match=r".") as caught:
            api.users.get("1")
        assert "aaaaaaaa" not in f"{caught.value!r} {caught.value.__dict__} {caplog.messages}"

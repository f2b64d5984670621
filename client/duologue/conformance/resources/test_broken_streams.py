"""What is stored of a streamed reply: nothing before it is complete, and nothing of one that broke off."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from duologue.conformance import sources
from duologue.conformance.http.idempotency import with_key
from duologue.conformance.resources.smart_chat import STREAM, ask
from duologue.conformance.rules import rule
from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import create_session
from duologue.conformance.target.listener import DEADLINE, Listen, Listener, chat_auth
from duologue.conformance.target.raw import open_connection
from duologue.conformance.target.responses import read_data
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import unique

DELTA = b"message.delta"
QUESTION = "Why do lighthouses blink the way they do?"


def _list_replies(chat: Api, session: str) -> list[dict[str, Any]]:
    messages = read_data(chat.get(f"/chats/{session}/messages"))
    return [message for message in messages if message["sender"] == "assistant"]


@rule(
    "smart_chat.ASK.stored-when-complete",
    "A reply can be read once it is complete, and not before: no piece of it follows.",
    source=sources.SMART_CHAT,
    stage=3,
)
def test_reply_is_stored_complete(server: Server) -> None:
    chat = server.chat
    session = create_session(chat)
    early: list[dict[str, Any]] = []

    with open_connection(server.chat_origin) as connection:
        connection.sendall(_build_request(chat, session))
        while not early and (data := connection.recv(65536)):
            if DELTA in data:
                early = _list_replies(chat, session)
        if early:
            _read_what_is_there(connection, lambda: _list_replies(chat, session))
        late = b"".join(iter(lambda: connection.recv(65536), b""))

    [reply] = _list_replies(chat, session)
    assert early in ([], [reply])
    assert DELTA not in late or not early, "pieces were sent after the reply could be read"


def _build_request(chat: Api, session: str) -> bytes:
    body = json.dumps({"message": QUESTION})
    headers = {
        **chat.headers,
        **STREAM,
        "Host": urlsplit(chat.url).netloc,
        "Unique-Reference-Code": unique("urc"),
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    lines = [f"POST {urlsplit(chat.url).path}/chats/{session}/smart-chat HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", body]).encode()


def _read_what_is_there(connection: socket.socket, make_round_trip: Callable[[], object]) -> None:
    """Read what the server has sent by now, given the time of some round trips to arrive."""
    for _ in range(5):
        make_round_trip()
        time.sleep(0.05)
    timeout = connection.gettimeout()
    connection.setblocking(False)
    with suppress(BlockingIOError, ssl.SSLWantReadError):
        while connection.recv(65536):
            pass
    connection.settimeout(timeout)


def _break_off(chat: Api, listener: Listener, session: str, headers: dict[str, str]) -> None:
    """Ask for a streamed reply, close the connection after its first piece, and wait for the server to notice."""
    response = chat.post(
        f"/chats/{session}/smart-chat", {"message": QUESTION}, headers={**STREAM, **headers}, stream=True
    )
    next(response.iter_lines(chunk_size=1))
    response.close()
    listener.wait_for("chat:typing", sessionId=session, typing=False)


@rule(
    "smart_chat.ASK.broken-stream",
    "A reply whose stream breaks off is not stored as far as it came; the user's message is, once.",
    source=sources.SMART_CHAT,
    stage=4,
    needs=["events"],
)
def test_broken_stream(server: Server, listen: Listen) -> None:
    chat = server.chat
    whole = ask(chat, create_session(chat), QUESTION)["content"]
    session = create_session(chat)

    _break_off(chat, listen(auth=chat_auth(chat)), session, {})

    stored = read_data(chat.get(f"/chats/{session}/messages"))
    assert [message["content"] for message in stored if message["sender"] == "user"] == [QUESTION]
    for reply in _list_replies(chat, session):  # it may have been complete before the server noticed
        assert not (reply["content"] != whole and whole.startswith(reply["content"].strip())), "a part of the reply"


@rule(
    "smart_chat.ASK.broken-stream-retry",
    "A request whose stream broke off and that is sent again under its key stores the user's message once, and one "
    "reply.",
    source=sources.IDEMPOTENCY,
    stage=4,
    needs=["events"],
)
def test_retry_after_broken_stream(server: Server, listen: Listen) -> None:
    chat, headers = server.chat, with_key()
    session = create_session(chat)

    _break_off(chat, listen(auth=chat_auth(chat)), session, headers)
    retried = _retry(chat, session, headers)

    stored = read_data(chat.get(f"/chats/{session}/messages"))
    assert [message["sender"] for message in stored] == ["user", "assistant"]
    assert (retried.status_code, retried.json()["data"]) == (201, stored[1])


def _retry(chat: Api, session: str, headers: dict[str, str]) -> Any:
    """Send the request again until the first one is not in progress any more."""
    deadline = time.monotonic() + DEADLINE
    while True:
        response = chat.post(f"/chats/{session}/smart-chat", {"message": QUESTION}, headers=headers)
        if response.status_code != 409 or time.monotonic() > deadline:
            return response
        time.sleep(0.1)

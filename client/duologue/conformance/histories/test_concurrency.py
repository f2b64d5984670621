"""What many callers at once may count on, checked on the histories they leave behind."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Any, TypeVar

import pytest
import requests

from duologue.conformance import sources
from duologue.conformance.rules import rule
from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import create_session, create_user
from duologue.conformance.target.listener import DEADLINE, WAYS, Listener, chat_auth
from duologue.conformance.target.responses import read_data
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import build_user, unique

T = TypeVar("T")
AT_ONCE = 8


def run_at_once(work: Callable[[int], T], workers: int = AT_ONCE) -> list[T]:
    """Do `work` in each of many threads, all let off together; return what each returned."""
    start = threading.Barrier(workers)

    def run(number: int) -> T:
        start.wait(DEADLINE)
        return work(number)

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run, range(workers)))


def statuses(responses: list[requests.Response]) -> Counter[int]:
    return Counter(response.status_code for response in responses)


def walk(api: Api, path: str, *, limit: int, **query: Any) -> Iterator[Any]:
    """Yield everything a paged list holds, page by page."""
    page = 1
    while True:
        body = api.get(path, query={"page": page, "limit": limit, **query}).json()
        yield from body.get("users", body.get("data", []))
        if not body.get("hasMore", body.get("pagination", {}).get("hasNext")):
            return
        page += 1


@pytest.fixture
def callers(server: Server) -> Iterator[list[Server]]:
    """As many callers as there are threads, each with a connection of its own, and the test's record."""
    with ExitStack() as stack:
        yield [stack.enter_context(closing(server.connect())) for _ in range(AT_ONCE)]


@rule(
    "history.walk",
    "A walk over all pages while users come and go returns each user who was there all along exactly once.",
    source=sources.USERS,
    stage=5,
    needs=["admin"],
)
def test_walk_while_users_change(server: Server, callers: list[Server]) -> None:
    mark = unique("walk")
    there = [create_user(server.platform, name=f"{mark} stays")["id"] for _ in range(10)]
    acknowledged: list[str] = []

    def work(number: int) -> list[list[str]]:
        platform = callers[number].platform
        if number < 2:
            return [[user["id"] for user in walk(platform, "/users", limit=5, search=mark)] for _ in range(3)]
        for _ in range(3):
            kept_id, deleted_id = (create_user(platform, name=f"{mark} {way}")["id"] for way in ("kept", "gone"))
            acknowledged.append(kept_id)
            platform.delete(f"/users/{deleted_id}")
        return []

    for walked in (each for walks in run_at_once(work) for each in walks):
        counts = Counter(walked)
        assert all(counts[user] == 1 for user in there)
    final = Counter(user["id"] for user in walk(server.platform, "/users", limit=50, search=mark))
    assert final == Counter([*there, *acknowledged])


@rule(
    "history.message-order",
    "Messages that are sent at once are all stored, in one order, which is each sender's own.",
    source=sources.MESSAGES,
    stage=5,
)
def test_messages_in_one_order(server: Server, callers: list[Server]) -> None:
    owner = server.chat
    session = create_session(owner)

    def work(number: int) -> list[dict[str, Any]]:
        chat = callers[number].chat.as_user(owner.headers["x-user-id"])
        return [
            read_data(chat.post(f"/chats/{session}/messages", {"content": f"{number}.{turn}", "sender": "user"}), 201)
            for turn in range(6)
        ]

    sent = run_at_once(work)
    listed = list(walk(owner, f"/chats/{session}/messages", limit=7))

    assert Counter(message["_id"] for message in listed) == Counter(each["_id"] for own in sent for each in own)
    order = {message["_id"]: place for place, message in enumerate(listed)}
    for own in sent:
        assert [message["_id"] for message in own] == sorted((each["_id"] for each in own), key=order.__getitem__)
    assert [message["createdAt"] for message in listed] == sorted(message["createdAt"] for message in listed)


@rule(
    "history.if-match",
    "Of many changes with the same If-Match at once, exactly one is made.",
    source=sources.CONDITIONS,
    stage=5,
    needs=["admin"],
)
def test_if_match_race(server: Server, callers: list[Server]) -> None:
    user = create_user(server.platform)
    path = f"/users/{user['id']}"

    for _ in range(5):
        if_match = {"If-Match": server.platform.get(path).headers["ETag"]}
        names = [unique("Name") for _ in callers]

        def work(number: int, if_match: dict[str, str] = if_match, names: list[str] = names) -> requests.Response:
            return callers[number].platform.put(path, {"name": names[number]}, headers=if_match)

        responses = run_at_once(work)

        assert statuses(responses) == {200: 1, 412: AT_ONCE - 1}
        winner = next(number for number, response in enumerate(responses) if response.status_code == 200)
        assert server.platform.get(path).json()["name"] == names[winner]


@rule(
    "history.idempotency",
    "Of many requests with one key at once, one does the work.",
    source=sources.IDEMPOTENCY,
    stage=5,
    needs=["admin"],
)
@pytest.mark.parametrize("service", ["platform", "chat"])
def test_idempotency_key_race(server: Server, callers: list[Server], service: str) -> None:
    mark, key, owner = unique("once"), {"Idempotency-Key": unique("key")}, server.chat
    user = build_user(name=mark)

    def work(number: int) -> requests.Response:
        if service == "platform":
            return callers[number].platform.post("/users", user, headers=key)
        chat = callers[number].chat.as_user(owner.headers["x-user-id"])
        return chat.post("/chats", {"title": mark}, headers=key)

    responses = run_at_once(work)

    bodies = [response.json() for response in responses if response.status_code == 201]
    assert len({body["id"] if service == "platform" else body["data"]["_id"] for body in bodies}) == 1
    assert set(statuses(responses)) <= {201, 409}
    if service == "platform":
        assert server.platform.get("/users", query={"search": mark}).json()["total"] == 1
    else:
        assert len(read_data(owner.get("/chats"))) == 1


@rule(
    "history.email",
    "Of many users with one e-mail address at once, one is created.",
    source=sources.USERS,
    stage=5,
    needs=["admin"],
)
def test_email_race(server: Server, callers: list[Server]) -> None:
    email = f"{unique('same')}@example.com"

    responses = run_at_once(lambda number: callers[number].platform.post("/users", build_user(email=email)))

    assert statuses(responses) == {201: 1, 409: AT_ONCE - 1}
    assert server.platform.get("/users", query={"search": email}).json()["total"] == 1


@rule(
    "history.refresh",
    "Of many refreshes with one token at once, one succeeds.",
    source=sources.AUTHENTICATION,
    stage=5,
    needs=["admin"],
)
def test_refresh_token_race(server: Server, callers: list[Server]) -> None:
    body = build_user(password="open sesame")
    server.platform.post("/users", body)
    login = server.platform.post("/auth/login", {"email": body["email"], "password": "open sesame"}).json()
    token = {"refreshToken": login["refreshToken"]}

    responses = run_at_once(lambda number: callers[number].platform.post("/auth/refresh", token))

    assert statuses(responses) == {200: 1, 401: AT_ONCE - 1}


@rule(
    "history.delete",
    "Of many deletions at once, one succeeds, and no change comes after it.",
    source=sources.USERS,
    stage=5,
    needs=["admin"],
)
def test_delete_race(server: Server, callers: list[Server]) -> None:
    for _ in range(5):
        path = f"/users/{create_user(server.platform)['id']}"

        def work(number: int, path: str = path) -> requests.Response:
            platform = callers[number].platform
            return platform.delete(path) if number % 2 else platform.put(path, {"name": f"Late {number}"})

        responses = run_at_once(work)

        assert statuses(responses[1::2]) == {204: 1, 404: AT_ONCE // 2 - 1}
        assert set(statuses(responses[::2])) <= {200, 404}
        assert server.platform.get(path).status_code == 404


@rule(
    "history.toggle",
    "Toggles at once are all done: none is lost.",
    source=sources.CHATS,
    stage=5,
)
def test_toggle_race(server: Server, callers: list[Server]) -> None:
    owner = server.chat
    session = create_session(owner)

    def work(number: int) -> list[dict[str, Any]]:
        chat = callers[number].chat.as_user(owner.headers["x-user-id"])
        return [read_data(chat.patch(f"/chats/{session}/favorite")) for _ in range(5)]

    toggled = [changed for changes in run_at_once(work) for changed in changes]

    toggled.sort(key=lambda changed: str(changed["updatedAt"]))
    marks = [changed["isFavorite"] for changed in toggled]
    assert Counter(marks) == {True: AT_ONCE * 5 // 2, False: AT_ONCE * 5 // 2}
    if len({changed["updatedAt"] for changed in toggled}) == len(toggled):  # else their order is not known
        assert marks == [True, False] * (AT_ONCE * 5 // 2)
    assert read_data(owner.get(f"/chats/{session}"))["isFavorite"] is False


@rule(
    "history.delete-session",
    "No message is stored in a session that is deleted at the same time.",
    source=sources.MESSAGES,
    stage=5,
)
def test_message_after_delete(server: Server, callers: list[Server]) -> None:
    owner = server.chat
    session = create_session(owner)

    def work(number: int) -> requests.Response:
        chat = callers[number].chat.as_user(owner.headers["x-user-id"])
        if number == 0:
            return chat.delete(f"/chats/{session}")
        return chat.post(f"/chats/{session}/messages", {"content": "Hello", "sender": "user"})

    responses = run_at_once(work)

    assert responses[0].status_code == 204
    assert set(statuses(responses[1:])) <= {201, 404}
    assert owner.get(f"/chats/{session}/messages").status_code == 404
    assert read_data(owner.get("/chats")) == []


@rule(
    "history.event-order",
    "Every connection receives the events of changes made at once in one order, and they add up to the present state.",
    source=sources.REALTIME,
    stage=5,
    needs=["events"],
)
def test_events_in_one_order(server: Server, callers: list[Server]) -> None:
    owner = server.chat
    user_id = owner.headers["x-user-id"]
    with ExitStack() as stack:
        listeners = [
            stack.enter_context(closing(Listener(server.platform_origin, auth=chat_auth(owner), transports=way)))
            for way in WAYS.values()
        ]

        run_at_once(lambda number: _come_and_go(callers[number].chat.as_user(user_id)))
        last = read_data(owner.post("/chats", {"title": "The last one"}), 201)

        received = []
        for listener in listeners:
            listener.wait_for("chat:created", session=last)
            received.append(listener.about("chat:"))
        assert received[0] == received[1] == received[2]
        assert _fold_events(listeners[0]) == {session["_id"]: session for session in read_data(owner.get("/chats"))}


def _come_and_go(chat: Api) -> None:
    kept_id, deleted_id = create_session(chat, "Kept"), create_session(chat, "Gone")
    chat.patch(f"/chats/{kept_id}", {"title": "Renamed"})
    chat.patch(f"/chats/{kept_id}/favorite")
    chat.delete(f"/chats/{deleted_id}")


def _fold_events(listener: Listener) -> dict[str, Any]:
    """Return the sessions as a client knows them that receives only the events."""
    sessions: dict[str, Any] = {}
    for event, payload in listener.about("chat:"):
        match event:
            case "chat:created" | "chat:updated":
                sessions[payload["session"]["_id"]] = payload["session"]
            case "chat:deleted":
                sessions.pop(payload["sessionId"], None)
    return sessions


@rule(
    "history.message-event-order",
    "Events of messages arrive in the order in which the messages are stored.",
    source=sources.REALTIME,
    stage=5,
    needs=["events"],
)
def test_message_events_in_order(server: Server, callers: list[Server]) -> None:
    owner = server.chat
    user_id = owner.headers["x-user-id"]
    session = create_session(owner)
    with closing(Listener(server.platform_origin, auth=chat_auth(owner))) as listener:

        def work(number: int) -> None:
            chat = callers[number].chat.as_user(user_id)
            for turn in range(5):
                chat.post(f"/chats/{session}/messages", {"content": f"{number}.{turn}", "sender": "user"})

        run_at_once(work)
        last = read_data(owner.post(f"/chats/{session}/messages", {"content": "last", "sender": "user"}), 201)
        listener.wait_for("message:created", message=last)

        listed = read_data(owner.get(f"/chats/{session}/messages", query={"limit": 100}))
        assert [payload["message"] for _, payload in listener.about("message:created")] == listed

"""One state machine: users, chats and messages, against a model of what they should be."""

from __future__ import annotations

from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from duologue.conformance import rules, sources
from duologue.conformance.target.responses import check_error, read_data
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import unique

TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(str.strip)
LIMITS = st.integers(1, 4)
FEW = settings(
    max_examples=4,
    stateful_step_count=20,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=(HealthCheck.too_slow,),
)


class Service(RuleBasedStateMachine):
    """Does what front ends do, in any order, and compares every response with the model."""

    users: Bundle[str] = Bundle("users")
    sessions: Bundle[str] = Bundle("sessions")

    tested: ClassVar[Server]

    def __init__(self) -> None:
        super().__init__()
        self.platform = self.tested.platform
        self.chat = self.tested.chat
        self.mark = unique("model")
        self.known_users: dict[str, dict[str, Any]] = {}
        self.known_sessions: dict[str, dict[str, Any]] = {}
        self.messages: dict[str, list[dict[str, Any]]] = {}

    @initialize()
    def nothing_is_there(self) -> None:
        assert read_data(self.chat.get("/chats")) == []

    # Users

    @rule(target=users, name=TEXTS, role=st.sampled_from(["admin", "user", None]))
    def create_user(self, name: str, role: str | None) -> str:
        body = {"name": name, "email": f"{unique('u')}@{self.mark}.example.com"}
        response = self.platform.post("/users", body | ({"role": role} if role else {}))
        assert response.status_code == 201, response.text
        user = response.json()
        assert user == {"id": user["id"], "name": name.strip(), "email": body["email"], "role": role or "user"}
        self.known_users[user["id"]] = user
        return str(user["id"])

    @rule(user=users, name=TEXTS)
    def rename_user(self, user: str, name: str) -> None:
        response = self.platform.put(f"/users/{user}", {"name": name})
        if user not in self.known_users:
            check_error(response, 404)
            return
        self.known_users[user] = {**self.known_users[user], "name": name.strip()}
        assert response.json() == self.known_users[user]

    @rule(user=users)
    def get_user(self, user: str) -> None:
        response = self.platform.get(f"/users/{user}")
        if user in self.known_users:
            assert response.json() == self.known_users[user]
        else:
            check_error(response, 404)

    @rule(user=users)
    def delete_user(self, user: str) -> None:
        response = self.platform.delete(f"/users/{user}")
        assert response.status_code == (204 if self.known_users.pop(user, None) else 404)

    @rule(limit=LIMITS)
    def walk_users(self, limit: int) -> None:
        walked: list[Any] = []
        page: int | None = 1
        while page is not None:
            query = {"search": f"@{self.mark}", "limit": limit, "page": page}
            body = self.platform.get("/users", query=query).json()
            assert body["total"] == len(self.known_users)
            walked += body["users"]
            page = body.get("nextPage")
            assert (page is not None) == body["hasMore"]
        assert walked == list(self.known_users.values())

    # Chats

    @rule(target=sessions, title=TEXTS)
    def create_session(self, title: str) -> str:
        session = read_data(self.chat.post("/chats", {"title": title}), 201)
        assert (session["title"], session["isFavorite"]) == (title.strip(), False)
        self.known_sessions[session["_id"]] = session
        self.messages[session["_id"]] = []
        return str(session["_id"])

    @rule(session=sessions, title=TEXTS)
    def rename_session(self, session: str, title: str) -> None:
        self._change(session, "", {"title": title}, title=title.strip())

    @rule(session=sessions, wanted=st.booleans())
    def mark_favorite(self, session: str, wanted: bool) -> None:
        self._change(session, "/favorite", {"isFavorite": wanted}, isFavorite=wanted)

    @rule(session=sessions)
    def toggle_favorite(self, session: str) -> None:
        self._change(session, "/favorite", {}, isFavorite=not self.known_sessions.get(session, {}).get("isFavorite"))

    def _change(self, session: str, path: str, body: dict[str, Any], **expected: Any) -> None:
        response = self.chat.patch(f"/chats/{session}{path}", body)
        if session not in self.known_sessions:
            check_error(response, 404)
            return
        changed = read_data(response)
        assert changed["updatedAt"] >= self.known_sessions[session]["updatedAt"]
        assert changed == {**self.known_sessions[session], **expected, "updatedAt": changed["updatedAt"]}
        self.known_sessions[session] = changed

    @rule(session=consumes(sessions))
    def delete_session(self, session: str) -> None:
        response = self.chat.delete(f"/chats/{session}")
        assert response.status_code == (204 if self.known_sessions.pop(session, None) else 404)
        self.messages.pop(session, None)
        check_error(self.chat.get(f"/chats/{session}"), 404)

    @rule(favorite=st.sampled_from([None, True, False]), limit=LIMITS)
    def walk_sessions(self, favorite: bool | None, limit: int) -> None:
        wanted = [one for one in self.known_sessions.values() if favorite in (None, one["isFavorite"])]
        walked: list[Any] = []
        more, page = True, 1
        while more:
            query = {"limit": limit, "page": page} | ({} if favorite is None else {"favorite": str(favorite).lower()})
            body = self.chat.get("/chats", query=query).json()
            assert body["pagination"]["total"] == len(wanted)
            walked += body["data"]
            more, page = body["pagination"]["hasNext"], page + 1
        assert sorted(walked, key=lambda one: str(one["_id"])) == sorted(wanted, key=lambda one: str(one["_id"]))
        times = [session["lastMessageAt"] for session in walked]
        assert times == sorted(times, reverse=True)

    # Messages

    @rule(session=sessions, content=TEXTS, sender=st.sampled_from(["user", "assistant", "system"]))
    def send(self, session: str, content: str, sender: str) -> None:
        response = self.chat.post(f"/chats/{session}/messages", {"content": content, "sender": sender})
        if session not in self.known_sessions:
            check_error(response, 404)
            return
        message = read_data(response, 201)
        assert (message["content"], message["sender"], message["sessionId"]) == (content.strip(), sender, session)
        self.messages[session].append(message)
        self._move_session(session, message)

    @rule(session=sessions, message=TEXTS)
    def ask(self, session: str, message: str) -> None:
        response = self.chat.post(f"/chats/{session}/smart-chat", {"message": message})
        if session not in self.known_sessions:
            check_error(response, 404)
            return
        reply = read_data(response, 201)
        listed = read_data(self.chat.get(f"/chats/{session}/messages", query={"limit": 100}))
        assert listed[:-2] == self.messages[session]
        assert (listed[-2]["content"], listed[-2]["sender"]) == (message.strip(), "user")
        assert listed[-1] == reply
        self.messages[session] = listed
        self._move_session(session, reply)

    def _move_session(self, session: str, message: dict[str, Any]) -> None:
        now = read_data(self.chat.get(f"/chats/{session}"))
        before = self.known_sessions[session]
        assert now == {**before, "lastMessageAt": message["createdAt"], "updatedAt": now["updatedAt"]}
        assert now["updatedAt"] >= message["createdAt"]
        self.known_sessions[session] = now

    @rule(session=sessions, limit=LIMITS)
    def walk_messages(self, session: str, limit: int) -> None:
        if session not in self.known_sessions:
            check_error(self.chat.get(f"/chats/{session}/messages"), 404)
            return
        total = len(self.messages[session])
        walked: list[Any] = []
        for page in range(1, max(1, -(-total // limit)) + 1):
            body = self.chat.get(f"/chats/{session}/messages", query={"limit": limit, "page": page}).json()
            assert body["pagination"]["total"] == total
            assert body["pagination"]["totalPages"] == -(-total // limit)
            assert body["pagination"]["hasNext"] == (page * limit < total)
            walked += body["data"]
        assert walked == self.messages[session]

    @invariant()
    def all_sessions_are_as_they_were_left(self) -> None:
        listed = read_data(self.chat.get("/chats"))
        assert {session["_id"]: session for session in listed} == self.known_sessions


@rules.rule(
    "history.model",
    "Users, sessions and messages behave like a simple model of them, whatever is done in which order.",
    source=sources.USERS,
    stage=5,
    needs=["admin"],
)
def test_model(server: Server) -> None:
    run_model(server, FEW)


def run_model(server: Server, effort: settings) -> None:
    """Compare a server with the model, with so much effort."""

    class OnThisServer(Service):
        tested = server

    run_state_machine_as_test(OnThisServer, settings=effort)

"""Each command does what its help says, and prints it for people and for scripts."""

from __future__ import annotations

import threading
from typing import get_args

import click
import pytest

from duologue import APIError, Client, ServerError
from duologue.contract import users
from duologue_mock import MockControl
from duologue_mock.cli.mock.group import mock as group
from duologue_mock.cli.mock.stubs import FAULTS
from duologue_mock.control.responses import faults
from duologue_mock.control_client.stubs import Fault
from tests.mockserver.cli.steering.commands import Commands


@pytest.fixture
def api(control: MockControl) -> Client:
    return Client(base_url=control.base_url, max_retries=0, environ={})


def test_stub(shell: Commands, api: Client) -> None:
    assert "answers users.LIST." in shell.run("stub", "users.LIST", "--status", "503", "--times", "1")
    with pytest.raises(ServerError):
        api.users.list()
    assert api.users.list().total == 2


@pytest.mark.parametrize(
    ("options", "response"),
    [
        (["--delay", "1.5s"], {"fixedDelayMilliseconds": 1500, "passThrough": True}),
        (["--delay", "200ms..1s"], {"delayDistribution": {"type": "uniform", "lower": 200, "upper": 1000}}),
        (["--fault", "hang"], {"fault": "HANG"}),
        (["--body", '{"a": [1]}'], {"jsonBody": {"a": [1]}}),
        (["--body", "not JSON"], {"body": "not JSON"}),
        (["--body", "null"], {"body": "null"}),
        (["--body-patch", '{"name": "x"}'], {"bodyPatch": {"name": "x"}}),
        (["--header", "Retry-After: 5", "--header", "X-A:1"], {"headers": {"Retry-After": "5", "X-A": "1"}}),
    ],
)
def test_stub_options(shell: Commands, options: list[str], response: dict[str, object]) -> None:
    mapping = shell.read("stub", "users.GET", *options)
    assert response.items() <= mapping["response"].items()


def test_stub_members(shell: Commands) -> None:
    options = ["--probability", "0.5", "--priority", "1", "--expires-after", "15m", "--persistent", "--name", "mine"]
    mapping = shell.read("stub", "GET /a", *options)
    expected = {
        "probability": 0.5,
        "priority": 1,
        "expiresAfterMilliseconds": 900_000,
        "persistent": True,
        "name": "mine",
    }
    assert expected.items() <= mapping.items()


def test_stubs(shell: Commands, control: MockControl) -> None:
    assert shell.run("stubs") == "There are no stubs.\n"
    first = control.stub(users.LIST, status=503, times=2, name="mine")
    table = shell.run("stubs")
    assert first.id in table
    assert "own response, 503, 2 times" in table
    assert "mine" in table
    assert [mapping["id"] for mapping in shell.read("stubs")] == [first.id]
    control.stub("GET /a")
    shell.run("unstub", first.id)
    assert len(control.stubs()) == 1
    shell.run("unstub", "--all")
    assert control.stubs() == []


def test_offline(shell: Commands, api: Client) -> None:
    shell.run("offline")
    with pytest.raises(APIError):
        api.users.list()
    shell.run("online")
    assert api.users.list().total == 2


def test_offline_for_some_time(shell: Commands, control: MockControl, api: Client) -> None:
    shell.run("offline", "10s")
    with pytest.raises(APIError):
        api.users.list()
    control.clock.advance(seconds=10)
    assert api.users.list().total == 2


def test_requests(shell: Commands, api: Client) -> None:
    assert shell.run("requests") == "No request came.\n"
    api.users.list(search="\x1b[31m")
    api.users.get("1")
    table = shell.run("requests")
    assert "GET /api/users/1" in table
    assert "users.GET" in table
    assert "\x1b" not in table
    assert [entry["response"]["status"] for entry in shell.read("requests")] == [200, 200]
    assert len(shell.read("requests", "--limit", "1")) == 1
    assert len(shell.read("requests", "users.GET")) == 1
    assert shell.read("requests", "--unmatched") == []


@pytest.mark.parametrize(
    "words", [("users.GET", "--follow"), ("users.GET", "--limit", "1"), ("--follow", "--unmatched")]
)
def test_requests_that_do_not_go_together(shell: Commands, words: tuple[str, ...]) -> None:
    assert shell.fail("requests", *words)[0] == 2


def test_following_requests(
    shell: Commands, control: MockControl, api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came is printed first; then each request as it comes, until Ctrl-C."""
    api.users.get("1")
    stream = MockControl.events

    def interrupt_after_two(self: MockControl, **options: object) -> object:
        events = stream(self, **options)  # type: ignore[arg-type]  # as they are
        yield next(event for event in events if event.type == "request")
        thread = threading.Thread(target=api.users.get, args=("2",))
        thread.start()
        yield next(event for event in events if event.type == "request")
        thread.join()
        raise KeyboardInterrupt

    monkeypatch.setattr(MockControl, "events", interrupt_after_two)
    assert shell.run("requests", "--follow") == "GET     /api/users/1 200\nGET     /api/users/2 200\n"


def test_violations(shell: Commands, api: Client) -> None:
    assert shell.run("violations") == "No request broke the contract.\n"
    with pytest.raises(Exception, match="name"):
        api.users.create(name="", email="ada@example.com")
    assert "POST /api/users" in shell.run("violations")
    assert shell.read("violations")[0]["request"]["status"] == 400


def test_coverage(shell: Commands, api: Client) -> None:
    api.users.get("1")
    assert "users.GET" in shell.run("coverage")
    assert "users.GET" not in shell.run("coverage", "--missing")
    assert "operations: 1 of " in shell.run("coverage")
    assert shell.read("coverage")["operations"]


def test_clock(shell: Commands, control: MockControl) -> None:
    assert (
        shell.run("clock", "freeze", "2026-03-01T09:00:00Z") == "It is 2026-03-01T09:00:00.000+00:00, and stays so.\n"
    )
    assert shell.read("clock", "advance", "1h30m")["now"] == "2026-03-01T10:30:00.000+00:00"
    assert shell.read("clock", "show") == {"now": "2026-03-01T10:30:00.000+00:00", "frozen": True}
    shell.run("clock", "unfreeze")
    assert not control.clock.is_frozen()
    shell.run("clock", "set", "2026-03-01 09:00")
    assert control.clock.now().year == 2026
    shell.run("clock", "reset")


def test_snapshots(shell: Commands, api: Client) -> None:
    assert shell.run("snapshot", "list") == "There are no snapshots.\n"
    shell.run("snapshot", "save", "before")
    assert shell.run("snapshot", "diff", "before") == "Nothing has changed.\n"
    api.users.delete("2")
    assert [word for word in shell.run("snapshot", "diff", "before").split() if word in ("removed", "users", "2")]
    assert set(shell.read("snapshot", "diff", "before")["removed"]["users"]) == {"2"}
    assert shell.read("snapshot", "list") == ["before"]
    shell.run("snapshot", "restore", "before")
    assert api.users.list().total == 2
    shell.run("snapshot", "delete", "before")
    assert shell.fail("snapshot", "restore", "before")[0] == 4


def test_preset_and_reset(shell: Commands, api: Client) -> None:
    shell.run("preset", "empty")
    assert api.users.list().total == 0
    shell.run("reset")
    status, error = shell.fail("preset", "no-such-preset")
    assert status in (1, 4)
    assert "no-such-preset" in error


def test_namespaces(shell: Commands, control: MockControl) -> None:
    created = shell.read("namespace", "create", "w1", "--preset", "empty")
    assert created["base_url"] == control.namespace("w1").base_url
    assert "http://w1.localhost:" in shell.run("namespace", "list")
    assert set(shell.read("namespace", "list")) >= {"default", "w1"}
    assert shell.read("requests", "--namespace", "w1") == []
    shell.run("namespace", "delete", "w1")
    assert "w1" not in control.namespaces()


def test_events(shell: Commands, control: MockControl) -> None:
    assert shell.run("channels") == "No Socket.IO client is connected.\n"
    with Client(base_url=control.base_url, environ={}) as api:
        api.auth.login(email="jane@example.com", password="password")
        with api.realtime as live:
            assert "2 (user)" in shell.run("channels")
            shell.run("notify", "2", "You have mail.", "--title", "Hello")
            assert live.receive("notification:new", timeout=20)[1].title == "Hello"
            words = ("--to-user", "2", "--no-validate")
            assert shell.run("emit", "order:shipped", '{"id": 7}', *words) == "order:shipped is sent.\n"
    assert shell.fail("emit", "order:shipped", "{}")[0] == 1


@pytest.mark.parametrize(
    "words", [()] + [(name,) for name in group.commands], ids=lambda words: "-".join(words) or "group"
)
def test_help(shell: Commands, words: tuple[str, ...]) -> None:
    """Each command has a sentence, an example, and the common options."""
    command = group.commands[words[0]] if words else group
    page = shell.run(*words, "--help")
    leaf = not isinstance(command, click.Group)
    assert ("Example" in page) == (leaf or not words)
    assert ("DUOLOGUE_MOCK_URL" in page) == (leaf or not words)


def test_fault_names() -> None:
    """The same in the command, which loads no client to offer them, in the client and in the mock."""
    assert set(FAULTS) == set(get_args(Fault)) == {str(fault) for fault in faults.Fault}

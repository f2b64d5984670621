"""`duologue generate`: files that the mock loads, the same for the same seed, in any amount."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_mock.cli.generate import generate
from duologue_mock.store import State
from duologue_mock.store.generated_data import GeneratedData
from duologue_mock.store.seed import DEFAULT_OWNER, Fixtures

NAMES = ("users.json", "chats.json", "messages.json")


def run(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(generate, ["--out", str(folder), *options])


def load(folder: Path) -> State:
    state = State()
    Fixtures(folder).seed(state)
    return state


@given(users=st.integers(0, 40), chats=st.integers(1, 12), messages=st.integers(0, 60), seed=st.integers(0, 9))
@settings(max_examples=25)
def test_files_load(tmp_path_factory: pytest.TempPathFactory, users: int, chats: int, messages: int, seed: int) -> None:
    folder = tmp_path_factory.mktemp("generated")
    options = [f"--users={users}", f"--chats={chats}", f"--messages={messages}", f"--seed={seed}"]
    assert run(folder, *options).exit_code == 0
    state = load(folder)
    assert (len(state.users), len(state.chats)) == (users, chats)
    assert len(json.loads((folder / "messages.json").read_text("utf-8"))) == messages


def test_messages_fit_their_chats(tmp_path: Path) -> None:
    """Even shares, users and assistant in turns, in order, and the chats say when the last one was."""
    assert run(tmp_path, "--chats", "7", "--messages", "100").exit_code == 0
    chats, messages = (json.loads((tmp_path / name).read_text("utf-8")) for name in NAMES[1:])
    shares = Counter(message["sessionId"] for message in messages)
    assert set(shares.values()) == {14, 15}
    for chat in chats:
        own = [message for message in messages if message["sessionId"] == chat["_id"]]
        times = [message["createdAt"] for message in own]
        assert times == sorted(times)
        assert chat["createdAt"] < times[0]
        assert chat["lastMessageAt"] == times[-1]
        assert [message["sender"] for message in own] == (["user", "assistant"] * 8)[: len(own)]


def test_users_can_log_in(tmp_path: Path) -> None:
    """Who could log in to the shipped data can log in to this."""
    assert run(tmp_path).exit_code == 0
    shipped, generated = State(), load(tmp_path)
    Fixtures().seed(shipped)
    for id in ("1", "2"):
        assert generated.users.get(id) == shipped.users.get(id)
        assert generated.users.get_password(id) == shipped.users.get_password(id)
    owners = Counter(chat["userId"] for chat in json.loads((tmp_path / "chats.json").read_text()))
    assert owners[DEFAULT_OWNER] == 25


def test_same_seed_same_files(tmp_path: Path) -> None:
    contents = []
    for folder, seed in (("one", "7"), ("two", "7"), ("three", "8")):
        assert run(tmp_path / folder, "--seed", seed).exit_code == 0
        contents.append([(tmp_path / folder / name).read_bytes() for name in NAMES])
    assert contents[0] == contents[1] != contents[2]


@pytest.mark.slow
def test_memory_does_not_grow() -> None:
    """A record follows from its number: those before it are not kept."""
    data = GeneratedData(users=30_000, chats=100, messages=30_000, seed=1)
    tracemalloc.start()
    for records in (data.iterate_users(), data.iterate_messages()):
        for _ in records:
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    (tmp_path / "chats.json").write_text("mine")
    result = run(tmp_path)
    assert result.exit_code == 2
    assert f"{tmp_path / 'chats.json'}: there already" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["chats.json"]
    assert run(tmp_path, "--force").exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--chats", "0"], "Messages need a chat"),
        (["--users", "-1"], "-1 is not in the range"),
        (["--messages", "1e3"], "'1e3' is not a valid integer"),
    ],
)
def test_invalid_options(tmp_path: Path, options: list[str], message: str) -> None:
    result = run(tmp_path, *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_folder_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run(tmp_path / "file" / "folder")
    assert result.exit_code == 1
    assert "Not a directory" in result.stderr


def test_progress_and_next_step(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.stdout == f"Serve it with: duologue serve --fixtures {tmp_path}\n"
    assert [line.strip() for line in result.stderr.splitlines()] == list(NAMES)

"""Files of fixtures, presets and mappings are those in their folder: no name and no link leads out of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from duologue_mock import Settings, create_app
from duologue_mock.store import State
from duologue_mock.store.seed import FixtureError, Fixtures

SECRET = "outside-of-the-folder"  # what must not be read
CONTENTS: dict[str, Any] = {
    "fixtures": [{"id": "1", "name": SECRET, "email": "a@example.com", "role": "user"}],
    "mappings": {"request": {"url": "/x"}, "response": {"body": SECRET}},
    "presets": {"description": SECRET},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "inside"
    folder.mkdir()
    return folder


def write_outside(tmp_path: Path, kind: str) -> Path:
    outside = tmp_path / "outside.json"
    outside.write_text(json.dumps(CONTENTS[kind]))
    return outside


NAMES = [
    "../outside", "..%2foutside", "%2e%2e%2foutside", "..\\outside", "inside/../../outside", "./../outside", "..", ".",
    "outside.json", "/etc/passwd", "outside\0", "~root", "C:\\outside", "a" * 300,
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=[str(number) for number in range(len(NAMES))])
def test_preset_names(tmp_path: Path, folder: Path, name: str) -> None:
    """As text in a body, and in the path, quoted."""
    write_outside(tmp_path, "presets")
    client = create_app(Settings(presets=folder)).test_client()
    for spelled in (quote(name, safe=""), name.replace("\0", "%00")):
        response = client.post(f"/__admin/presets/{spelled}")
        assert 400 <= response.status_code < 500, response.text
    assert client.put("/__admin/namespaces/w1", json={"preset": name}).status_code in (400, 404, 422)
    assert SECRET not in client.get("/__admin/presets").text


@pytest.mark.parametrize("kind", CONTENTS)
def test_links_to_the_outside(tmp_path: Path, folder: Path, kind: str) -> None:
    """A link in the folder to a file outside of it is not followed."""
    outside = write_outside(tmp_path, kind)
    link = folder / {"fixtures": "users.json", "mappings": "one.json", "presets": "one.json"}[kind]
    link.symlink_to(outside)
    settings = Settings(**{kind: folder})  # type: ignore[arg-type]  # settings of one type
    if kind != "presets":
        with pytest.raises(ValueError, match=rf"{link.name} leads out") as caught:
            create_app(settings)
        assert SECRET not in str(caught.value)
        return
    client = create_app(settings).test_client()
    assert client.post("/__admin/presets/one").status_code == 404
    assert SECRET not in client.get("/__admin/presets").text


def test_linked_folder(tmp_path: Path, folder: Path) -> None:
    """The folder itself may be a link: the user has named it."""
    (folder / "users.json").write_text(json.dumps(CONTENTS["fixtures"]))
    (folder / "chats.json").symlink_to(folder / "other.json")
    (folder / "other.json").write_text("[]")
    (folder / "messages.json").write_text("[]")
    (tmp_path / "link").symlink_to(folder)
    state = State()
    Fixtures(tmp_path / "link").seed(state)
    assert (len(state.users), len(state.chats)) == (1, 0)


def test_error_shows_no_content(tmp_path: Path, folder: Path) -> None:
    (folder / "users.json").symlink_to("/etc/hostname")
    with pytest.raises(FixtureError, match=r"users\.json leads outside"):
        Fixtures(folder).seed(State())


def test_saved_stubs_stay_inside(tmp_path: Path, folder: Path) -> None:
    """Whatever they are called, and wherever a link of that name leads."""
    client = create_app(Settings(mappings=folder)).test_client()
    (folder / "evil.json").symlink_to(tmp_path / "target.json")
    for name in ["../outside", "/etc/passwd", "..", "evil", "a\0b", "x" * 500, "con", ""]:
        body = {"name": name, "request": {"url": "/x"}, "response": {"body": "saved"}}
        assert client.post("/__admin/mappings", json=body).status_code == 201
    assert client.post("/__admin/mappings/save").status_code == 200
    assert [path.name for path in tmp_path.iterdir()] == ["inside"]
    assert sum("saved" in path.read_text() for path in folder.iterdir() if not path.is_symlink()) == 8

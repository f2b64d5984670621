"""Stubs in files: loading WireMock's, saving, and staying inside the folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from duologue_mock.control.stubs.mapping_files import MappingFileError, MappingFolder
from tests.mockserver.control.steered_mock import SteeredMock

ID = "0d3bb1c0-0000-4000-8000-00000000000"


def write(folder: Path, name: str, document: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
    return path


def build_stub(body: str, url: str = "/x", **fields: Any) -> dict[str, Any]:
    return {"request": {"url": url}, "response": {"body": body}, **fields}


def read_all(folder: Path) -> dict[str, Any]:
    return {str(path.relative_to(folder)): json.loads(path.read_text("utf-8")) for path in folder.rglob("*.json")}


def list_bodies(mock: SteeredMock) -> list[str]:
    return [stub["response"]["body"] for stub in mock.control("GET", "/mappings").get_json()["mappings"]]


def test_files_are_loaded(tmp_path: Path) -> None:
    write(tmp_path, "one.json", build_stub("one", "/1"))
    write(tmp_path, "sub/many.json", {"mappings": [build_stub("two", "/2"), build_stub("three", "/3")]})
    write(tmp_path, "none.json", {"mappings": []})
    write(tmp_path, "notes.txt", "not JSON")
    write(tmp_path, ".hidden.json", "not JSON")
    write(tmp_path, "__files/body.json", "[1]")
    mock = SteeredMock(mappings=tmp_path)
    assert [mock.get(f"/{number}").text for number in (1, 2, 3)] == ["one", "two", "three"]
    assert mock.get("/1", X_Mock_Namespace="other").text == "one"


def test_later_files_are_newer(tmp_path: Path) -> None:
    write(tmp_path, "b.json", build_stub("b"))
    write(tmp_path, "a.json", {"mappings": [build_stub("a1"), build_stub("a2")]})
    assert list_bodies(SteeredMock(mappings=tmp_path)) == ["b", "a2", "a1"]


def test_insertion_index_of_wiremock(tmp_path: Path) -> None:
    write(tmp_path, "a.json", build_stub("new", insertionIndex=9))
    write(tmp_path, "b.json", build_stub("old", insertionIndex=3))
    assert list_bodies(SteeredMock(mappings=tmp_path)) == ["new", "old"]


def test_ids_stay_the_same(tmp_path: Path) -> None:
    write(tmp_path, "a.json", build_stub("a"))
    write(tmp_path, "sub/a.json", build_stub("b"))
    first, second = (MappingFolder(tmp_path).stubs for _ in range(2))
    assert len({stub.id for stub in first}) == 2
    assert [stub.id for stub in first] == [stub.id for stub in second]


@pytest.mark.parametrize("path", ["/mappings/reset", "/reset"])
def test_reset_returns_to_the_files(tmp_path: Path, path: str) -> None:
    write(tmp_path, "a.json", build_stub("a", persistent=False))
    write(tmp_path, "b.json", build_stub("b", id=f"{ID}1"))
    mock = SteeredMock(mappings=tmp_path)
    mock.stub({"body": "mine"})
    mock.control("DELETE", f"/mappings/{ID}1")
    mock.control("POST", path)
    assert sorted(list_bodies(mock)) == ["a", "b"]


def test_saved_stubs_are_loaded(tmp_path: Path) -> None:
    mock = SteeredMock(mappings=tmp_path)
    mock.stub({"body": "first", "headers": {"A": ["1", "é"]}}, name="First one")
    mock.stub({"passThrough": True, "bodyPatch": {"a": None}}, request={"operation": "users.LIST"}, times=2)
    mock.stub({"jsonBody": {"n": 10**20}}, url="/big", scenarioName="s", newScenarioState="t", metadata={"a": 1})
    assert mock.control("POST", "/mappings/save").get_json() == {}
    assert (
        SteeredMock(mappings=tmp_path).control("GET", "/mappings").get_json()
        == mock.control("GET", "/mappings").get_json()
    )


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "a/b", "..", ".", "", "a\0b", "CON", "é" * 300, "x" * 300, "a\nb", "~"],
    ids=ascii,
)  # fmt: skip
def test_names_stay_in_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "mappings"
    folder.mkdir()
    mock = SteeredMock(mappings=folder)
    id = mock.stub(name=name)
    mock.stub(url="/../../" + "y" * 500)
    assert mock.control("POST", "/mappings/save").status_code == 200
    paths = list(tmp_path.rglob("*.*"))
    assert len(paths) == 2
    assert all(path.parent == folder and len(path.name) < 110 and path.name.isascii() for path in paths)
    [document] = [one for one in read_all(folder).values() if one["id"] == id]
    assert document["name"] == name


def test_saving_keeps_to_its_files(tmp_path: Path) -> None:
    """Each stub is written to the file that it is from, and the order stays."""
    write(tmp_path, "untouched.json", build_stub("u"))
    write(tmp_path, "many.json", {"mappings": [build_stub("1", id=f"{ID}1"), build_stub("2", id=f"{ID}2")]})
    write(tmp_path, "gone.json", build_stub("gone", id=f"{ID}3"))
    write(tmp_path, "changed.json", build_stub("before", id=f"{ID}4"))
    mock = SteeredMock(mappings=tmp_path)
    for number in (1, 3):
        mock.control("DELETE", f"/mappings/{ID}{number}")
    mock.control("PUT", f"/mappings/{ID}4", build_stub("after"))
    mock.control("POST", "/mappings/save")
    files = read_all(tmp_path)
    assert files.keys() == {"untouched.json", "many.json", "changed.json"}
    assert [stub["response"]["body"] for stub in files["many.json"]["mappings"]] == ["2"]
    assert files["changed.json"]["response"]["body"] == "after"
    assert list_bodies(SteeredMock(mappings=tmp_path)) == list_bodies(mock)


def test_saving_twice_writes_nothing_new(tmp_path: Path) -> None:
    mock = SteeredMock(mappings=tmp_path)
    mock.stub({"body": "a"})
    for _ in range(2):
        mock.control("POST", "/mappings/save")
    assert len(read_all(tmp_path)) == 1
    assert [path.suffix for path in tmp_path.iterdir()] == [".json"]


def test_namespace_saves_its_own(tmp_path: Path) -> None:
    """What another namespace has saved is not removed."""
    mock, other = SteeredMock(mappings=tmp_path, seed=None), {"X_Mock_Namespace": "other"}
    mock.control("POST", "/mappings", build_stub("other"), **other)
    mock.control("POST", "/mappings/save", **other)
    mock.stub({"body": "default"})
    mock.control("POST", "/mappings/save")
    assert sorted(list_bodies(SteeredMock(mappings=tmp_path))) == ["default", "other"]


def test_failed_save_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stubs are no more persistent than before: a reset removes them."""
    mock = SteeredMock(mappings=str(tmp_path))
    mock.stub(name="new")

    def fail(*_: Any) -> None:
        raise MappingFileError("The disk is full.")

    monkeypatch.setattr(MappingFolder, "save", fail)
    assert mock.control("POST", "/mappings/save").status_code == 500
    mock.control("POST", "/mappings/reset")
    assert mock.list_names() == []


def test_save_without_folder(mock: SteeredMock) -> None:
    mock.stub(name="a")
    assert mock.control("POST", "/mappings/save").status_code == 200
    mock.control("POST", "/mappings/reset")
    assert mock.list_names() == ["a"]


def test_file_that_cannot_be_written(tmp_path: Path) -> None:
    mock = SteeredMock(mappings=tmp_path)
    mock.stub({"body": "a"})
    tmp_path.rename(tmp_path.with_name("moved"))
    refused = mock.control("POST", "/mappings/save")
    assert refused.status_code == 500
    assert "cannot be written" in refused.get_json()["errors"][0]["detail"]
    tmp_path.with_name("moved").rename(tmp_path)
    assert mock.control("POST", "/mappings/save").status_code == 200


INVALID = [
    ("{", r"a\.json: Not JSON"),
    ("[]", r"a\.json: /: Must be a JSON object"),
    ('{"foo": 1}', r"a\.json: /foo: "),
    ('{"mappings": {}}', r"a\.json: mappings must be a list"),
    ('{"mappings": [{}, {"response": {"status": 1}}]}', r"a\.json: /mappings/1/response/status: "),
]


@pytest.mark.parametrize(("text", "message"), INVALID, ids=[text for text, _ in INVALID])
def test_invalid_files(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, "a.json", text)
    with pytest.raises(MappingFileError, match=message):
        SteeredMock(mappings=tmp_path)


def test_same_id_in_two_files(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        write(tmp_path, name, build_stub("x", id=f"{ID}1"))
    with pytest.raises(MappingFileError, match=r"b\.json: the id .*a\.json"):
        SteeredMock(mappings=tmp_path)


def test_link_out_of_the_folder(tmp_path: Path) -> None:
    outside = write(tmp_path, "secret.json", build_stub("secret"))
    folder = tmp_path / "mappings"
    folder.mkdir()
    (folder / "link.json").symlink_to(outside)
    with pytest.raises(MappingFileError, match="leads out of the folder"):
        SteeredMock(mappings=folder)


@pytest.mark.parametrize("is_file", [False, True])
def test_no_folder(tmp_path: Path, is_file: bool) -> None:
    path = tmp_path / "file"
    if is_file:
        path.write_text("{}")
    with pytest.raises(MappingFileError, match="is not a folder"):
        SteeredMock(mappings=path)

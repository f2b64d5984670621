"""`/mappings`: adding, listing, changing, importing and removing stubs, as WireMock does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mockserver.control.steered_mock import SteeredMock

ID = "0d3bb1c0-0000-4000-8000-00000000000"
"""The first 35 characters of an id."""


def import_stubs(mock: SteeredMock, *stubs: dict[str, Any], **options: Any) -> int:
    body: dict[str, Any] = {"mappings": list(stubs)}
    if options:
        body["importOptions"] = options
    return mock.control("POST", "/mappings/import", body).status_code


def test_added_stub_is_shown(mock: SteeredMock) -> None:
    added = mock.control("POST", "/mappings", {"request": {"url": "/x"}, "priority": 1, "times": 2, "metadata": {}})
    stub = added.get_json()
    assert added.status_code == 201
    assert stub == {
        "id": stub["id"],
        "uuid": stub["id"],
        "request": {"method": "ANY", "url": "/x"},
        "response": {"status": 200},
        "priority": 1,
        "times": 2,
        "metadata": {},
    }
    assert mock.control("GET", f"/mappings/{stub['id']}").get_json() == stub
    assert mock.control("GET", "/mappings").get_json() == {"mappings": [stub], "meta": {"total": 1}}


def test_empty_object_is_a_stub(mock: SteeredMock) -> None:
    assert mock.control("POST", "/mappings", {}).status_code == 201
    for method, path in (("GET", "/any"), ("POST", "/api/users"), ("DELETE", "/")):
        response = mock.request(method, path)
        assert (response.status_code, response.data) == (200, b"")


def test_shown_stub_can_be_added(mock: SteeredMock) -> None:
    id = mock.stub(
        {"passThrough": True, "bodyPatch": {"a": None}, "fixedDelayMilliseconds": 0},
        request={"operation": "users.LIST"},
        name="all",
        scenarioName="s",
        requiredScenarioState="Started",
        newScenarioState="two",
        persistent=False,
        probability=0.5,
        expiresAfterMilliseconds=1000,
    )
    shown = mock.control("GET", f"/mappings/{id}").get_json()
    assert mock.control("DELETE", f"/mappings/{id}").status_code == 200
    assert mock.control("POST", "/mappings", shown).get_json() == shown


def test_newest_is_tried_first(mock: SteeredMock) -> None:
    for body in ("first", "second"):
        mock.stub({"body": body})
    assert mock.get("/x").text == "second"


PRIORITIES = [(1, None, 1), (None, 1, 2), (0, 1, 1), (-1, 0, 1), (6, None, 2), (None, 6, 1), (5, None, 2), (None, 5, 2)]


@pytest.mark.parametrize(("first", "second", "winner"), PRIORITIES)
def test_lowest_priority_wins(mock: SteeredMock, first: int | None, second: int | None, winner: int) -> None:
    for number, priority in ((1, first), (2, second)):
        mock.stub({"body": str(number)}, priority=priority)
    assert mock.get("/x").text == str(winner)


def test_list_in_order(mock: SteeredMock) -> None:
    for name, priority in (("a", 1), ("b", None), ("c", 9), ("d", None), ("e", 5)):
        mock.stub(name=name, priority=priority)
    assert mock.list_names() == ["a", "e", "d", "b", "c"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", "dcba"),
        ("?limit=2", "dc"),
        ("?offset=1", "cba"),
        ("?limit=2&offset=1", "cb"),
        ("?limit=0", ""),
        ("?offset=9", ""),
    ],
)
def test_limit_and_offset(mock: SteeredMock, query: str, names: str) -> None:
    for name in "abcd":
        mock.stub(name=name)
    listed = mock.control("GET", f"/mappings{query}").get_json()
    assert "".join(stub["name"] for stub in listed["mappings"]) == names
    assert listed["meta"] == {"total": 4}


@pytest.mark.parametrize("query", ["?limit=-1", "?limit=a", "?offset=1.5", "?limit="])
def test_invalid_limits(mock: SteeredMock, query: str) -> None:
    assert mock.control("GET", f"/mappings{query}").status_code == 400


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_unknown_ids(mock: SteeredMock, method: str) -> None:
    body: dict[str, Any] | None = {} if method == "PUT" else None
    assert mock.control(method, f"/mappings/{ID}9", body).status_code == 404
    assert mock.control(method, "/mappings/xyz", body).status_code == 400


def test_taken_id(mock: SteeredMock) -> None:
    mock.stub({"body": "old"}, id=f"{ID}1")
    refused = mock.control("POST", "/mappings", {"id": f"{ID}1", "request": {"url": "/x"}})
    [error] = refused.get_json()["errors"]
    assert (refused.status_code, error["code"]) == (422, 109)
    assert mock.get("/x").text == "old"


@pytest.mark.parametrize("names", [("id", "uuid"), ("uuid", "id")], ids=str)
def test_last_of_two_ids_counts(mock: SteeredMock, names: tuple[str, str]) -> None:
    data = f'{{"{names[0]}": "{ID}1", "{names[1]}": "{ID}2"}}'
    added = mock.app.test_client().post("/__admin/mappings", data=data)
    assert added.get_json()["id"] == f"{ID}2"
    assert mock.stub(uuid=f"{ID}3") == f"{ID}3"


def test_put_keeps_place_and_id(mock: SteeredMock) -> None:
    for number in (1, 2, 3):
        mock.stub({"body": str(number)}, id=f"{ID}{number}", name=str(number))
    changed = mock.control("PUT", f"/mappings/{ID}2", {"id": f"{ID}9", "name": "two", "request": {"url": "/x"}})
    assert (changed.status_code, changed.get_json()["id"]) == (200, f"{ID}2")
    assert mock.list_names() == ["3", "two", "1"]
    assert mock.get("/x").text == "3"


def test_put_changes_priority(mock: SteeredMock) -> None:
    for number in (1, 2):
        mock.stub({"body": str(number)}, id=f"{ID}{number}")
    mock.control("PUT", f"/mappings/{ID}1", {"priority": 1, "request": {"url": "/x"}, "response": {"body": "new"}})
    assert mock.get("/x").text == "new"


def test_put_counts_anew(mock: SteeredMock) -> None:
    body = {"request": {"url": "/x"}, "times": 1}
    id = mock.control("POST", "/mappings", body).get_json()["id"]
    assert [mock.get("/x").status_code for _ in range(2)] == [200, 404]
    mock.control("PUT", f"/mappings/{id}", body)
    assert [mock.get("/x").status_code for _ in range(2)] == [200, 404]


INVALID: list[tuple[Any, str]] = [
    ([], "/"),
    ("x", "/"),
    ({"foo": 1}, "/foo"),
    ({"request": {"foo": 1}}, "/request/foo"),
    ({"response": {"foo": 1}}, "/response/foo"),
    ({"request": "x"}, "/request"),
    ({"id": "x"}, "/id"),
    ({"id": f"{{{ID}1}}"}, "/id"),
    ({"uuid": 5}, "/uuid"),
    ({"priority": "high"}, "/priority"),
    ({"priority": 2**31}, "/priority"),
    ({"priority": 1.5}, "/priority"),
    ({"name": []}, "/name"),
    ({"persistent": "yes"}, "/persistent"),
    ({"metadata": 5}, "/metadata"),
    ({"requiredScenarioState": "x"}, "/requiredScenarioState"),
    ({"newScenarioState": "x"}, "/newScenarioState"),
    ({"scenarioName": {}}, "/scenarioName"),
    ({"times": 0}, "/times"),
    ({"times": "often"}, "/times"),
    ({"probability": 1.1}, "/probability"),
    ({"probability": -0.1}, "/probability"),
    ({"probability": True}, "/probability"),
    ({"expiresAfterMilliseconds": 0}, "/expiresAfterMilliseconds"),
    ({"postServeActions": [{"name": "webhook"}]}, "/postServeActions"),
    ({"serveEventListeners": [{"name": "webhook"}]}, "/serveEventListeners"),
]


@pytest.mark.parametrize(("body", "pointer"), INVALID, ids=[pointer or str(body) for body, pointer in INVALID])
def test_invalid_stub_changes_nothing(mock: SteeredMock, body: Any, pointer: str) -> None:
    id = mock.stub(name="kept")
    before = mock.control("GET", "/mappings").get_json()
    calls = [
        (mock.control("POST", "/mappings", body), pointer),
        (mock.control("PUT", f"/mappings/{id}", body), pointer),
        (
            mock.control("POST", "/mappings/import", {"mappings": [{"name": "new"}, body]}),
            f"/mappings/1{pointer.rstrip('/')}",
        ),
    ]
    for refused, where in calls:
        [error] = refused.get_json()["errors"]
        assert (refused.status_code, error["code"], error["source"]["pointer"]) == (422, 10, where)
        assert error["title"]
        assert error["detail"]
    assert mock.control("GET", "/mappings").get_json() == before


@pytest.mark.parametrize("data", [b"", b"  ", b"{", b"{} x", b'{"name": "a", "name": "b"}', b"\xff"], ids=repr)
@pytest.mark.parametrize("path", ["/mappings", "/mappings/import", "/mappings/find-by-metadata"])
def test_bodies_that_are_no_json(mock: SteeredMock, path: str, data: bytes) -> None:
    refused = mock.app.test_client().post(f"/__admin{path}", data=data)
    assert (refused.status_code, refused.get_json()["errors"][0]["code"]) == (422, 10)


def test_delete_one_and_all(mock: SteeredMock) -> None:
    first, _ = mock.stub(name="a"), mock.stub(name="b", persistent=True)
    assert mock.control("DELETE", f"/mappings/{first}").get_json() == {}
    assert mock.list_names() == ["b"]
    assert mock.control("DELETE", "/mappings").get_json() == {}
    assert mock.list_names() == []


def test_reset_keeps_persistent_ones(mock: SteeredMock) -> None:
    mock.stub(name="a", persistent=True, times=1)
    mock.stub(name="b")
    mock.get("/x"), mock.get("/x")
    assert mock.control("POST", "/mappings/reset").get_json() == {}
    assert mock.list_names() == ["a"]
    assert [mock.get("/x").status_code for _ in range(2)] == [200, 404]


def test_import_tries_first_first(mock: SteeredMock) -> None:
    mock.stub({"body": "old"})
    assert (
        import_stubs(mock, *[{"request": {"url": "/x"}, "response": {"body": str(number)}} for number in range(3)])
        == 200
    )
    assert mock.get("/x").text == "0"


def test_import_overwrites_in_place(mock: SteeredMock) -> None:
    import_stubs(mock, {"id": f"{ID}1", "name": "a"}, {"id": f"{ID}2", "name": "b"})
    import_stubs(mock, {"id": f"{ID}2", "name": "B"}, {"id": f"{ID}3", "name": "c"})
    assert mock.list_names() == ["c", "a", "B"]


def test_import_can_leave_taken_ids(mock: SteeredMock) -> None:
    import_stubs(mock, {"id": f"{ID}1", "name": "a"})
    import_stubs(mock, {"id": f"{ID}1", "name": "A"}, {"id": f"{ID}2", "name": "b"}, duplicatePolicy="IGNORE")
    assert mock.list_names() == ["b", "a"]


@pytest.mark.parametrize(("policy", "names"), [("OVERWRITE", ["c", "A"]), ("IGNORE", ["c", "a"])])
def test_import_can_delete_others(mock: SteeredMock, policy: str, names: list[str]) -> None:
    import_stubs(mock, {"id": f"{ID}1", "name": "a"}, {"id": f"{ID}2", "name": "b"})
    imported = ({"id": f"{ID}1", "name": "A"}, {"id": f"{ID}3", "name": "c"})
    import_stubs(mock, *imported, duplicatePolicy=policy, deleteAllNotInImport=True)
    assert sorted(mock.list_names()) == sorted(names)


def test_import_same_id_twice(mock: SteeredMock) -> None:
    import_stubs(mock, {"id": f"{ID}1", "name": "first"}, {"id": f"{ID}1", "name": "second"})
    assert mock.list_names() == ["first"]


def test_exported_list_can_be_imported(mock: SteeredMock) -> None:
    for name, priority in (("a", 3), ("b", None), ("c", None), ("d", 1)):
        mock.stub(name=name, priority=priority)
    exported = mock.control("GET", "/mappings").get_json()
    mock.control("DELETE", "/mappings")
    assert mock.control("POST", "/mappings/import", exported).get_json() == {}
    assert mock.control("GET", "/mappings").get_json() == exported


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/mappings"),
        ({"mappings": {}}, "/mappings"),
        ({"stubs": []}, "/stubs"),
        ({"mappings": [], "importOptions": {"duplicatePolicy": "X"}}, "/importOptions/duplicatePolicy"),
        ({"mappings": [], "importOptions": {"deleteAllNotInImport": 1}}, "/importOptions/deleteAllNotInImport"),
        ({"mappings": [], "importOptions": {"policy": 1}}, "/importOptions/policy"),
    ],
    ids=str,
)
def test_invalid_imports(mock: SteeredMock, body: Any, pointer: str) -> None:
    refused = mock.control("POST", "/mappings/import", body)
    assert (refused.status_code, refused.get_json()["errors"][0]["source"]["pointer"]) == (422, pointer)


def test_save_makes_all_persistent(mock: SteeredMock) -> None:
    mock.stub(name="a")
    mock.stub(name="b", persistent=False)
    assert mock.control("POST", "/mappings/save").get_json() == {}
    mock.control("POST", "/mappings/reset")
    assert mock.list_names() == ["b", "a"]
    assert all(stub["persistent"] for stub in mock.control("GET", "/mappings").get_json()["mappings"])


METADATA: list[tuple[str, Any]] = [("a", {"tag": "x", "n": 1}), ("b", {"tag": "y"}), ("c", None)]


@pytest.mark.parametrize(
    ("matcher", "names"),
    [
        ({"contains": '"x"'}, ["a"]),
        ({"matches": ".*tag.*"}, ["b", "a"]),
        ({"doesNotContain": "tag"}, ["c"]),
        ({"contains": "nothing"}, []),
    ],
    ids=str,
)
def test_metadata_is_matched(mock: SteeredMock, matcher: Any, names: list[str]) -> None:
    for name, metadata in METADATA:
        mock.stub(name=name, metadata=metadata)
    listed = mock.control("POST", "/mappings/find-by-metadata", matcher).get_json()
    assert [stub["name"] for stub in listed["mappings"]] == names
    assert listed["meta"] == {"total": len(names)}
    assert mock.control("POST", "/mappings/remove-by-metadata", matcher).get_json() == {}
    assert mock.list_names() == [name for name in "cba" if name not in names]


@pytest.mark.parametrize("matcher", [{}, {"bad": 1}, [], "x"], ids=str)
@pytest.mark.parametrize("path", ["find-by-metadata", "remove-by-metadata"])
def test_invalid_metadata_matchers(mock: SteeredMock, path: str, matcher: Any) -> None:
    mock.stub(name="kept", metadata={"bad": 1})
    assert mock.control("POST", f"/mappings/{path}", matcher).status_code == 422
    assert mock.list_names() == ["kept"]


def test_matched_stub_is_named(mock: SteeredMock) -> None:
    id = mock.stub(name="Mine")
    headers = mock.get("/x").headers
    assert (headers["Matched-Stub-Id"], headers["Matched-Stub-Name"]) == (id, "Mine")


@pytest.mark.parametrize("name", ["", "日本", "a\r\nSet-Cookie: b"], ids=ascii)
def test_name_that_is_no_header(mock: SteeredMock, name: str) -> None:
    mock.stub(name=name)
    response = mock.get("/x")
    assert response.status_code == 200
    assert {"Matched-Stub-Name", "Set-Cookie"}.isdisjoint(response.headers.keys())

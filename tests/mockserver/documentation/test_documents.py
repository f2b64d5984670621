"""`/openapi.json` and `/asyncapi.json` as they are served."""

from __future__ import annotations

import pytest

from duologue_mock import MockServer, create_app
from duologue_mock.documentation.documents import build_asyncapi, build_openapi
from duologue_mock.origins import Origins
from tests.mockserver.raw import ask

HERE = Origins("http://localhost", "http://localhost")
DOCUMENTS = {"/openapi.json": build_openapi(HERE), "/asyncapi.json": build_asyncapi(HERE)}

each_document = pytest.mark.parametrize("path", DOCUMENTS)


@each_document
def test_content(path: str) -> None:
    response = create_app().test_client().get(path)
    assert response.json == DOCUMENTS[path]
    assert response.headers["Content-Type"] == "application/json"


@each_document
def test_not_modified(path: str) -> None:
    client = create_app().test_client()
    first = client.get(path)
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


@each_document
def test_hosts_have_documents_of_their_own(path: str) -> None:
    """The host of a namespace is named in its documents, and they have another tag."""
    client = create_app(ports=(4001, 4002)).test_client()
    here = client.get(path, headers={"Host": "localhost:4001"})
    there = client.get(path, headers={"Host": "w1.localhost:4001"})
    assert here.headers["ETag"] != there.headers["ETag"]
    assert "w1.localhost:4001" in there.text
    assert "w1.localhost" not in here.text


@each_document
def test_both_ports(path: str) -> None:
    with MockServer() as mock:
        bodies = [
            ask(port, f"GET {path} HTTP/1.1", host=f"localhost:{port}").json for port in (mock.port, mock.chat_port)
        ]
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("path", ["/openapi.yaml", "/api/openapi.json", "/openapi"])
def test_nearest_path_of_openapi(path: str) -> None:
    assert "GET /openapi.json" in create_app().test_client().get(path).text


@pytest.mark.parametrize(("path", "nearest"), [("/asyncapi", "GET /asyncapi.json"), ("/doc", "GET /docs")])
def test_nearest_path(path: str, nearest: str) -> None:
    assert nearest in create_app().test_client().get(path).text

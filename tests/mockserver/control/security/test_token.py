"""Where other machines reach the mock, each call needs the token that was printed at start."""

from __future__ import annotations

import hmac
import json
import re
from typing import Any

import pytest

from tests.mockserver.cli.processes import run_serve
from tests.mockserver.control.security.targets import ENDPOINTS, STREAM, Victim
from tests.mockserver.raw import ask

TOKEN = "correct-horse-battery-staple"
WRONG = {
    "none": None,
    "another": "Token wrong",
    "a beginning": f"Token {TOKEN[:-1]}",
    "more": f"Token {TOKEN}x",
    "upper case": f"Token {TOKEN.upper()}",
    "another scheme": f"Bearer {TOKEN}",
    "no scheme": TOKEN,
    "an empty one": "Token ",
    "not ASCII": "Token \xe9",
}


@pytest.fixture(scope="module")
def victim() -> Victim:
    return Victim(admin_token=TOKEN)


@pytest.mark.parametrize("authorization", WRONG.values(), ids=WRONG)
def test_token_is_needed(victim: Victim, authorization: str | None) -> None:
    before = victim.capture()
    headers: dict[str, Any] = {} if authorization is None else {"Authorization": authorization}
    for endpoint in ENDPOINTS:
        response = victim.attack(endpoint, headers)
        assert response.status_code == 401, endpoint
        assert response.headers["WWW-Authenticate"].startswith("Token ")
        assert TOKEN not in response.text
    assert victim.capture() == before


def test_token_is_enough(victim: Victim) -> None:
    for endpoint in ENDPOINTS:
        if endpoint.method == "GET" and endpoint.path != STREAM:
            assert victim.attack(endpoint, Authorization=f"token {TOKEN}").status_code != 401, endpoint


def test_unknown_paths_need_it(victim: Victim) -> None:
    """Who has no token does not learn what there is."""
    assert victim.control("GET", "/nothing").status_code == 401


def test_namespaces_need_it(victim: Victim) -> None:
    assert victim.control("GET", "/mappings", X_Mock_Namespace="w1").status_code == 401
    assert victim.request("GET", "/__admin/mappings", Host="w1.localhost").status_code == 401


def test_compared_in_constant_time(victim: Victim, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[Any, Any]] = []
    original = hmac.compare_digest

    def compare(given: Any, expected: Any) -> bool:
        compared.append((given, expected))
        return original(given, expected)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert victim.control("GET", "/mappings", Authorization="Token wrong").status_code == 401
    assert compared == [(b"wrong", TOKEN.encode())]


def test_exposed_server_prints_its_token() -> None:
    """Each start has another one, long enough not to be guessed."""
    tokens = set()
    for _ in range(2):
        with run_serve("--expose", "--host", "127.0.0.2") as mock:
            printed = re.search(r"Control +\S+ +\(Authorization: Token (\S{32,})\)", mock.banner)
            assert printed
            tokens.add(printed[1])
    assert len(tokens) == 2


def test_own_token_and_json() -> None:
    with run_serve("--json", "--admin-token", TOKEN) as mock:
        server = json.loads(mock.banner)
        assert server["admin_token"] == TOKEN
        port = int(server["origin"].rpartition(":")[2])
        assert ask(port, "GET /__admin/mappings HTTP/1.1").status == 401
        assert ask(port, "GET /__admin/mappings HTTP/1.1", f"Authorization: Token {TOKEN}").status == 200

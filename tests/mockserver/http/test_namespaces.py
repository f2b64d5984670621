"""Namespaces: a mock of its own for each name, chosen by header or host, created at first use."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from duologue_mock import Settings, create_app
from duologue_mock.context import get_context
from duologue_mock.http.namespaces import HEADER, IDLE_LIFETIME, MAX_NAMESPACES, Namespaces
from duologue_mock.store import State
from duologue_mock.store.clock import IdGenerator
from duologue_mock.store.seed import Fixtures
from tests.mockserver.clocks import ManualClock
from tests.mockserver.http_errors import raises_http_error

ADA = {"name": "Ada", "email": "ada@example.com"}


@pytest.fixture
def app(clock: ManualClock) -> Flask:
    state = State(clock=clock, ids=IdGenerator(3))
    Fixtures().seed(state)
    return create_app(Settings(rate_limit=5), state=state)


@pytest.fixture
def namespaces(app: Flask) -> Namespaces:
    return get_context(app).namespaces


def ask(
    app: Flask, path: str, *, namespace: str | None = None, host: str = "localhost", **options: Any
) -> TestResponse:
    headers = {**options.pop("headers", {}), **({} if namespace is None else {HEADER: namespace})}
    return app.test_client().open(path, headers=headers, base_url=f"http://{host}", **options)


def count_users(app: Flask, **options: Any) -> int:
    total: int = ask(app, "/api/users", **options).json["total"]  # type: ignore[index]
    return total


@pytest.mark.parametrize("chosen", [{"namespace": "w1"}, {"host": "w1.localhost"}, {"host": "W1.localhost:3001"}])
def test_data_of_its_own(app: Flask, chosen: dict[str, str]) -> None:
    assert ask(app, "/api/users", method="POST", json=ADA, **chosen).status_code == 201
    assert count_users(app, namespace="w1") == 3
    assert count_users(app, host="w1.localhost") == 3
    assert count_users(app) == count_users(app, namespace="w2") == 2


@pytest.mark.parametrize("name", ["-x", "x-", "-", "--", "x--y", "0", "x" * 63, f"-{'x' * 61}-"])
def test_every_name_by_header_and_host(app: Flask, name: str) -> None:
    ask(app, "/api/users", method="POST", json=ADA, namespace=name)
    assert count_users(app, namespace=name) == count_users(app, host=f"{name}.localhost:3001") == 3
    assert count_users(app) == 2


def test_header_beats_host(app: Flask, namespaces: Namespaces) -> None:
    count_users(app, namespace="w1", host="w2.localhost")
    assert [namespace.name for namespace in namespaces] == ["default", "w1"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:3001", "[::1]:3001", "a.b.localhost", "default.localhost"])
def test_default(app: Flask, namespaces: Namespaces, host: str) -> None:
    count_users(app, host=host)
    assert len(namespaces) == 1


@pytest.mark.parametrize("name", ["", "W1", "a_b", "a.b", "ä", "x" * 64, "a b"])
def test_invalid_name(app: Flask, namespaces: Namespaces, name: str) -> None:
    response = ask(app, "/api/users", namespace=name)
    assert (response.status_code, response.json["code"]) == (400, "VALIDATION_ERROR")  # type: ignore[index]
    assert HEADER in response.json["details"]["fields"]  # type: ignore[index]
    assert len(namespaces) == 1


def log_in(app: Flask, namespace: str) -> str:
    body = {"email": "john@example.com", "password": "password"}
    token: str = ask(app, "/api/auth/login", method="POST", json=body, namespace=namespace).json["token"]  # type: ignore[index]
    return token


def test_token_of_another(app: Flask) -> None:
    bearer = {"Authorization": f"Bearer {log_in(app, 'w1')}"}
    assert ask(app, "/api/auth/me", namespace="w1", headers=bearer).status_code == 200
    assert ask(app, "/api/auth/me", namespace="w2", headers=bearer).status_code == 401
    assert ask(app, "/api/auth/me", headers=bearer).status_code == 401


def test_rate_limit_of_its_own(app: Flask) -> None:
    statuses = [ask(app, "/api/users", namespace="w1").status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    assert ask(app, "/api/users", namespace="w2").status_code == 200


def test_idempotency_keys_of_its_own(app: Flask) -> None:
    key = {"Idempotency-Key": "k1"}
    for namespace in ("w1", "w2"):
        response = ask(app, "/api/users", method="POST", json=ADA, headers=key, namespace=namespace)
        assert response.status_code == 201
        assert "Idempotency-Replayed" not in response.headers


def test_page_of_a_namespace(app: Flask) -> None:
    ask(app, "/api/users", method="POST", json={**ADA, "password": "s3cret-of-w1"}, namespace="w1")
    html = {"Accept": "text/html"}
    assert b"s3cret-of-w1" in ask(app, "/", namespace="w1", headers=html).data
    assert b"s3cret-of-w1" not in ask(app, "/", headers=html).data


def test_idle_namespace(app: Flask, namespaces: Namespaces, clock: ManualClock) -> None:
    count_users(app, namespace="w1")
    clock.advance(IDLE_LIFETIME - 1)
    count_users(app, namespace="w2")
    assert "w1" in namespaces
    clock.advance(1)
    assert [namespace.name for namespace in namespaces] == ["default", "w2"]
    clock.advance(2 * IDLE_LIFETIME)
    assert [namespace.name for namespace in namespaces] == ["default"]


def test_dropped_namespace(app: Flask, namespaces: Namespaces) -> None:
    ask(app, "/api/users", method="POST", json=ADA, namespace="w1")
    released: list[str] = []
    namespaces.get("w1").on_drop.append(lambda: released.append("w1"))
    namespaces.drop("w1")
    assert released == ["w1"]
    assert count_users(app, namespace="w1") == 2
    with pytest.raises(ValueError, match="default"):
        namespaces.drop("default")
    with pytest.raises(KeyError):
        namespaces.drop("w3")


@pytest.mark.slow
def test_too_many_namespaces(namespaces: Namespaces, clock: ManualClock) -> None:
    empty = namespaces.get("w0")
    for number in range(1, MAX_NAMESPACES - 1):
        clock.advance(0.001)
        namespaces.put(type(empty)(**{**vars(empty), "name": f"w{number}", "interceptor": None}))
    namespaces.get("w0")
    namespaces.get("latest")
    assert len(namespaces) == MAX_NAMESPACES
    assert "w0" in namespaces
    assert "w1" not in namespaces


def test_invalid_name_in_code(namespaces: Namespaces) -> None:
    with raises_http_error(400):
        namespaces.get("NO")

"""`RetryAdapter` and `RetryPolicy` on an ordinary `requests.Session`, where a user of requests looks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import pytest
import requests
from urllib3.util import Retry

from duologue import RetryAdapter, RetryBudget, RetryPolicy
from tests.client.faults.acts import NOT_HTTP, hang_up, reset, respond, silence
from tests.client.servers import ScriptedServer
from tests.waiting import eventually

Serve = Callable[..., ScriptedServer]
Mount = Callable[..., requests.Session]

GOOD = respond(200, {"good": True})


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Makes sessions with the adapter; their waits for retries take no time."""
    sessions: list[requests.Session] = []

    def make(total: int = 3, **options: Any) -> requests.Session:
        session = requests.Session()
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.mount("http://", RetryAdapter(RetryPolicy(total, delay=0, **options)))
        sessions.append(session)
        return session

    yield make
    for session in sessions:
        session.close()


@pytest.mark.parametrize("act", [reset, hang_up, silence, respond(503), respond(429)])
def test_get(serve: Serve, mount: Mount, act: object) -> None:
    server = serve(act, act, GOOD)
    assert mount().get(server.origin, timeout=0.2).json() == {"good": True}
    assert len(server.received) == 3


@pytest.mark.parametrize("act", [reset, respond(503)])
def test_post_with_key(serve: Serve, mount: Mount, act: object) -> None:
    server = serve(act, act, GOOD)
    response = mount().post(server.origin, data=b"x", headers={"idempotency-key": "k-1"}, timeout=5)
    assert response.json() == {"good": True}
    assert [request.headers["idempotency-key"] for request in server.received] == ["k-1"] * 3
    assert [request.body for request in server.received] == [b"x"] * 3


def test_post_without_key(serve: Serve, mount: Mount) -> None:
    server = serve(reset)
    with pytest.raises(requests.ConnectionError):
        mount().post(server.origin, data=b"x", timeout=5)
    assert len(server.received) == 1
    server = serve(respond(503))
    assert mount().post(server.origin, data=b"x", timeout=5).status_code == 503
    assert len(server.received) == 1


def test_last_response(serve: Serve, mount: Mount) -> None:
    server = serve(respond(503, {"message": "Down"}))
    last = mount(2).get(server.origin, timeout=5)
    assert (last.status_code, last.json()) == (503, {"message": "Down"})
    assert len(server.received) == 3


def test_garbage(serve: Serve, mount: Mount) -> None:
    server = serve(NOT_HTTP["another protocol"])
    with pytest.raises(requests.ConnectionError):
        mount().get(server.origin, timeout=5)
    assert len(server.received) == 1


@pytest.mark.parametrize("value", ["121", "soon", "-1"])
def test_invalid_retry_after(serve: Serve, mount: Mount, value: str) -> None:
    server = serve(respond(503, headers={"Retry-After": value}), GOOD)
    status = mount().get(server.origin, timeout=5).status_code
    assert status == (503 if value == "121" else 200)


def test_retry_after(serve: Serve, mount: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("duologue.http.adapter.time.sleep", slept.append)
    mount().get(serve(respond(503, headers={"Retry-After": "7.5"}), GOOD).origin, timeout=5)
    assert slept == [7.5]


def test_stale_connection(serve: Serve, mount: Mount) -> None:
    server = serve(GOOD, hang_up, GOOD)
    session = mount(0)
    session.get(server.origin, timeout=5)
    assert session.post(server.origin, data="x", timeout=5).json() == {"good": True}
    assert len(server.received) == 3


def test_shared_budget(serve: Serve, mount: Mount) -> None:
    budget = RetryBudget(2)
    server = serve(*[respond(503)] * 4, GOOD)
    one, two = mount(5, budget=budget), mount(5, budget=budget)
    assert one.get(server.origin, timeout=5).status_code == 503
    assert two.get(server.origin, timeout=5).status_code == 503
    assert len(server.received) == 4
    assert two.get(server.origin, timeout=5).status_code == 200
    assert budget.left == pytest.approx(0.2)
    assert repr(budget) == "<RetryBudget 0.2 of 2>"


def test_other_retry(serve: Serve, mount: Mount) -> None:
    """A program may set another `Retry` afterwards, as on any adapter of requests."""
    server, session = serve(respond(503)), mount()
    adapter = session.get_adapter(server.origin)
    assert isinstance(adapter, RetryAdapter)
    adapter.max_retries = Retry(0)
    assert session.get(server.origin, timeout=5).status_code == 503
    assert len(server.received) == 1


def test_default_policy(serve: Serve) -> None:
    adapter: Any = RetryAdapter()
    assert adapter.max_retries.policy == RetryPolicy()
    assert adapter.max_retries.total == RetryPolicy().max_retries


def test_many_hosts(serve: Serve, mount: Mount) -> None:
    """The connection to each host stays, however many hosts there are; requests closes those of all but ten."""
    server, session = serve(GOOD), mount()
    for _ in range(2):
        for number in range(12):
            assert session.get(f"http://w{number}.localhost:{server.port}", timeout=5).ok
    assert (len(server.received), server.connections) == (24, 12)


def test_close(serve: Serve, mount: Mount) -> None:
    """It closes the idle connections at once, those to a proxy too, even if a thread still has their pool."""
    server, proxy, session = serve(GOOD), serve(GOOD), mount()
    session.get(server.origin, timeout=5)
    session.get("http://platform.invalid", timeout=5, proxies={"http": proxy.origin})
    assert [request.target for request in proxy.received] == ["http://platform.invalid/"]
    assert [len(one._open) for one in (server, proxy)] == [1, 1]
    adapter: Any = session.get_adapter(server.origin)
    managers = (adapter.poolmanager, adapter.proxy_manager_for(proxy.origin))
    pools = [pool for manager in managers for pool in map(manager.pools.get, manager.pools.keys())]
    assert [pool.num_connections for pool in pools] == [1, 1]
    session.close()
    assert eventually(lambda: not server._open and not proxy._open, within=15)


def test_failures_cost_budget(serve: Serve, mount: Mount) -> None:
    """What was taken for retries is given back after a success, and not after a failure that is not retried."""
    budget = RetryBudget(10)
    session = mount(5, budget=budget)
    server = serve(respond(503), respond(503), respond(404), respond(503), GOOD)
    assert session.get(server.origin, timeout=5).status_code == 404
    assert budget.left == 8
    assert session.get(server.origin, timeout=5).ok
    assert budget.left == pytest.approx(8.2)


def test_redirects_and_text(serve: Serve, mount: Mount) -> None:
    session = mount()
    server = serve(
        respond(302, headers={"Location": "/there", "Set-Cookie": "a=b"}),
        respond(200, raw=b"h\xe9", headers={"Content-Type": "text/plain; charset=latin-1"}),
    )
    response = session.get(server.origin, timeout=5)
    assert response.text == "hé"
    assert [one.status_code for one in response.history] == [302]
    assert server.received[1].target == "/there"

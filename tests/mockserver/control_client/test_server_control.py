"""`MockServer.control`: what a mock in this process is steered by, and one elsewhere alike."""

from __future__ import annotations

import pytest

from duologue import AuthenticationError, Client
from duologue_mock import ControlAPIError, MockControl, MockServer


def test_it_is_the_same_class() -> None:
    """A mock in this process is steered over HTTP too: what is tested here holds for one elsewhere."""
    with MockServer() as mock:
        assert type(mock.control) is MockControl
        elsewhere = MockControl(mock.chat_origin)
        mock.control.stub("GET /hello", body={"a": 1}, name="hello")
        assert [stub.mapping["name"] for stub in elsewhere.stubs()] == ["hello"]


def test_no_control_before_start() -> None:
    with pytest.raises(RuntimeError, match="Start the mock server first"):
        MockServer().control  # noqa: B018  # looking is the test


def test_no_control_without_admin() -> None:
    with MockServer(admin=False) as mock, pytest.raises(RuntimeError, match="admin=False"):
        mock.control  # noqa: B018  # looking is the test


def test_control_after_restart() -> None:
    mock = MockServer().start()
    control = mock.control
    control.stub("GET /hello")
    mock.stop()
    with pytest.raises(ControlAPIError, match="No mock server responds"):
        control.stubs()
    mock.start()
    assert len(control.stubs()) == 1
    mock.stop()


def test_token() -> None:
    with MockServer(admin_token="a-long-token") as mock:
        assert mock.control.stubs() == []
        for token in (None, "another-token"):
            with pytest.raises(ControlAPIError, match="token") as caught:
                MockControl(mock.origin, token=token).stubs()
            assert caught.value.status == 401


def test_shutdown() -> None:
    mock = MockServer().start()
    mock.control.shutdown()
    assert mock._thread is not None
    mock._thread.join(20)
    with pytest.raises(ControlAPIError, match="No mock server responds"):
        mock.control.health()
    mock.stop()


def test_health() -> None:
    with MockServer() as mock:
        assert mock.control.health()


def test_namespaces() -> None:
    """Nothing crosses: data, stubs, journal, clock."""
    with MockServer() as mock:
        one, two = mock.control.namespace("one"), mock.control.namespace("two")
        with Client(base_url=one.base_url) as api:
            api.users.delete("2")
        one.stub("GET /hello", status=204)
        one.clock.advance(days=7)
        with Client(base_url=two.base_url) as api:
            assert api.users.list().total == 2
        assert two.stubs() == []
        assert len(one.requests()) == len(two.requests()) == 1
        assert (one.clock.now() - two.clock.now()).days >= 6
        assert set(mock.control.namespaces()) == {"default", "one", "two"}
        one.drop()
        one.drop()
        assert "one" not in mock.control.namespaces()


@pytest.mark.parametrize("name", ["-x", "x-", "-"])
def test_hyphens_of_namespaces(name: str) -> None:
    """The name is one of a host, too: clients send it, and the mock serves it."""
    with MockServer() as mock:
        own = mock.control.namespace(name)
        assert own.base_url.startswith(f"http://{name}.localhost:")
        with Client(base_url=own.base_url, max_retries=0) as api:
            api.users.delete("2")
        assert [request.operation for request in own.requests()] == ["users.DELETE"]
        assert mock.control.requests() == []


def test_namespace_with_settings() -> None:
    with MockServer() as mock:
        strict = mock.control.namespace("strict")
        strict.create(settings={"require_auth": True})
        with Client(base_url=strict.base_url, max_retries=0) as api:
            with pytest.raises(AuthenticationError):
                api.users.list()
            api.auth.login(email="john@example.com", password="password")
            assert api.users.list().total == 2
        with pytest.raises(ControlAPIError) as caught:
            strict.create(settings={"require_aut": True})
        assert caught.value.status == 422


def test_namespace_that_is_not_used_is_not_created() -> None:
    """Dropping it does nothing, as a test's fixture does whether or not the test has sent a request."""
    named = []
    with MockServer(request_hooks=[lambda request, _: named.append(request.header("HTTP_X_MOCK_NAMESPACE"))]) as mock:
        unused = mock.control.namespace("unused")
        unused.drop()
        with pytest.raises(ControlAPIError):
            unused.create(settings={"require_aut": True})
        assert mock.control.namespaces() == ["default"]
    assert set(named) == {"default"}


def test_https() -> None:
    with MockServer(https=True) as mock:
        other = mock.control.namespace("w1")
        assert other.base_url.startswith("https://w1.localhost:")
        assert other.requests() == []
        with pytest.raises(ControlAPIError):
            MockControl(mock.origin).health()

"""The origin policy: which hosts are this server, and whose pages may use it."""

from __future__ import annotations

import pytest

from duologue.contract import headers
from duologue_mock import Settings
from duologue_mock.http.cors import OriginPolicy, build_preflight_headers
from duologue_mock.http.request_head import RECEIVED_HOST
from tests.mockserver.http_errors import raises_http_error
from tests.mockserver.requests import build_request

LOCAL_HOSTS = [
    "localhost",
    "LOCALHOST",
    "localhost:3001",
    "localhost:80",
    "localhost:65535",
    "127.0.0.1",
    "127.0.0.1:3002",
    "[::1]",
    "[::1]:3001",
    "app.localhost",
    "App.LocalHost:3001",
    "a.b.localhost:3001",
    "my_app.localhost",
    "-.localhost",
    "-a.localhost",
    "a-.localhost:3001",
]
FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:3001",
    "localhost.evil.example",
    "localhost.",
    "app.localhost.",
    ".localhost",
    "-.localhost.",
    f"{'a' * 64}.localhost",
    "a..localhost",
    "app.localhost.evil.example",
    "evil-localhost",
    "xlocalhost",
    "127.0.0.1.evil.example",
    "127.0.0.1.nip.io",
    "127.0.0.2",
    "127.1",
    "2130706433",
    "0x7f.1",
    "0.0.0.0",
    "192.168.0.5",
    "[::]",
    "[::2]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "null",
]
BROKEN_HOSTS = [
    "",
    " ",
    "localhost,evil.example",
    "localhost evil.example",
    "localhost/",
    "localhost:",
    "localhost:65536",
    "localhost:99999",
    "a." * 130 + "localhost",
    "localhost:port",
    "localhost:123456",
    "localhost:-1",
    "localhost:٣",
    "localhost:80:80",
    "localhost@evil.example",
    "user@localhost",
    "http://localhost",
    "::1",
    "[::1",
    "[::1]x",
    "[::1]:",
    "[fe80::1%25eth0]",
    "lоcalhost",  # with a Cyrillic letter
    "localhost\x00",
    "localhost\n",
    "*",
]


@pytest.mark.parametrize("host", LOCAL_HOSTS)
def test_loopback_host(host: str) -> None:
    origin_policy = OriginPolicy(Settings())
    for _ in range(2):  # the second time from memory
        origin_policy.check_host(build_request(host=host))


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_foreign_host(host: str) -> None:
    with raises_http_error(421):
        OriginPolicy(Settings()).check_host(build_request(host=host))


@pytest.mark.parametrize("host", [None, *BROKEN_HOSTS])
def test_malformed_host(host: str | None) -> None:
    """What follows on the connection cannot be trusted either: it is closed."""
    with raises_http_error(400) as caught:
        OriginPolicy(Settings()).check_host(build_request(host=host))
    assert "Host header" in caught.value.message
    assert caught.value.headers == [("Connection", "close")]


@pytest.mark.parametrize(("received", "status"), [("evil.example", 421), ("", 400), ("localhost/", 400)])
def test_both_hosts_are_checked(received: str, status: int) -> None:
    """Where the request target is absolute, its host counts (RFC 9112, section 3.2.2), and `Host` is checked too."""
    sent = build_request(host="localhost")
    sent.environ[RECEIVED_HOST] = received
    with raises_http_error(status):
        OriginPolicy(Settings()).check_host(sent)
    sent.environ[RECEIVED_HOST] = "127.0.0.1:3001"
    OriginPolicy(Settings()).check_host(sent)


@pytest.mark.parametrize("host", ["mock.test", "MOCK.TEST:3001", "localhost"])
def test_allowed_host(host: str) -> None:
    origin_policy = OriginPolicy(Settings(allowed_hosts=("Mock.test",)))
    origin_policy.check_host(build_request(host=host))
    with raises_http_error(421):
        origin_policy.check_host(build_request(host="sub.mock.test"))


def test_forwarded_host_is_ignored() -> None:
    with raises_http_error(421):
        OriginPolicy(Settings()).check_host(
            build_request(
                host="evil.example",
                x_forwarded_host="localhost",
                x_forwarded_for="127.0.0.1",
                forwarded="host=localhost",
            )
        )
    OriginPolicy(Settings()).check_host(build_request(host="localhost", x_forwarded_host="evil.example"))


def test_known_hosts_are_bounded() -> None:
    origin_policy = OriginPolicy(Settings())
    for port in range(1000):
        origin_policy.check_host(build_request(host=f"localhost:{port}"))
    assert len(origin_policy._known_hosts) <= 64


LOCAL_ORIGINS = [
    "http://localhost",
    "http://localhost:3000",
    "https://localhost:8443",
    "http://LOCALHOST:3000",
    "HTTP://localhost",
    "http://127.0.0.1:5173",
    "http://[::1]:5173",
    "http://[::1]",
    "http://localhost:65535",
    "http://app.localhost",
    "https://App.localhost:8443",
    "http://a.b.localhost:3000",
]
FOREIGN_ORIGINS = [
    "null",
    "",
    "*",
    "localhost",
    "localhost:3000",
    "//localhost",
    "file://",
    "ftp://localhost",
    "ws://localhost",
    "chrome-extension://localhost",
    "http:/localhost",
    "http:localhost",
    "http://",
    "http://evil.example",
    "http://localhost.evil.example",
    "http://evil.example#localhost",
    "http://evil.example?localhost",
    "http://evil.example/localhost",
    "http://evil.example\\@localhost",
    "http://localhost\\.evil.example",
    "http://evil-localhost",
    "http://localhost.",
    "http://app.localhost.",
    "http://.localhost",
    "http://a..localhost",
    "http://app.localhost.evil.example",
    "http://evil@app.localhost",
    "http://app.localhost:65536",
    "http://" + "a." * 130 + "localhost",
    "http://localhost@evil.example",
    "http://evil.example@localhost",
    "http://:pass@localhost",
    "http://@localhost",
    "http://user:pass@localhost:3000",
    "http://localhost:3000/",
    "http://localhost:3000/path",
    "http://localhost?",
    "http://localhost#",
    "http://localhost:",
    "http://localhost:0",
    "http://localhost:65536",
    "http://localhost:99999",
    "http://localhost:-1",
    "http://localhost:80:80",
    "http://localhost:٣",
    "http://localhost:3000, http://evil.example",
    "http://localhost:3000 http://evil.example",
    " http://localhost",
    "http://localhost\t",
    "http://local\thost",
    "http://127.0.0.1.evil.example",
    "http://127.0.0.1.nip.io",
    "http://127.0.0.2",
    "http://127.1",
    "http://2130706433",
    "http://0.0.0.0",
    "http://[::2]",
    "http://[::1",
    "http://::1",
    "http://[::1]evil.example",
    "http://[::ffff:127.0.0.1]",
    "http://lоcalhost",  # with a Cyrillic letter
    "http://xn--localhost",
]


@pytest.mark.parametrize("origin", LOCAL_ORIGINS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"])
def test_loopback_origin(origin: str, method: str) -> None:
    granted = dict(OriginPolicy(Settings()).check_origin(build_request(method, origin=origin)))
    assert granted == {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": ", ".join(headers.EXPOSED),
    }


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_foreign_origin(origin: str) -> None:
    """Pages of another origin are granted nothing and may change nothing."""
    origin_policy = OriginPolicy(Settings())
    for method in ("GET", "HEAD"):
        assert origin_policy.check_origin(build_request(method, origin=origin)) == []
    for method in ("POST", "PUT", "PATCH", "DELETE", "PROPFIND"):
        with raises_http_error(403):
            origin_policy.check_origin(build_request(method, origin=origin))
    with raises_http_error(403):
        origin_policy.check_origin(build_request("OPTIONS", origin=origin, access_control_request_method="GET"))
    with raises_http_error(403):
        origin_policy.check_origin(build_request("GET", origin=origin, upgrade="websocket"))


def test_no_origin() -> None:
    """Programs other than browsers send no origin."""
    for method in ("GET", "POST", "DELETE"):
        assert OriginPolicy(Settings()).check_origin(build_request(method)) == []


@pytest.mark.parametrize("site", ["cross-site", "same-site", "same-origin", "none"])
def test_hidden_origin(site: str) -> None:
    """A page that a browser hides the origin of may change nothing if it is of another site."""
    origin_policy = OriginPolicy(Settings())
    for method in ("GET", "HEAD", "OPTIONS"):
        assert origin_policy.check_origin(build_request(method, sec_fetch_site=site)) == []
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        sent = build_request(method, sec_fetch_site=site)
        if site == "cross-site":
            with raises_http_error(403) as caught:
                origin_policy.check_origin(sent)
            assert "other sites" in caught.value.message
        else:
            assert origin_policy.check_origin(sent) == []


@pytest.mark.parametrize("origin", ["https://app.example", "HTTPS://APP.example", "http://localhost:3000"])
def test_allowed_origin(origin: str) -> None:
    origin_policy = OriginPolicy(Settings(allowed_origins=("https://App.example/",)))
    assert ("Access-Control-Allow-Origin", origin) in origin_policy.check_origin(build_request("POST", origin=origin))
    for other in ("https://app.example:444", "http://app.example", "https://sub.app.example", "null"):
        assert not origin_policy.allows_origin(other)


@pytest.mark.parametrize("allowed", ["*", "null", "", "app.example", "https://*.example", "https://app.example/path"])
def test_invalid_allowed_origin(allowed: str) -> None:
    """Never all origins together with credentials; and nothing that would silently allow none."""
    with pytest.raises(ValueError, match="allowed_origins"):
        Settings(allowed_origins=(allowed,))


@pytest.mark.parametrize("allowed", ["mock.example:3001", "*", "", "http://mock.example"])
def test_invalid_allowed_host(allowed: str) -> None:
    with pytest.raises(ValueError, match="allowed_hosts"):
        Settings(allowed_hosts=(allowed,))


def test_hint_names_the_option() -> None:
    origin_policy = OriginPolicy(Settings())
    with raises_http_error(421) as misdirected:
        origin_policy.check_host(build_request(host="mock.test:3001"))
    assert misdirected.value.message == "Misdirected request"
    assert "not mock.test:3001" in str(misdirected.value.hint)
    assert "--allow-host mock.test`" in str(misdirected.value.hint)
    with raises_http_error(403) as refused:
        origin_policy.check_origin(build_request("POST", origin="https://app.example"))
    assert "this origin" in refused.value.message
    assert "--allow-origin https://app.example`" in str(refused.value.hint)


def test_long_origin_is_cut() -> None:
    with raises_http_error(403) as caught:
        OriginPolicy(Settings()).check_origin(build_request("POST", origin="https://" + "x" * 5000))
    assert 200 < len(str(caught.value.hint)) < 400


ALL = ", ".join(headers.ACCEPTED)


@pytest.mark.parametrize(
    ("requested", "granted"),
    [
        (None, ALL),
        ("", ALL),
        ("content-type", "content-type"),
        ("Content-Type,  X-API-KEY ,x-csrf-token", "Content-Type, X-API-KEY, x-csrf-token"),
        ("traceparent,baggage", "traceparent, baggage"),
        (",,x-a,", "x-a"),
        ("x-a, no name, x:b", "x-a"),
        ("x\r\nSet-Cookie: a=b", ALL),
    ],
)
def test_preflight_headers(requested: str | None, granted: str) -> None:
    """A preflight is granted all headers that it names, if they can be header names."""
    options = build_request("OPTIONS")
    if requested is not None:
        options.environ["HTTP_ACCESS_CONTROL_REQUEST_HEADERS"] = requested
    response = dict(build_preflight_headers(options))
    assert response["Access-Control-Allow-Headers"] == granted
    assert set(response["Access-Control-Allow-Methods"].split(", ")) == {
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS",
    }  # fmt: skip
    assert int(response["Access-Control-Max-Age"]) > 0
    assert response["Vary"] == "Access-Control-Request-Headers"

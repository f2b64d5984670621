"""What a server promises: which rules can be judged on it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from duologue.conformance.rules import NEEDS, Rule
from duologue.conformance.target.raw import has_ipv6
from duologue.conformance.target.server import Server
from duologue.conformance.target.target import Login, Target

CONTROL = "/__admin"
"""Where a Duologue mock has its control API."""
MAX_LIMIT = 1000
"""Requests in a minute that a test may use up; a higher limit is not tried."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Facts:
    """What is known of a server before its rules are judged."""

    requires_auth: bool = False
    """Whether an anonymous caller of the platform is refused."""
    rate_limit: int | None = None
    """Requests that a caller may send in a minute; None for no limit."""
    has_events: bool = True
    has_openapi: bool = True
    is_local: bool = False
    has_ipv6: bool = False
    """Whether this machine, where the requests come from, has an IPv6 loopback."""
    has_clock: bool = False
    """Whether the server has a control API that moves its clock."""
    admin: Login | None = None
    """The login of an administrator, where one is known."""
    user: Login | None = None
    """The login of a user who is none."""
    token_lifetime: int | None = None
    """Seconds that an access token is valid, as a login says; None where no login is known."""
    max_wait: float = field(default=5.0, kw_only=True)
    """Seconds that a rule may wait for something to expire."""

    def find_obstacle(self, rule: Rule) -> str:
        """Return why a rule cannot be judged here; an empty text if it can."""
        missing = [name for name in NEEDS if name in rule.needs and not self._has(name)]
        return f"needs {', and '.join(NEEDS[name] for name in missing)}" if missing else ""

    def _has(self, need: str) -> bool:
        present = {
            "caller": not self.requires_auth or bool(self.admin or self.user),
            "admin": not self.requires_auth or self.admin is not None,
            "user": self.user is not None,
            "closed": self.requires_auth,
            "events": self.has_events,
            "rate-limit": self.rate_limit is not None,
            "low-limit": self.rate_limit is not None and self.rate_limit <= MAX_LIMIT,
            "short-tokens": self.token_lifetime is not None and self.token_lifetime <= self.max_wait,
            "clock": self.has_clock,
            "openapi": self.has_openapi,
            "local": self.is_local,
            "ipv6": self.has_ipv6,
        }
        return present[need]


def read_facts(target: Target, *, without: Collection[str] = (), max_wait: float = 5.0) -> Facts:
    """Ask a server what it promises, by requests that change nothing but log in.

    No rule is judged by them: one that the server breaks here must not keep all others from being judged.

    Args:
        target: the server.
        without: what it does not have: `events`.
        max_wait: seconds that a rule may wait for something to expire.
    """
    server = Server(target.base_url, target.chat_base_url, target.api_key, is_checked=False)
    users = server.anonymous.get("/users", query={"limit": 1})
    limit = users.headers.get("RateLimit-Limit", "")
    logins = {} if not target.logins else _find_roles(server, target)
    facts = Facts(
        requires_auth=users.status_code == 401,
        rate_limit=int(limit) if limit.isdigit() else None,
        has_events="events" not in without,
        has_openapi=server.at_origin("platform").get("/openapi.json").status_code == 200,
        is_local=all(urlsplit(url).hostname in LOOPBACK for url in (target.base_url, target.chat_base_url)),
        has_ipv6=has_ipv6(),
        has_clock=_has_clock(server),
        admin=logins.get("admin", (None, None))[0],
        user=logins.get("user", (None, None))[0],
        token_lifetime=next((lifetime for _, lifetime in logins.values()), None),
        max_wait=max_wait,
    )
    server.session.close()
    return facts


def _find_roles(server: Server, target: Target) -> dict[str, tuple[Login, int]]:
    """Return the first login of each role, with the seconds that its token is valid."""
    roles: dict[str, tuple[Login, int]] = {}
    for login in target.logins:
        response = server.anonymous.post("/auth/login", {"email": login.email, "password": login.password})
        if response.status_code == 200:
            body = response.json()
            roles.setdefault(body["user"]["role"], (login, body["expiresIn"]))
            server.platform.with_token(body["token"]).post("/auth/logout")
    return roles


def _has_clock(server: Server) -> bool:
    """Return whether the server has a control API that moves its clock."""
    response = server.at_origin("platform").get(f"{CONTROL}/clock")
    try:
        clock = response.json()
    except ValueError:
        return False
    return response.status_code == 200 and isinstance(clock, dict) and {"now", "frozen"} <= clock.keys()

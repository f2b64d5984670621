"""What `duologue serve` prints at its start: where it listens, how to get in, and what it serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duologue.contract import headers, operations
from duologue.contract.core import CHAT, PLATFORM, Service

if TYPE_CHECKING:
    from duologue_mock.server import MockServer


def show(mock: MockServer, *, exposed: bool = False) -> None:
    """Print the banner."""
    key = mock.api_key
    lines = [
        "",
        "  Duologue mock backend",
        "",
        f"  Platform   {mock.base_url}",
        f"  Chat       {mock.chat_base_url}",
        f"  Socket.IO  {mock.origin} and {mock.chat_origin}",
        f"  OpenAPI    {mock.origin}/openapi.json",
        "",
        *_credentials(mock),
        f"  API key    {key}   (header {headers.API_KEY}, with {headers.REFERENCE_CODE} and {headers.USER_ID})",
        "",
        *_table(PLATFORM),
        "",
        *_table(CHAT),
        "",
        "  Try it:",
        f"  curl -s {mock.base_url}/users",
        f"  curl -s {mock.chat_base_url}/chats -H '{headers.API_KEY}: {key}' -H '{headers.REFERENCE_CODE}: try-1' "
        f"-H '{headers.USER_ID}: anonymous-user'",
        "",
    ]
    if exposed:
        lines.insert(
            1, "  WARNING: other machines can reach this mock. It is made for development; it holds no secrets."
        )
    print("\n".join(lines), flush=True)


def _credentials(mock: MockServer) -> list[str]:
    with mock.state as state:
        users = [user for user, _ in zip(state.users, range(2), strict=False)]
    return [f"  Log in     {user.email} ({user.role})" + _password(mock) for user in users]


def _password(mock: MockServer) -> str:
    return "   password: password" if mock.settings.fixtures is None else ""


def _table(service: Service) -> list[str]:
    return [
        f"  {operation.method:<6} {operation.route:<48} {operation.summary}"
        for operation in operations()
        if operation.service is service
    ]

"""Where the two services are, and the variables that tell it to a front end."""

from __future__ import annotations

from dataclasses import dataclass

from duologue.contract.core import CHAT, PLATFORM


@dataclass(frozen=True)
class Origins:
    """The origins of the two services, as their callers reach them: `http://localhost:3001`.

    Args:
        platform: the platform's; Socket.IO is there too.
        chat: the chat service's, which may be the same.
    """

    platform: str
    chat: str

    @property
    def base_url(self) -> str:
        """Base URL of the platform's API."""
        return self.platform + PLATFORM.prefix

    @property
    def chat_base_url(self) -> str:
        """Base URL of the chat service's API."""
        return self.chat + CHAT.prefix

    def describe_servers(self) -> dict[str, str]:
        """Return what each origin serves."""
        if self.platform == self.chat:
            return {self.platform: "both services"}
        return {self.platform: "the platform", self.chat: "the chat service; both serve both"}

    def build_env_variables(self, api_key: str) -> dict[str, str]:
        """Return variables for Vite, and those that the code in the Platform API specification reads."""
        socket_url = self.platform.replace("http", "ws", 1)
        return {
            "VITE_API_URL": self.base_url,
            "VITE_CHAT_API_URL": self.chat_base_url,
            "VITE_WS_URL": socket_url,
            "VITE_API_KEY": api_key,
            "REACT_APP_API_BASE_URL": self.base_url,
            "REACT_APP_WS_URL": socket_url,
        }

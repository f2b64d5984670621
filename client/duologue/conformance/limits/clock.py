"""The time of a server, where it can be moved: by the control API of a Duologue mock."""

from __future__ import annotations

from dataclasses import dataclass, field

from duologue.conformance.target.caller import Api
from duologue.conformance.target.facts import CONTROL
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import unique

HEADER = "X-Mock-Namespace"


@dataclass(frozen=True)
class ClockedServer(Server):
    """A namespace of a mock, with data and a clock of its own: nothing else is affected."""

    namespace: str = field(default_factory=lambda: unique("conformance"))

    @property
    def anonymous(self) -> Api:
        """The platform, for a caller without a token."""
        return self._in_namespace(super().anonymous)

    @property
    def chat(self) -> Api:
        """The chat service, for a new user."""
        return self._in_namespace(super().chat)

    def advance(self, seconds: float) -> None:
        """Move the time forward."""
        response = self._control.post("/clock/advance", {"milliseconds": round(seconds * 1000)})
        assert response.status_code == 200, response.text

    def close(self) -> None:
        """Drop the namespace, with all that is in it, and close the connections."""
        try:
            self._control.delete(f"/namespaces/{self.namespace}")
        finally:
            self.session.close()

    @property
    def _control(self) -> Api:
        return self._in_namespace(Api(self.platform_origin + CONTROL, self.session, self.record))

    def _in_namespace(self, api: Api) -> Api:
        return api.with_headers(**{HEADER: self.namespace})

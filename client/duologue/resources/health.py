"""Whether the services are up."""

from __future__ import annotations

from duologue.contract import health
from duologue.contract.health import ErrorQuery, Health
from duologue.resources import Resource


class HealthChecks(Resource):
    """`api.health`: ask either service how it is, or for an error."""

    def platform(self) -> Health:
        """Return how the platform is."""
        return self._request(health.PLATFORM)

    def chats(self) -> Health:
        """Return how the chat service is; raise `AuthenticationError` if it does not know the API key."""
        return self._request(health.CHATS)

    def error(self, *, status: int = 500) -> None:
        """Ask the platform to fail with a status from 400 to 599, and raise the error that it answers.

        As with any call, a status that may pass is tried again first.
        """
        return self._request(health.ERROR, ErrorQuery(status))

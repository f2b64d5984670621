"""Whether the services are up."""

from __future__ import annotations

from duologue.contract import health
from duologue.contract.health import ErrorQuery, Health
from duologue.resources.raw_response import RawMethod, RawMethods
from duologue.resources.resource import Resource


class HealthChecks(Resource):
    """`api.health`: check whether the services are up, or have the platform fail."""

    def platform(self) -> Health:
        """Return the health of the platform."""
        return self._request(health.PLATFORM)

    def chats(self) -> Health:
        """Return the health of the chat service.

        Raises:
            AuthenticationError: it does not know the API key.
        """
        return self._request(health.CHATS)

    def error(self, *, status: int = 500) -> None:
        """Have the platform fail with a status, and raise that error; a retryable status is retried first, as ever.

        Args:
            status: 400 to 599.

        Raises:
            APIError: always.
        """
        return self._request(health.ERROR, ErrorQuery(status))

    @property
    def with_raw_response(self) -> HealthChecksWithRawResponse:
        """The same methods, returning the HTTP response besides the result: status, headers, body and attempts."""
        return HealthChecksWithRawResponse(self)


class HealthChecksWithRawResponse(RawMethods[HealthChecks]):
    """`api.health.with_raw_response`: the methods of `HealthChecks`, each returning a `RawResponse` of its result."""

    platform = RawMethod(HealthChecks.platform)
    chats = RawMethod(HealthChecks.chats)

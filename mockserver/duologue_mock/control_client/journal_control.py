"""Looking into a namespace: what it was asked, and whether that was as expected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from duologue_mock.control_client import journal
from duologue_mock.control_client.base_control import BaseControl
from duologue_mock.control_client.errors import ControlAPIError, WaitTimeoutError
from duologue_mock.control_client.events import ControlEvent, stream_events
from duologue_mock.control_client.journal import LoggedRequest
from duologue_mock.control_client.near_misses import describe_near_misses
from duologue_mock.control_client.patterns import Target, build_pattern, describe_target


class JournalControl(BaseControl):
    """The requests that a namespace received."""

    def requests(
        self,
        target: Target | None = None,
        *,
        body: Any = None,
        headers: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        limit: int | None = None,
        since: datetime | None = None,
        unmatched: bool = False,
    ) -> list[LoggedRequest]:
        """Return the requests that the namespace received, the first first.

        Args:
            target: only requests of this target; None for all.
            body: what their bodies have; as for `assert_called`. It, `headers` and `query` need a target.
            headers: their headers.
            query: their query parameters.
            limit: the last so many; None for all that the journal holds. It, `since` and `unmatched` are for all
                requests, without a target.
            since: only those that came later.
            unmatched: only those that matched no operation and no stub.

        Raises:
            TypeError: arguments that do not go together.
        """
        if target is None:
            if body is not None or headers or query:
                raise TypeError("body, headers and query need a target, as in requests(users.CREATE, body=…).")
            return journal.list_requests(self._transport, limit=limit, since=since, unmatched=unmatched)
        if limit is not None or since is not None or unmatched:
            raise TypeError("limit, since and unmatched are for all requests, without a target.")
        pattern = build_pattern(target, body=body, headers=headers, query=query)
        return journal.find_entries(self._transport, pattern)

    def assert_called(
        self,
        target: Target,
        *,
        times: int | None = None,
        body: Any = None,
        headers: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> list[LoggedRequest]:
        """Assert that requests came, and return them; the error says what came near.

            control.assert_called(users.CREATE, times=1, body={"email": "ada@example.com"})

        Args:
            target: the requests.
            times: how many exactly; None for at least one.
            body: what their bodies have: JSON, of which they may have more; a text; or a matcher in WireMock's words,
                as `{"matchesJsonPath": "$.email"}`.
            headers: values by name; None for a header that is absent; or matchers.
            query: values of query parameters by name, in the same way.

        Raises:
            AssertionError: they did not.
        """
        __tracebackhide__ = True  # pytest shows the caller's line
        pattern = build_pattern(target, body=body, headers=headers, query=query)
        requests = journal.find_requests(self._transport, pattern)
        if requests if times is None else len(requests) == times:
            return requests
        expected = "at least once" if times is None else _format_times(times)
        sentence = f"Expected {describe_target(target)}{_describe_conditions(body, headers, query)} {expected}; "
        sentence += f"it came {_format_times(len(requests))}."
        if len(requests) < (times or 1):
            sentence += "\n" + describe_near_misses(self._transport, pattern, body=body, headers=headers, query=query)
        raise AssertionError(sentence)

    def assert_not_called(
        self,
        target: Target,
        *,
        body: Any = None,
        headers: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> None:
        """Assert that no such request came; the arguments are those of `assert_called`.

        Raises:
            AssertionError: one came.
        """
        __tracebackhide__ = True
        self.assert_called(target, times=0, body=body, headers=headers, query=query)

    def wait_for(
        self,
        target: Target,
        *,
        count: int = 1,
        timeout: float = 10.0,
        body: Any = None,
        headers: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> list[LoggedRequest]:
        """Wait until so many requests have come, those before this call included, and return them.

        Args:
            target: the requests.
            count: how many.
            timeout: seconds to wait.
            body: as for `assert_called`.
            headers: as for `assert_called`.
            query: as for `assert_called`.

        Raises:
            WaitTimeoutError: they did not come in time; it says what came near.
        """
        pattern = build_pattern(target, body=body, headers=headers, query=query)
        wait = {**pattern, "count": count, "timeoutMilliseconds": round(timeout * 1000)}
        try:
            self._transport.call("POST", "/requests/wait", wait, wait=timeout)
        except ControlAPIError as error:
            if error.status != 408:
                raise
            title = f"{describe_target(target)} did not come {_format_times(count)} within {timeout:g} s"
            near = describe_near_misses(self._transport, pattern, body=body, headers=headers, query=query)
            raise WaitTimeoutError(408, title, detail=near) from None
        return journal.find_requests(self._transport, pattern)

    def clear_requests(self) -> None:
        """Empty the journal."""
        self._transport.call("DELETE", "/requests")

    def violations(self) -> list[Mapping[str, Any]]:
        """Return how requests broke the contract: each with the rule and what to do."""
        violations: list[Mapping[str, Any]] = self._transport.call("GET", "/violations")["violations"]
        return violations

    def count_violations(self) -> Mapping[str, int]:
        """Return how often each rule of the contract was broken, since the journal was cleared."""
        counts: Mapping[str, int] = self._transport.call("GET", "/violations", query={"limit": "0"})["byRule"]
        return counts

    def coverage(self) -> Mapping[str, Any]:
        """Return which operations and statuses were served since the last reset, and which events were sent."""
        coverage: Mapping[str, Any] = self._transport.call("GET", "/coverage")
        return coverage

    def events(self, *, after: str | None = None, timeout: float | None = None) -> Iterator[ControlEvent]:
        """Yield what happens in the namespace, as it happens; close the iterator to end it.

        Args:
            after: the id of an event; those after it that the journal still holds come first.
            timeout: seconds in which nothing may come before it ends with an error; None for no limit.
        """
        return stream_events(self._transport, after=after, timeout=timeout)


def _format_times(count: int) -> str:
    return {0: "0 times", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _describe_conditions(body: Any, headers: Mapping[str, Any] | None, query: Mapping[str, Any] | None) -> str:
    names = [name for name, value in (("body", body), ("headers", headers), ("query", query)) if value is not None]
    return f" with this {' and '.join(names)}" if names else ""

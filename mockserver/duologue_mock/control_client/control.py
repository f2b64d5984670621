"""`MockControl`: the control API of a mock, from Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from duologue_mock.control_client.address import DEFAULT_NAMESPACE, MockAddress, check_namespace
from duologue_mock.control_client.errors import ControlAPIError
from duologue_mock.control_client.journal_control import JournalControl
from duologue_mock.control_client.offline import Offline, go_offline, go_online
from duologue_mock.control_client.patterns import Target
from duologue_mock.control_client.realtime_control import RealtimeControl
from duologue_mock.control_client.snapshots import Snapshot, take_temporary
from duologue_mock.control_client.stubs import Delay, Fault, Stub, build_delay, build_mapping
from duologue_mock.control_client.transport import ControlTransport, join_path


class MockControl(JournalControl, RealtimeControl):
    """Steers one namespace of a mock server, in this process or elsewhere, over HTTP.

        control = MockControl("http://localhost:3001")
        control.stub(users.LIST, status=503, times=2)  # fails twice, then recovers

    A target names requests: an operation (`users.LIST` of `duologue.contract.users`), its id (`"users.LIST"`), a method
    and a path (`"GET /api/users/{id}"`), or a request pattern in WireMock's words (`{"urlPathPattern": "/api/.*"}`).

    Every method raises `ControlAPIError` if the mock refuses the call or does not respond. Threads may share a control,
    and a forked process may go on using it.

    Args:
        url: the mock's URL, on either of its ports; of `http://w1.localhost:3001`, the namespace is `w1`.
        namespace: the namespace; None for the one that the URL says, else `default`.
        token: what a mock asks for that other machines can reach: the token that it prints at start.
        timeout: seconds that a call may take.
        verify: whether to verify certificates, or the path of a bundle of authorities to verify them with.

    Attributes:
        clock: the namespace's clock, a `ControlClock`.
        snapshots: the namespace's snapshots by name, as `Snapshots`.

    Raises:
        ValueError: the URL, or the name of the namespace, is not valid.
    """

    def __init__(
        self,
        url: str,
        namespace: str | None = None,
        *,
        token: str | None = None,
        timeout: float = 30.0,
        verify: bool | str = True,
    ) -> None:
        address = MockAddress.parse(url, namespace)
        super().__init__(ControlTransport(address, token=token, timeout=timeout, verify=verify))

    # --- stubs

    def stub(
        self,
        target: Target,
        *,
        path: Mapping[str, Any] | None = None,
        where: Mapping[str, Any] | None = None,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        body_patch: Mapping[str, Any] | None = None,
        delay: Delay | None = None,
        fault: Fault | None = None,
        times: int | None = None,
        probability: float | None = None,
        priority: int | None = None,
        scenario: str | None = None,
        required_state: str | None = None,
        new_state: str | None = None,
        expires_after: float | None = None,
        persistent: bool | None = None,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Stub:
        """Have the mock respond to some requests in another way.

            control.stub(users.LIST, status=503, times=2)  # the contract's error, twice
            control.stub(users.GET, delay=1.5)  # the mock's own response, late
            control.stub(users.GET, body_patch={"name": "A very long name"})  # its own response, changed
            control.stub("GET /api/flags", body={"beta": True})  # a response of its own
            control.stub(users.LIST, fault="CONNECTION_RESET_BY_PEER", probability=0.1)

        Without a body or a fault, the response is the mock's own; with a status of 400 and above, it is the contract's
        error of that status, and the operation is not done.

        Args:
            target: the requests.
            path: values of the path's parameters by name: `{"id": "1"}`.
            where: what else they must have, in WireMock's words: `{"queryParameters": {"page": {"equalTo": "2"}}}`.
            status: the HTTP status.
            headers: response headers.
            body: the body: JSON, a text, or bytes.
            body_patch: a merge patch (RFC 7396) of the mock's own body.
            delay: seconds; or a range of seconds, `(0.2, 0.8)`; or a distribution in WireMock's words.
            fault: how the connection fails.
            times: how often it serves before it steps aside; None for always.
            probability: how likely it serves, from 0 to 1.
            priority: lower wins; 5 by default. Among equals the newest wins.
            scenario: the name of a scenario that it belongs to.
            required_state: the state that the scenario must be in.
            new_state: the state that the scenario is in afterwards.
            expires_after: seconds, by the namespace's clock, after which it is gone.
            persistent: keep it when the mock is reset.
            name: a name for people.
            metadata: JSON of the caller's.

        Raises:
            TypeError: the target is not one.
            ValueError: the target is a text that is not one.
        """
        mapping = build_mapping(
            target,
            path=path,
            where=where,
            status=status,
            headers=headers,
            body=body,
            body_patch=body_patch,
            delay=delay,
            fault=fault,
            expires_after=expires_after,
            times=times,
            probability=probability,
            priority=priority,
            scenarioName=scenario,
            requiredScenarioState=required_state,
            newScenarioState=new_state,
            persistent=persistent,
            name=name,
            metadata=metadata,
        )
        return self.add_mapping(mapping)

    def add_mapping(self, mapping: Mapping[str, Any]) -> Stub:
        """Add a stub in WireMock's words.

        Args:
            mapping: the mapping: `{"request": {…}, "response": {…}}`.
        """
        return Stub(self._transport, self._transport.call("POST", "/mappings", mapping))

    def stubs(self) -> list[Stub]:
        """Return all stubs, the newest first."""
        return [Stub(self._transport, mapping) for mapping in self._transport.call("GET", "/mappings")["mappings"]]

    def remove_stub(self, stub_id: str) -> None:
        """Remove a stub.

        Args:
            stub_id: its id.
        """
        self._transport.call("DELETE", join_path("mappings", stub_id))

    def remove_stubs(self) -> None:
        """Remove all stubs, the persistent ones too."""
        self._transport.call("DELETE", "/mappings")

    def offline(self, seconds: float | None = None) -> Offline:
        """Take the mock offline: every connection is reset, those of Socket.IO too, until `online` or `reset`.

        As a context manager it is online again when the block ends. Control calls go on working.

        Args:
            seconds: how long, by the mock's clock; None for no limit.
        """
        return go_offline(self._transport, seconds)

    def online(self) -> None:
        """End `offline`; does nothing if the mock is online."""
        go_online(self._transport)

    def set_delay(self, delay: Delay | None) -> None:
        """Delay every response that no stub delays.

        Args:
            delay: seconds; or a range of seconds, `(0.2, 0.8)`; or a distribution in WireMock's words; None for none.
        """
        names = {"fixedDelayMilliseconds": "fixedDelay"}
        self._transport.call(
            "POST", "/settings", {names.get(key, key): value for key, value in build_delay(delay).items()}
        )

    def settings(self) -> Mapping[str, Any]:
        """Return the global settings, in WireMock's words."""
        settings: Mapping[str, Any] = self._transport.call("GET", "/settings")["settings"]
        return settings

    # --- scenarios

    def scenarios(self) -> Mapping[str, str]:
        """Return the state of each scenario by its name."""
        return {one["name"]: one["state"] for one in self._transport.call("GET", "/scenarios")["scenarios"]}

    def set_scenario(self, name: str, state: str | None = None) -> None:
        """Put a scenario into a state.

        Args:
            name: its name.
            state: the state; None for the one that it started in.
        """
        body = None if state is None else {"state": state}
        self._transport.call("PUT", join_path("scenarios", name, "state"), body)

    # --- state

    def snapshot(self, name: str | None = None) -> Snapshot:
        """Take a snapshot of data, logins and clock. As a context manager, it is restored when the block ends.

            with control.snapshot():
                …

        Args:
            name: keep it under a name; None for one that is deleted when its block ends.
        """
        return take_temporary(self._transport) if name is None else self.snapshots.save(name)

    def preset(self, name: str) -> None:
        """Put the namespace into a named starting point: `empty`, `large`, `offline`, or one of your own.

        Args:
            name: the name of the preset.
        """
        self._transport.call("POST", join_path("presets", name))

    def export_state(self) -> Mapping[str, Any]:
        """Return the data of the namespace as one JSON document."""
        state: Mapping[str, Any] = self._transport.call("GET", "/state")
        return state

    def import_state(self, state: Mapping[str, Any]) -> None:
        """Replace the data of the namespace; an invalid document changes nothing.

        Args:
            state: what `export_state` returned.
        """
        self._transport.call("PUT", "/state", state)

    def reset_state(self) -> None:
        """Replace the data of the namespace by that of the fixtures."""
        self._transport.call("POST", "/state/reset")

    def reset(self) -> None:
        """Put the namespace back as it was after start: data, logins, clock, journal, stubs and settings.

        Stubs that are `persistent` stay.
        """
        self._transport.call("POST", "/reset")
        self._transport.call("DELETE", "/settings")

    # --- namespaces, and the mock as a whole

    def namespace(self, name: str) -> MockControl:
        """Return the control of another namespace, which is created when it is first used.

            other = control.namespace("worker-1")
            api = Client(base_url=other.base_url, chat_base_url=other.chat_base_url)

        Args:
            name: its name: a-z, 0-9 and `-`.

        Raises:
            ValueError: the name is not valid.
        """
        other = MockControl.__new__(MockControl)
        address = self._address.for_namespace(check_namespace(name))
        JournalControl.__init__(other, self._transport.for_namespace(address))
        return other

    def namespaces(self) -> list[str]:
        """Return the names of the mock's namespaces."""
        entries = self._transport.call("GET", "/namespaces")["namespaces"]
        return [str(entry["name"] if isinstance(entry, Mapping) else entry) for entry in entries]

    def create(self, *, preset: str | None = None, settings: Mapping[str, Any] | None = None) -> None:
        """Create the namespace, in place of one that exists.

            control.namespace("strict").create(settings={"require_auth": True})

        Args:
            preset: the named starting point; None for the mock's fixtures.
            settings: settings of `MockServer` that the namespace has of its own, by name.
        """
        given = {"preset": preset, "settings": None if settings is None else dict(settings)}
        body = {name: value for name, value in given.items() if value is not None}
        self._call_server("PUT", join_path("namespaces", self.name), body)

    def drop(self) -> Mapping[str, Any]:
        """Delete the namespace with all that is in it; one that does not exist is no error.

        Returns:
            What it has seen: `coverage`, as `coverage()` returns it, and `byRule`, as `count_violations()` does. Empty
            if it did not exist.
        """
        try:
            return self._call_server("DELETE", join_path("namespaces", self.name))
        except ControlAPIError as error:
            if error.status != 404:
                raise
            return {}

    def _call_server(self, method: str, path: str, body: object = None) -> Mapping[str, Any]:
        """Make a call about namespaces. It names none itself: one that a request names is created."""
        address = self._address.for_namespace(DEFAULT_NAMESPACE)
        response: Mapping[str, Any] = self._transport.for_namespace(address).call(method, path, body)
        return response

    def health(self) -> Mapping[str, Any]:
        """Return whether the mock is well, as it says itself."""
        health: Mapping[str, Any] = self._transport.call("GET", "/health")
        return health

    def shutdown(self) -> None:
        """Stop the whole mock, for all namespaces."""
        self._transport.call("POST", "/shutdown")

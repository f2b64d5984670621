"""One control call: a request is sent, and its JSON returned or a `ControlAPIError` raised."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

from duologue_mock.control_client.address import MockAddress
from duologue_mock.control_client.errors import ControlAPIError, build_error

PREFIX = "/__admin"

_POOL_SIZE = 8
"""Idle connections; as many threads may call at once without opening one for each call."""
_MAX_SHOWN = 200
"""Characters of another library's message that an error quotes."""


class ControlTransport:
    """Sends control calls to one namespace. Threads may share it; a forked process opens connections of its own.

    Args:
        address: the mock and the namespace.
        token: what a mock asks for that other machines can reach; None for none.
        timeout: seconds to connect, and between two pieces of a response.
        verify: whether to verify certificates, or the path of a bundle of authorities to verify them with.
    """

    def __init__(
        self, address: MockAddress, *, token: str | None = None, timeout: float = 30.0, verify: bool | str = True
    ) -> None:
        self.address = address
        self.timeout = timeout
        self._token = token
        self._verify = verify
        self._pools = _ForkSafePools(verify)

    def for_namespace(self, address: MockAddress) -> ControlTransport:
        """Return a transport to another namespace over the same connections."""
        other = ControlTransport(address, token=self._token, timeout=self.timeout, verify=self._verify)
        other._pools = self._pools
        return other

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, Any] | None = None,
        wait: float = 0.0,
    ) -> Any:
        """Make a call, and return the JSON of its response; None if it has none.

        Args:
            method: the HTTP method.
            path: the path below `/__admin`; its segments are quoted by `join_path`.
            body: JSON to send; None for no body.
            query: parameters; those that are None are left out.
            wait: seconds that the mock may take beyond the timeout, because it waits for something itself.

        Raises:
            ControlAPIError: the mock refused the call, or did not respond.
            TypeError: the body is not JSON.
            ValueError: the body is not JSON.
        """
        headers = dict(self._headers)
        data = None
        if body is not None:
            data = json.dumps(body, allow_nan=False).encode()
            headers["Content-Type"] = "application/json"
        timeout = urllib3.Timeout(connect=self.timeout, read=self.timeout + wait)
        with self._map_errors():
            response = self._pools.get().request(
                method, self._build_url(path, query), body=data, headers=headers, timeout=timeout
            )
            return _parse_response(response.status, response.data)

    @contextmanager
    def stream(
        self, path: str, *, headers: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> Iterator[Iterator[bytes]]:
        """Open a response that does not end by itself; the context has its body, as it arrives.

        Args:
            path: the path below `/__admin`.
            headers: headers to send besides.
            timeout: seconds that nothing may come; None for no limit.

        Raises:
            ControlAPIError: the mock refused the call, did not respond, or the response broke off.
        """
        limits = urllib3.Timeout(connect=self.timeout, read=timeout)
        with self._map_errors():
            response = self._pools.get().request(
                "GET",
                self._build_url(path, None),
                headers={**self._headers, **(headers or {})},
                timeout=limits,
                preload_content=False,
            )
            try:
                if response.status >= 400:
                    _parse_response(response.status, response.data)
                yield response.stream(65_536, decode_content=True)
            finally:
                response.close()

    @property
    def _headers(self) -> dict[str, str]:
        authorization = {} if self._token is None else {"Authorization": f"Token {self._token}"}
        return {"Accept": "application/json", **self.address.headers, **authorization}

    def _build_url(self, path: str, query: Mapping[str, Any] | None) -> str:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        return f"{self.address.origin}{PREFIX}{path}" + (f"?{urlencode(given)}" if given else "")

    @contextmanager
    def _map_errors(self) -> Iterator[None]:
        """Raise what urllib3 raises as an error of ours."""
        origin = self.address.origin
        try:
            yield
        except urllib3.exceptions.NewConnectionError:  # which is a timeout for urllib3, too
            hint = "Start a mock with `duologue serve`, or name another URL."
            raise ControlAPIError(None, f"No mock server responds at {origin}", detail=hint) from None
        except urllib3.exceptions.ConnectTimeoutError:
            raise ControlAPIError(None, f"No connection to {origin} within {self.timeout:g} s") from None
        except urllib3.exceptions.TimeoutError:
            raise ControlAPIError(None, f"No response from {origin} in time") from None
        except urllib3.exceptions.HTTPError as error:
            raise ControlAPIError(None, f"The call of {origin} failed", detail=str(error)[:_MAX_SHOWN]) from None


class _ForkSafePools:
    """urllib3's connections; a forked process must not use those of its parent.

    Args:
        verify: as for `ControlTransport`.
    """

    def __init__(self, verify: bool | str) -> None:
        self._verify = verify
        self._owner: tuple[int, urllib3.PoolManager] | None = None

    def get(self) -> urllib3.PoolManager:
        """Return the pools of this process."""
        owner, process = self._owner, os.getpid()
        if owner is None or owner[0] != process:
            owner = self._owner = (process, self._create())
        return owner[1]

    def _create(self) -> urllib3.PoolManager:
        options: dict[str, Any] = {"cert_reqs": "CERT_REQUIRED" if self._verify else "CERT_NONE"}
        if isinstance(self._verify, str):
            options["ca_certs"] = self._verify
        return urllib3.PoolManager(maxsize=_POOL_SIZE, retries=False, **options)


def join_path(*segments: str) -> str:
    """Return a path whose segments are quoted: `/snapshots/before%20lunch`."""
    return "".join(f"/{quote(segment, safe='')}" for segment in segments)


def _parse_response(status: int, data: bytes) -> Any:
    try:
        value = json.loads(data) if data.strip() else None
    except ValueError:
        value = data
    if status >= 400 or isinstance(value, bytes):
        raise build_error(status, value)
    return value

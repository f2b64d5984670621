"""The private names of libraries that are overridden or used here: each is still there, with the same parameters.

The extras in setup.cfg have upper bounds on these libraries, and CI runs this with the lowest and the newest versions.
"""

from __future__ import annotations

import http.client
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import engineio
import pytest
import socketio
import urllib3.connection
import urllib3.connectionpool
from gevent.pywsgi import WSGIHandler
from packaging.requirements import Requirement

import duologue
import duologue_mock
from tests.test_packaging import EXTRAS, SETUP, lines

POOL = urllib3.connectionpool.HTTPConnectionPool

PRIVATE_FUNCTIONS: list[tuple[Any, str, str]] = [
    (http.client.HTTPResponse, "_read_status", "self"),
    (http.client, "_read_headers", "fp"),
    (urllib3.connection.HTTPConnection, "_new_conn", "self"),
    (urllib3.connection.HTTPConnection, "_tunnel", "self"),
    (urllib3.connection.HTTPSConnection, "_connect_tls_proxy", "self hostname sock"),
    (POOL, "_get_conn", "self timeout"),
    (POOL, "_make_request", "self conn method url body headers retries timeout chunked response_conn"),
    (engineio.Client, "_send_request", "self method url headers body timeout"),
    (socketio.Client, "_engineio_client_class", "self"),
    (WSGIHandler, "_log_error", "self t v tb"),
    (WSGIHandler, "_send_error_response_if_possible", "self error_code"),
    (WSGIHandler, "_sendall", "self data"),
    (WSGIHandler, "_write_with_headers", "self data"),
]
"""What is overridden or called: its owner, its name, and the names of its first parameters."""

PRIVATE_ATTRIBUTES: list[tuple[object, str]] = [(urllib3.connection.HTTPConnection("localhost"), "_dns_host")]

BOUNDED = {"gevent", "python-engineio", "python-socketio", "urllib3", "websocket-client"}
"""The distributions that have these names, and what they stand on."""


def get_name(row: tuple[Any, str, str]) -> str:
    return f"{getattr(row[0], '__qualname__', row[0].__name__)}.{row[1]}"


@pytest.mark.parametrize("row", PRIVATE_FUNCTIONS, ids=get_name)
def test_private_function(row: tuple[Any, str, str]) -> None:
    owner, name, parameters = row
    names = [one for one in inspect.signature(getattr(owner, name)).parameters if one != "_MAXHEADERS"]
    assert names[: len(parameters.split())] == parameters.split()


@pytest.mark.parametrize(
    ("owner", "name"), PRIVATE_ATTRIBUTES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_private_attribute(owner: object, name: str) -> None:
    assert hasattr(owner, name)


def list_classes() -> Iterator[type]:
    for package in (duologue, duologue_mock):
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not info.name.endswith("__main__"):
                module = importlib.import_module(info.name)
                yield from (
                    one for one in vars(module).values() if inspect.isclass(one) and one.__module__ == info.name
                )


def list_overrides(one: type) -> Iterator[tuple[str, str]]:
    """Return the private functions that a class overrides, each with the package of the class that has it."""
    for name, value in vars(one).items():
        if name.startswith("_") and not name.endswith("_") and inspect.isfunction(value):
            for base in one.__mro__[1:]:
                package = base.__module__.partition(".")[0]
                if name in vars(base) and not package.startswith("duologue"):
                    yield package, name


def test_overrides_are_listed() -> None:
    """marshmallow documents `_serialize` and `_deserialize` for overriding."""
    listed = {name for _, name, _ in PRIVATE_FUNCTIONS}
    overrides = {override for one in list_classes() for override in list_overrides(one)}
    assert {name for package, name in overrides if package != "marshmallow"} <= listed


def test_upper_bounds() -> None:
    wanted = [*lines("options", "install_requires"), *(line for name in SETUP[EXTRAS] for line in lines(EXTRAS, name))]
    bounded = {one.name for one in map(Requirement, wanted) if any(each.operator == "<" for each in one.specifier)}
    assert bounded >= BOUNDED

"""The AsyncAPI 3.0 document of the events, built from the contract's own objects."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from duologue._version import __version__
from duologue.contract import events
from duologue.contract.core import Event
from duologue_mock.openapi import examples
from duologue_mock.openapi.schemas import build_schemas, get_schema_name
from duologue_mock.origins import Origins

_CHANNEL = "events"
_DESCRIPTION = """What the services tell their clients over Socket.IO (protocol 5, on Engine.IO 4), at the default path
and in the default namespace. Both origins send the same events. An event is sent after its change is stored.

A client that connects without credentials receives the public events about users; where the server requires
authentication, it is refused. A refusal is a `connect_error` whose `data` is the common error body."""
_SECURITY = MappingProxyType(
    {
        "token": {
            "type": "apiKey",
            "in": "password",
            "description": "`auth: {token}` of the handshake, with the `token` of `POST /api/auth/login`: a user of "
            "the platform.",
        },
        "apiKey": {
            "type": "userPassword",
            "description": "`auth: {apiKey, userId}` of the handshake: a user of the chat service, and its key.",
        },
    }
)
_HANDSHAKE = MappingProxyType(
    {
        "method": "GET",
        "query": {
            "type": "object",
            "properties": {
                "EIO": {"const": "4", "description": "The version of Engine.IO."},
                "transport": {"enum": ["polling", "websocket"]},
            },
            "required": ["EIO", "transport"],
        },
        "bindingVersion": "0.1.0",
    }
)


def build_document(origins: Origins) -> dict[str, Any]:
    """Return the whole document.

    Args:
        origins: where the services are.
    """
    return {**_build_about(), "servers": _build_servers(origins), **_build_channels()}


def _build_about() -> dict[str, Any]:
    resources = dict.fromkeys(event.resource for event in events())
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Duologue: events of both services",
            "version": __version__,
            "description": _DESCRIPTION,
            "license": {"name": "MIT"},
            "contact": {"name": "Duologue"},
            "tags": [{"name": name, "description": f"Events about {name.replace('_', ' ')}."} for name in resources],
        },
        "defaultContentType": "application/json",
    }


def _build_servers(origins: Origins) -> dict[str, Any]:
    urls = {"platform": origins.platform} | ({"chat": origins.chat} if origins.chat != origins.platform else {})
    return {name: _build_server(url) for name, url in urls.items()}


def _build_server(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    return {
        "host": parts.netloc,
        "protocol": "wss" if parts.scheme == "https" else "ws",
        "pathname": "/socket.io/",
        "description": f"Socket.IO at `{url}`, by websocket alone or by polling that upgrades.",
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in _SECURITY],
    }


@cache
def _build_channels() -> dict[str, Any]:
    return {
        "channels": {
            _CHANNEL: {
                "address": "/",
                "title": "Events",
                "description": "Socket.IO's default namespace.",
                "messages": {event.id: {"$ref": f"#/components/messages/{event.id}"} for event in events()},
                "bindings": {"ws": dict(_HANDSHAKE)},
            }
        },
        "operations": {f"send.{event.id}": _build_operation(event) for event in events()},
        "components": {
            "messages": {event.id: _build_message(event) for event in events()},
            "schemas": build_schemas(event.payload for event in events()),
            "securitySchemes": {name: dict(scheme) for name, scheme in _SECURITY.items()},
        },
    }


def _build_operation(event: Event[Any]) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{_CHANNEL}"},
        "title": event.name,
        "summary": event.summary,
        "description": f"Sent to {event.audience.value}.",
        "tags": [{"name": event.resource}],
        "messages": [{"$ref": f"#/channels/{_CHANNEL}/messages/{event.id}"}],
    }


def _build_message(event: Event[Any]) -> dict[str, Any]:
    return {
        "name": event.name,
        "title": event.name,
        "summary": event.summary,
        "description": f"The event `{event.name}`, sent to {event.audience.value}.",
        "payload": {"$ref": f"#/components/schemas/{get_schema_name(event.payload)}"},
        **examples.get_event_examples(event),
    }

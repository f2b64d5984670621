"""Settings of the mock that a namespace has of its own, read from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from duologue_mock.control.errors import invalid
from duologue_mock.control.json_keys import join_pointer, read_object
from duologue_mock.http.namespaces import RUN_TIME_SETTINGS
from duologue_mock.settings import SETTINGS, Settings


def read_settings(value: Any, pointer: str, base: Settings) -> Settings:
    """Return settings in which some differ from others.

    Args:
        value: the JSON: values by name. Null is `off`, where a setting can be off.
        pointer: where it is (RFC 6901).
        base: the settings that all others are taken from.

    Raises:
        ControlError: a setting that does not exist or is not one of a namespace, or a value that is not valid.
    """
    others = dict.fromkeys(SETTINGS, "It is one of the whole mock: start the mock with it.")
    read_object(value, pointer, RUN_TIME_SETTINGS, unsupported=others)
    changed: dict[str, Any] = dict(base.values)
    for name, one in value.items():
        try:
            SETTINGS.validate({name: one})
        except (ValueError, TypeError) as error:
            raise invalid(join_pointer(pointer, name), f"{error}.") from None
        changed[name] = one
    return Settings(**changed)


def list_differences(settings: Settings, base: Settings) -> Mapping[str, Any]:
    """Return the settings of a namespace that differ from those of the mock."""
    values: Mapping[str, Any] = settings.values
    others: Mapping[str, Any] = base.values
    return {name: values[name] for name in RUN_TIME_SETTINGS if values[name] != others[name]}

"""JSON Merge Patch (RFC 7396): what a stub lays over the mock's own response."""

from __future__ import annotations

from typing import Any


def apply_merge_patch(target: Any, patch: Any) -> Any:
    """Return `target` with a patch laid over it: null removes, objects are merged, all else replaces.

    Neither is changed. The depth of a patch is bounded, as that of all JSON here.
    """
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = apply_merge_patch(result.get(name), value)
    return result

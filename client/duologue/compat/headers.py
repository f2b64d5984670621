"""`validate_headers`, of the Smart Chat API specification."""

from __future__ import annotations

from collections.abc import Mapping

from duologue.contract import headers

_REQUIRED = (headers.API_KEY, headers.REFERENCE_CODE, headers.USER_ID)


def validate_headers(sent: Mapping[str, str]) -> bool:
    """Return whether headers have all that a chat call must carry, none of it blank.

    Args:
        sent: the headers, named in any case.
    """
    present = {name.lower() for name, value in sent.items() if value.strip()}
    return all(name.lower() in present for name in _REQUIRED)

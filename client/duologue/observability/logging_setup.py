"""What the client tells the `duologue` logger, and `DUOLOGUE_LOG`, which shows it without further set-up.

`info` tells of what is out of the ordinary: a retry, a refreshed login. `debug` tells of every attempt, with its
headers; secrets are covered. `warning` tells of what somebody should look into.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

VARIABLE = "DUOLOGUE_LOG"

log = logging.getLogger("duologue")
log.addHandler(logging.NullHandler())  # nobody sees anything who has not asked for it

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}


class _Shown(logging.StreamHandler):  # type: ignore[type-arg]  # generic only for type checkers
    """Our own handler, which we recognise when we meet it again."""


def configure_from_env(environ: Mapping[str, str]) -> None:
    """Write the log to standard error if `DUOLOGUE_LOG` is `debug`, `info` or `warning`; once, whoever else asks.

    Raises:
        ValueError: the variable says something else.
    """
    told = environ.get(VARIABLE, "").strip().lower()
    if not told:
        return
    if told not in _LEVELS:
        raise ValueError(f"{VARIABLE} must be one of {', '.join(_LEVELS)}, not {told!r}")
    if not any(isinstance(handler, _Shown) for handler in log.handlers):
        handler = _Shown()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        log.addHandler(handler)
    log.setLevel(_LEVELS[told])

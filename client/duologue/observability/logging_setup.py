"""The `duologue` logger, and `DUOLOGUE_LOG`, which writes its log to standard error without further configuration.

`debug` has every attempt with its headers, secrets masked; `info` what is out of the ordinary, as a retry or a
refreshed token; `warning` what should be looked into.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

VARIABLE = "DUOLOGUE_LOG"

log = logging.getLogger("duologue")
log.addHandler(logging.NullHandler())  # nothing is shown unless a program configures logging

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}


class _StderrHandler(logging.StreamHandler):  # type: ignore[type-arg]  # generic only for type checkers
    """The handler of `configure_from_env`, a class of its own so that it is added once."""


def configure_from_env(environ: Mapping[str, str]) -> None:
    """Write the log to standard error if `DUOLOGUE_LOG` is `debug`, `info` or `warning`; a further call sets the level.

    Args:
        environ: the environment variables.

    Raises:
        ValueError: the variable has another value.
    """
    level = environ.get(VARIABLE, "").strip().lower()
    if not level:
        return
    if level not in _LEVELS:
        raise ValueError(f"{VARIABLE} must be one of {', '.join(_LEVELS)}, not {level!r}")
    if not any(isinstance(handler, _StderrHandler) for handler in log.handlers):
        handler = _StderrHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        log.addHandler(handler)
    log.setLevel(_LEVELS[level])

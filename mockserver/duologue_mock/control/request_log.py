"""The request log: a line for every request, which says why it was refused, and how it broke the contract."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

from duologue_mock.control.journal.redaction import Redactor
from duologue_mock.control.journal.violation import Violation
from duologue_mock.control.watching.rules import get_violations
from duologue_mock.errors import HTTPError
from duologue_mock.http.messages import Request, Response

_MAX_PATH = 300
_MAX_REASON = 200


def log_request(request: Request, response: Response) -> None:
    """Print a request: time, method, path, status, the code and first reason of an error, and milliseconds.

    Where it broke the contract, the rules are named in brackets. Passwords, tokens and keys in the URL are not shown.
    This is a request hook. Control characters, which a request could steer the terminal with, are escaped.
    """
    milliseconds = (time.perf_counter() - request.started_at) * 1000
    path = Redactor().redact_url(f"{request.path}?{request.query_string}") if request.query_string else request.path
    shown = f"{response.status}" + (f" {_format_reason(response.error)}" if response.error else "")
    shown += _format_rules(get_violations(request, response))
    now = time.strftime("%H:%M:%S")
    _print(f"{now} {request.method[:10] or '(none)':<7} {_escape(path[:_MAX_PATH])} {shown} {milliseconds:.1f} ms\n")


def _format_reason(error: HTTPError) -> str:
    return _escape(f"{error.code} {error.reasons[0][:_MAX_REASON]}")


def _format_rules(violations: Sequence[Violation]) -> str:
    rules = dict.fromkeys(violation.rule for violation in violations)
    return f" [{', '.join(rules)}]" if rules else ""


def _escape(text: str) -> str:
    """Return `text` in printable ASCII: what it holds may come from a request, and any terminal can show it."""
    return text.encode("unicode_escape").decode("ascii")


def _print(line: str) -> None:
    try:
        sys.stdout.write(line)
        sys.stdout.flush()
    except OSError:
        _silence_stdout()


def _silence_stdout() -> None:
    """Write to nowhere from now on: the reader is gone, as after `duologue serve | head`, and serving goes on."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)

"""From the result of a run to the page: the templates lay it out, with everything escaped."""

from __future__ import annotations

import shlex
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from duologue.conformance.reports.html.json_text import compare_json, dump_json, format_body, has_members
from duologue.conformance.reports.html.sections import (
    build_matrix,
    describe_operations,
    group_by_reason,
    group_by_stage,
    label_outcomes,
    list_known,
)
from duologue.conformance.reports.text import count, describe_verdict, escape_unprintable, list_tests
from duologue.conformance.running.grouping import Group, group_result
from duologue.conformance.running.result import Result

_PACKAGE = "duologue.conformance.reports.html"


def render_html(result: Result) -> str:
    """Return the report as a page; whatever the server sent is text in it, and nothing else.

    Args:
        result: of the run.
    """
    environment = _build_environment()
    style, script = (_read_source(environment, name) for name in ("page.css", "page.js"))
    return environment.get_template("page.html").render(
        _build_context(result), style=style, script=script, policy=_build_policy(style, script)
    )


def _build_environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters |= {"count": count, "dump": dump_json, "format_body": format_body}
    environment.globals |= {"compare": compare_json, "has_members": has_members, "get_phrase": _get_phrase}
    return environment


def _finalize(value: Any) -> Any:
    """Return a value as it is shown: unprintable characters are visible, but in the templates' own text."""
    return value if hasattr(value, "__html__") else escape_unprintable(str(value), keep="\n\t")


def _read_source(environment: Environment, name: str) -> str:
    loader = environment.loader
    assert loader is not None
    return loader.get_source(environment, name)[0]


def _build_policy(style: str, script: str) -> str:
    """Return the content security policy: this style and this script, and nothing from anywhere."""
    sources = f"style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    return f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode('utf-8')).digest()).decode('ascii')}"


def _build_context(result: Result) -> Mapping[str, Any]:
    groups = group_result(result)
    return {
        "result": result,
        "verdict": describe_verdict(result, groups).rstrip("."),
        "groups": groups,
        "rules": {outcome.id: outcome for outcome in result.outcomes},
        "labels": label_outcomes(result),
        "stages": group_by_stage(result.outcomes),
        "reasons": group_by_reason(result),
        "known": list_known(result),
        "matrix": build_matrix(result.coverage),
        "operations": describe_operations(),
        "command": _build_command(result, groups),
    }


def _build_command(result: Result, groups: Sequence[Group]) -> str:
    """Return the command line that checks again what is broken; credentials belong into variables."""
    rules = ",".join(list_tests(groups))
    only = ["--only", rules] if rules else []
    words = ["duologue", "check", result.base_url, "--chat-url", result.chat_base_url, *only]
    return shlex.join([*words, "--seed", str(result.seed)])


def _get_phrase(status: str) -> str:
    """Return what a status is called; empty if it has no name."""
    known = {str(one.value): one.phrase for one in HTTPStatus}
    return known.get(status, "")

"""`duologue check`, from the command line to its exit status."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from duologue.cli.command_group import commands
from duologue.contract import health
from duologue_mock import MockServer

pytestmark = pytest.mark.slow

Check = Callable[..., Result]


@pytest.fixture
def mock() -> Iterator[MockServer]:
    with MockServer(rate_limit=None) as mock:
        yield mock


@pytest.fixture
def check(mock: MockServer) -> Check:
    """Runs the command on the mock, with the rules of health checks unless others are named."""

    def invoke(*options: str, only: str = "health", **variables: str) -> Result:
        environ = {"DUOLOGUE_BASE_URL": mock.base_url, "DUOLOGUE_CHAT_BASE_URL": mock.chat_base_url, **variables}
        return CliRunner().invoke(commands, ["check", "--only", only, *options], env=environ)

    return invoke


def break_health_check(mock: MockServer) -> None:
    mock.control.stub(health.CHATS, body_patch={"uptime": "long"})


def get_end(result: Result) -> str:
    """The last twenty lines."""
    return "\n".join(result.stdout.splitlines()[-20:])


def test_contract_is_kept(check: Check) -> None:
    result = check()

    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1].startswith("KEPT: ")
    assert " tests, " in result.stderr


def test_contract_is_broken(check: Check, mock: MockServer) -> None:
    break_health_check(mock)

    result = check("--seed", "7")

    assert result.exit_code == 1, result.output
    end = get_end(result)
    for text in (
        "1. errors.body",
        "$ curl --include",
        "/chats-service/api/v1/health",
        "request id",
        "--only health.",
        "--seed 7",
        "BROKEN: ",
    ):
        assert text in end


@pytest.mark.parametrize(
    ("variables", "options", "sentence"),
    [
        ({"DUOLOGUE_BASE_URL": "http://localhost:1"}, [], "localhost:1 cannot be reached"),
        ({"DUOLOGUE_API_KEY": "wrong"}, [], "refuses the API key"),
        ({}, ["--login", "john@example.com:wrong"], "refuses the login of john@example.com"),
        ({}, ["--baseline", "no-such-file.toml"], "cannot be read"),
        ({}, ["--skip", "health"], "No rule is left"),
        ({}, ["--login", "john"], "EMAIL:PASSWORD"),
        ({}, ["--rate-limit", "fast"], "'fast' is not a rate"),
        ({}, ["--report", "pdf=report.pdf"], "'pdf=report.pdf' is not one of html=FILE, json=FILE, junit=FILE"),
        ({}, ["--report", "json"], "'json' is not one of"),
    ],
)
def test_nothing_can_be_judged(check: Check, variables: dict[str, str], options: list[str], sentence: str) -> None:
    result = check(*options, **variables)

    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in " ".join(result.stderr.split())


def test_reports(check: Check, mock: MockServer, tmp_path: Path) -> None:
    break_health_check(mock)
    junit, report, page = tmp_path / "new" / "junit.xml", tmp_path / "report.json", tmp_path / "report.html"

    result = check("--report", f"junit={junit},json={report}", "--report", f"html={page}")

    assert f"Reports     {junit}, {report}, {page}" in result.stdout
    assert ET.parse(junit).getroot().find(".//failure") is not None
    assert json.loads(report.read_text("utf-8"))["verdict"] == "broken"
    assert "<title>Broken: " in page.read_text("utf-8")


def test_report_that_cannot_be_written(check: Check, tmp_path: Path) -> None:
    result = check("--report", f"json={tmp_path}")

    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


def test_json(check: Check) -> None:
    result = check("--json")

    assert json.loads(result.stdout)["verdict"] == "kept"


def test_baseline(check: Check, mock: MockServer, tmp_path: Path) -> None:
    baseline = tmp_path / "known.toml"
    break_health_check(mock)

    assert check("--write-baseline", str(baseline)).exit_code == 1
    known = check("--baseline", str(baseline))
    assert known.exit_code == 0, known.output
    assert "of the baseline: errors.body, responses.body" in known.stdout
    mock.control.remove_stubs()
    fixed = check("--baseline", str(baseline))

    assert fixed.exit_code == 0
    assert "Fixed       remove from the baseline: errors.body, responses.body" in fixed.stdout


def test_fail_under(check: Check) -> None:
    result = check("--fail-under", "99.5")

    assert result.exit_code == 1
    assert "coverage is less than 99.5 %" in result.stdout.splitlines()[-1]


def test_list(check: Check) -> None:
    lines = check("--list").stdout.splitlines()

    rules = [line.split()[0] for line in lines if line.startswith("  health.")]
    assert rules
    assert lines[-1] == f"{len(rules)} rules"
    assert [rule["id"] for rule in json.loads(check("--list", "--json").stdout)] == rules


def test_explain(check: Check) -> None:
    rules = json.loads(check("--list", "--json").stdout)

    lines = check("--explain", rules[0]["id"]).stdout.splitlines()

    assert lines[:2] == [f"{rules[0]['id']}: {rules[0]['sentence']}", f"Source: {rules[0]['source']}"]
    assert json.loads(check("--explain", rules[0]["id"], "--json").stdout) == rules[0]


@pytest.mark.parametrize(
    ("id", "sentence"), [("health", "is the start of several rules"), ("healht", "Did you mean health")]
)
def test_explain_without_a_rule(check: Check, id: str, sentence: str) -> None:
    result = check("--explain", id)

    assert result.exit_code == 2
    assert sentence in result.stderr

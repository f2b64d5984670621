"""The command line of the benchmark."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import bars, contenders, install, interrupts, load, measure, noise, ours, scale, soak, table
from benchmarks.contenders import Contender
from benchmarks.measure import Plan, say
from benchmarks.process import StartError

MISSED, CANNOT_RUN, INTERRUPTED = 1, 2, 130
BUSY = 0.5  # load average before the start, above which somebody else is at work on this machine


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for; the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.seconds = options.seconds or (1 if options.quick else 5)
    if not load.has_wrk():
        say(load.HOW_TO_GET_WRK)
        return CANNOT_RUN
    interrupts.install()
    try:
        return _run(options)
    except KeyboardInterrupt:
        say("interrupted; everything that was started has been ended")
        return INTERRUPTED
    except (StartError, load.WrkError) as failure:
        say(f"could not measure: {failure}")
        return CANNOT_RUN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchmarks.server",
        description="Measure our mock server beside its peers, and print who is faster, lighter and sooner up.",
    )
    add = parser.add_argument
    add("--seconds", type=_positive, metavar="N", help="measure each case for N seconds a round (5)")
    add("--rounds", type=_positive, metavar="N", help="take N turns (3)")
    add("--connections", type=_positive, default=16, metavar="N", help="keep N connections busy (16)")
    add("--warm-up", type=int, default=1, metavar="N", help="warm each case up for N seconds (1)")
    add("--quick", action="store_true", help="one round of a second: to see that it works, not to compare")
    add("--only", action="append", default=[], metavar="NAME", help="only this server; may be given again")
    add("--ours", default=ours.COMMAND, metavar="COMMAND", help="start ours with this command, which has {port} in it")
    add("--json", type=Path, metavar="FILE", help="write everything that was measured to FILE too")
    add("--enforce", action="store_true", help=f"exit with {MISSED} unless every bar is held")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--soak", action="store_true", help="instead: does our memory stay flat over a million requests?")
    mode.add_argument("--scale", action="store_true", help="instead: is a page as fast among 100,000 users?")
    add("--soak-requests", type=_positive, default=1_000_000, metavar="N", help="send N requests (1000000)")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def _run(options: argparse.Namespace) -> int:
    plan = Plan(options.rounds, options.seconds, options.warm_up, options.connections)
    if options.soak:
        soaked = soak.soak(options.ours, options.soak_requests, options.connections)
        return _finish(options, [soaked.bar()], {"soak": asdict(soaked)})
    if options.scale:
        scaled = scale.scale(options.ours, plan)
        return _finish(options, scaled.bars(), {"scale": asdict(scaled)})
    return _compare(options, plan)


def _compare(options: argparse.Namespace, plan: Plan) -> int:
    chosen = _chosen(options)
    if not chosen:
        return CANNOT_RUN
    say(f"{_machine_line()}\nthis takes about {plan.duration(len(chosen)):.0f} s")
    watch = noise.Watch()
    runs = measure.rounds(chosen, plan)
    others = watch.share_of_others()
    tables = table.tables(chosen, runs)
    print("\n\n".join(table.render(each) for each in tables), end="\n\n")
    versions = {each.name: each.version for each in chosen if each.version}
    if versions:
        print("peers:", ", ".join(f"{name} {version}" for name, version in versions.items()))
    print(noise.verdict(others), end="\n\n")
    everything = {"versions": versions, "share_of_others": others, "rounds": [asdict(run) for run in runs]}
    return _finish(options, bars.of_comparison(tables), everything | {"tables": [asdict(each) for each in tables]})


def _chosen(options: argparse.Namespace) -> list[Contender]:
    """Those that were asked for and can take part; says of each of the others why it does not."""
    everybody = [contenders.our_own(options.ours), *contenders.PEERS]
    wanted = [each for each in everybody if _is_wanted(each, options.only)]
    unknown = {name.lower() for name in options.only} - {each.name.lower() for each in everybody}
    if unknown:
        say(f"no such server: {', '.join(sorted(unknown))}; there are {', '.join(each.name for each in everybody)}")
        return []
    problem = install.install() if any(each.package for each in wanted) else ""
    if problem:
        say(f"the peers could not be installed: {problem}")
    missing = {each.name: (problem if each.package else "") or each.why_missing() for each in wanted}
    for name, reason in missing.items():
        if reason:
            print(f"skipped: {name} ({reason})")
    return [each for each in wanted if not missing[each.name]]


def _is_wanted(contender: Contender, only: Sequence[str]) -> bool:
    if only:
        return contender.name.lower() in {name.lower() for name in only}
    return not contender.by_name_only


def _finish(options: argparse.Namespace, found: Sequence[bars.Bar], everything: dict[str, Any]) -> int:
    for bar in found:
        print(bar)
    if options.json:
        asked = {name: str(value) for name, value in vars(options).items() if name not in ("json", "ours")}
        everything |= {"machine": _machine(), "options": asked, "bars": [asdict(bar) for bar in found]}
        options.json.write_text(json.dumps(everything, indent=2) + "\n")
    return MISSED if options.enforce and not all(bar.held for bar in found) else 0


def _machine() -> dict[str, Any]:
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def _machine_line() -> str:
    machine = _machine()
    load_average = os.getloadavg()[0]
    busy = " (busy with something else: expect noise)" if load_average > BUSY else ""
    return f"{machine['cores']} x {machine['processor']}, Python {machine['python']}, load {load_average:.2f}{busy}"


def _processor() -> str:
    """The model's name, which only this file knows on Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    sys.exit(main())

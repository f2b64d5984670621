"""The command line of the server benchmark."""

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
from benchmarks.measure import Plan, log
from benchmarks.process import StartError

EXIT_BAR_MISSED, EXIT_CANNOT_RUN, EXIT_INTERRUPTED = 1, 2, 130
BUSY_LOAD = 0.5  # load average before the run, above which other programs are using this machine


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark that the arguments select, and return the exit code."""
    options = _build_parser().parse_args(arguments)
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.seconds = options.seconds or (1 if options.quick else 5)
    if not load.is_wrk_installed():
        log(load.WRK_NOT_INSTALLED)
        return EXIT_CANNOT_RUN
    interrupts.install_handlers()
    try:
        return _run(options)
    except KeyboardInterrupt:
        log("Interrupted. All started processes have been stopped.")
        return EXIT_INTERRUPTED
    except (StartError, load.WrkError) as error:
        log(f"Could not measure: {error}")
        return EXIT_CANNOT_RUN


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchmarks.server",
        description="Compare the speed, memory and start-up time of our mock server with those of its peers.",
    )
    add = parser.add_argument
    add("--seconds", type=_positive_int, metavar="N", help="measure each case for N seconds a round (5)")
    add("--rounds", type=_positive_int, metavar="N", help="measure N rounds (3)")
    add("--connections", type=_positive_int, default=16, metavar="N", help="send over N connections (16)")
    add("--warm-up", type=int, default=1, metavar="N", help="warm up each case for N seconds (1)")
    add("--quick", action="store_true", help="one round of one second: to check that it runs, not to compare")
    add("--only", action="append", default=[], metavar="NAME", help="only this server; may be repeated")
    add(
        "--ours", default=ours.COMMAND, metavar="COMMAND", help="start our server with this command; {port} is replaced"
    )
    add("--json", type=Path, metavar="FILE", help="also write all measurements to FILE")
    add("--enforce", action="store_true", help=f"exit with {EXIT_BAR_MISSED} unless every bar is held")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--soak", action="store_true", help="instead: check that memory stays flat over many requests")
    mode.add_argument("--scale", action="store_true", help="instead: compare page times at 1,000 and 100,000 users")
    add("--soak-requests", type=_positive_int, default=1_000_000, metavar="N", help="send N requests (1000000)")
    return parser


def _positive_int(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def _run(options: argparse.Namespace) -> int:
    plan = Plan(options.rounds, options.seconds, options.warm_up, options.connections)
    if options.soak:
        soak_result = soak.run_soak(options.ours, options.soak_requests, options.connections)
        return _finish(options, [soak_result.build_bar()], {"soak": asdict(soak_result)})
    if options.scale:
        scale_result = scale.run_scale(options.ours, plan)
        return _finish(options, scale_result.build_bars(), {"scale": asdict(scale_result)})
    return _compare(options, plan)


def _compare(options: argparse.Namespace, plan: Plan) -> int:
    selected = _select_contenders(options)
    if not selected:
        return EXIT_CANNOT_RUN
    log(f"{_format_machine()}\nThis takes about {plan.estimate_seconds(len(selected)):.0f} s.")
    meter = noise.NoiseMeter()
    results = measure.run_rounds(selected, plan)
    share_of_others = meter.get_share_of_others()
    tables = table.build_tables(selected, results)
    print("\n\n".join(table.render(each) for each in tables), end="\n\n")
    versions = {contender.name: contender.version for contender in selected if contender.version}
    if versions:
        print("peers:", ", ".join(f"{name} {version}" for name, version in versions.items()))
    print(noise.format_share(share_of_others), end="\n\n")
    report = {
        "versions": versions,
        "share_of_others": share_of_others,
        "rounds": [asdict(result) for result in results],
        "tables": [asdict(each) for each in tables],
    }
    return _finish(options, bars.build_comparison_bars(tables), report)


def _select_contenders(options: argparse.Namespace) -> list[Contender]:
    """Return the selected contenders that can run here, and print why each of the others cannot."""
    available = [contenders.build_our_contender(options.ours), *contenders.PEERS]
    selected = [contender for contender in available if _is_selected(contender, options.only)]
    unknown = {name.lower() for name in options.only} - {contender.name.lower() for contender in available}
    if unknown:
        names = ", ".join(contender.name for contender in available)
        log(f"Unknown server: {', '.join(sorted(unknown))}. Choose from: {names}.")
        return []
    install_problem = install.install_peers() if any(contender.package for contender in selected) else ""
    if install_problem:
        log(f"The peers could not be installed: {install_problem}")
    runnable = []
    for contender in selected:
        problem = (install_problem if contender.package else "") or contender.get_missing_dependency()
        if problem:
            print(f"skipped: {contender.name} ({problem})")
        else:
            runnable.append(contender)
    return runnable


def _is_selected(contender: Contender, only: Sequence[str]) -> bool:
    if only:
        return contender.name.lower() in {name.lower() for name in only}
    return not contender.by_name_only


def _finish(options: argparse.Namespace, results: Sequence[bars.Bar], report: dict[str, Any]) -> int:
    """Print the bars, write the JSON report if requested, and return the exit code."""
    for bar in results:
        print(bar)
    if options.json:
        used_options = {name: str(value) for name, value in vars(options).items() if name not in ("json", "ours")}
        report |= {"machine": _describe_machine(), "options": used_options, "bars": [asdict(bar) for bar in results]}
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    return EXIT_BAR_MISSED if options.enforce and not all(bar.held for bar in results) else 0


def _describe_machine() -> dict[str, Any]:
    return {
        "system": platform.platform(),
        "processor": _get_processor_name(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def _format_machine() -> str:
    machine = _describe_machine()
    load_average = os.getloadavg()[0]
    busy = " (other programs are running: expect noise)" if load_average > BUSY_LOAD else ""
    return f"{machine['cores']} x {machine['processor']}, Python {machine['python']}, load {load_average:.2f}{busy}"


def _get_processor_name() -> str:
    """Return the processor's model name: on Linux from /proc/cpuinfo, since `platform` does not know it there."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    sys.exit(main())

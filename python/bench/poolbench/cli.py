"""The command line: which scenarios, how many rounds, where the figures go."""

from __future__ import annotations

import argparse
import importlib.util
import shlex
import sys
import time
from pathlib import Path

import poolbench.scenarios  # noqa: F401  (registers the scenarios)
from poolbench import environment, markdown, plot, record
from poolbench.libraries import CONTROL, PEERS, SUBJECT
from poolbench.runner import PEER_ROUNDS, run
from poolbench.scenario import SCENARIOS
from poolbench.summary import Results

ROUNDS = 7
QUICK_ROUNDS = 3


def main() -> int:
    """Run the scenarios asked for, print the table, and return the exit status."""
    options = parse_arguments()
    if options.list:
        list_scenarios()
        return 0
    problem = find_missing(options.subject) or markdown.find_problem(options.markdown)
    if problem is not None:
        print(problem, file=sys.stderr)
        return 2

    try:
        results = measure_all(options)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    # A peer that fails is reported, and no failure of the run.
    is_failed = any(name not in PEERS for outcome in results.outcomes for name in outcome.failures)
    is_missed = any(finding.met is False for finding in results.findings())
    return 1 if is_failed or (options.check and is_missed) else 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line, and fill in what depends on ``--quick``."""
    parser = argparse.ArgumentParser(
        prog="python python/bench",
        description="Measure gopool.Pool, multiprocessing.Pool and their peers side by side.",
        epilog="Exit status: 0; 1 if gopool, or what it is judged by, failed or, with --check, a "
        "target was missed; 2 if something is not installed.",
    )
    parser.add_argument("--list", action="store_true", help="explain the scenarios, run none")
    parser.add_argument(
        "--only",
        action="append",
        metavar="NAME",
        type=matching_scenarios,
        help="run this scenario, or all whose names begin with NAME; may be repeated",
    )
    parser.add_argument("--quick", action="store_true", help="smaller sizes and fewer rounds")
    parser.add_argument(
        "--rounds", type=positive, metavar="N", help=f"default {ROUNDS}, quick {QUICK_ROUNDS}"
    )
    parser.add_argument(
        "--peers",
        nargs="+",
        choices=["none", "all", *PEERS],
        metavar="NAME",
        help="which other libraries to measure as well, in at most "
        f"{PEER_ROUNDS} rounds: {', '.join(PEERS)}, none or all (default: all, with --quick none)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample to FILE")
    parser.add_argument(
        "--markdown",
        type=Path,
        metavar="FILE",
        help="put the tables into FILE, in place of what is between its marker comments",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the ratios as an SVG")
    parser.add_argument("--check", action="store_true", help="fail if a target is missed")
    parser.add_argument(
        "--subject",
        choices=[SUBJECT, CONTROL],
        default=SUBJECT,
        help="control: measure multiprocessing.Pool against itself, to see the noise",
    )
    options = parser.parse_args()
    if options.rounds is None:
        options.rounds = QUICK_ROUNDS if options.quick else ROUNDS
    options.peers = list_peers(options.peers or ["none" if options.quick else "all"])
    names = {name for group in options.only or [list(SCENARIOS)] for name in group}
    options.scenarios = [one for one in SCENARIOS.values() if one.name in names]
    return options


def list_peers(names: list[str]) -> list[str]:
    """Return the peers that are meant, in the order of the table."""
    return [peer for peer in PEERS if peer in names or "all" in names]


def matching_scenarios(prefix: str) -> list[str]:
    """Return the scenarios whose names begin so."""
    names = [name for name in SCENARIOS if name.startswith(prefix)]
    if not names:
        raise argparse.ArgumentTypeError(
            f"no scenario {prefix!r}; there are {', '.join(SCENARIOS)}"
        )
    return names


def positive(text: str) -> int:
    """Read an integer of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def list_scenarios() -> None:
    """Print name and explanation of each scenario."""
    for scenario in SCENARIOS.values():
        print(f"{scenario.name} (size {scenario.size:,})")
        print("    " + scenario.explanation.replace("\n", "\n    ").replace("    \n", "\n"))


def find_missing(subject: str) -> str | None:
    """Return a sentence on what must be installed first, or ``None``."""
    if importlib.util.find_spec("rich") is None:
        return "The benchmarks need the package rich: pip install '.[bench]'"
    if subject == SUBJECT and environment.package_version("gopool") is None:
        return "gopool is not installed for this Python: pip install '.[bench]'"
    return None


def measure_all(options: argparse.Namespace) -> Results:
    """Run the scenarios, and print and write what was found."""
    from poolbench import report  # needs rich, which find_missing has looked for

    command = shlex.join(["python", *sys.argv])
    described = environment.describe()
    console, notes = report.make_console(), report.make_console(stderr=True)
    report.print_environment(console, described, command)
    outcomes = []
    with notes.status("starting") as status:
        for scenario in options.scenarios:
            outcomes.append(
                run(
                    scenario,
                    options.subject,
                    options.peers,
                    quick=options.quick,
                    rounds=options.rounds,
                    progress=status.update,
                )
            )
            if not notes.is_terminal:  # where nobody sees the status
                notes.print(f"{scenario.name}: done at {time.strftime('%H:%M:%S')}")
    results = Results(
        outcomes=outcomes,
        subject=options.subject,
        rounds=options.rounds,
        environment=described,
        command=command,
    )
    report.print_results(console, results)
    if options.json is not None:
        record.write(options.json, results)
    if options.markdown is not None:
        markdown.write(options.markdown, results, options.plot)
    if options.plot is not None:
        plot.write(options.plot, results)
    return results

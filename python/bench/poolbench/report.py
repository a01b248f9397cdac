"""Print findings as tables."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from poolbench import wording
from poolbench.libraries import REFERENCE
from poolbench.summary import Finding, Results

PLAIN_WIDTH = 160  # of a file or a pipe, which has no width of its own


def make_console(*, stderr: bool = False) -> Console:
    """Return a console that is wide enough for the tables where the terminal does not say."""
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    return console


def print_environment(console: Console, environment: dict[str, str], command: str) -> None:
    """Print what was measured on, one line each."""
    for heading, text in {**environment, "command": command}.items():
        console.print(f"{heading + ':':14}{text}", markup=False)


def print_results(console: Console, results: Results) -> None:
    """Print the table, that of the peers if there are any, and what could not be measured."""
    _print_findings(console, results)
    if results.peers():
        _print_peers(console, results)
    for scenario, library, reason in results.excuses():
        console.print(f"{scenario}: no figures of {library}: {reason}", markup=False)


def _print_findings(console: Console, results: Results) -> None:
    table = Table(
        caption=f"Medians of {results.rounds} interleaved rounds. Ratios are {results.subject} / "
        f"{REFERENCE}, or / the library named beside the figure; in brackets their quartiles. "
        "↑ higher is better, ↓ lower is better. A target without a ratio is one for the figure.",
        caption_justify="left",
    )
    table.add_column("scenario", no_wrap=True)
    table.add_column("figure", no_wrap=True)
    for heading in (results.subject, REFERENCE, "ratio", "quartiles"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("target", no_wrap=True)
    table.add_column("met", no_wrap=True)
    previous = None
    for finding in results.findings():
        if previous is not None and previous != finding.scenario:
            table.add_section()
        table.add_row(*_cells(finding, first=finding.scenario != previous))
        previous = finding.scenario
    console.print(table)


def _cells(finding: Finding, *, first: bool) -> list[str]:
    return [
        finding.scenario if first else "",
        wording.figure(finding),
        wording.number(finding.subject_value),
        wording.other(finding),
        wording.comparison(finding),
        f"[dim]\\[{wording.spread(finding)}][/]",
        "" if finding.line.target is None else str(finding.line.target),
        {None: "", True: "[green]yes[/]", False: "[bold red]no[/]"}[finding.met],
    ]


def _print_peers(console: Console, results: Results) -> None:
    table = Table(
        caption="Other libraries in the first rounds of the same run, some with fewer tasks; in "
        f"brackets how many times better {results.subject} is.",
        caption_justify="left",
    )
    table.add_column("scenario", no_wrap=True)
    table.add_column("figure", no_wrap=True)
    for heading in (results.subject, *results.peers()):
        table.add_column(heading, justify="right")
    for row in wording.peer_rows(results):
        table.add_row(*row)
    console.print(table)

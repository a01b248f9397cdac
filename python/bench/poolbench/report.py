"""Print findings as a table."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from poolbench.libraries import REFERENCE
from poolbench.summary import Finding

PLAIN_WIDTH = 120  # of a file or a pipe, which has no width of its own


def make_console(*, stderr: bool = False) -> Console:
    """Return a console that is wide enough for the table where the terminal does not say."""
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    return console


def print_environment(console: Console, environment: dict[str, str], command: str) -> None:
    """Print what was measured on, one line each."""
    for heading, text in {**environment, "command": command}.items():
        console.print(f"{heading + ':':14}{text}", markup=False)


def print_findings(console: Console, findings: list[Finding], subject: str, rounds: int) -> None:
    """Print the table: medians of both sides, the comparison with its spread, the verdict."""
    table = Table(
        caption=f"Medians of {rounds} interleaved rounds. Ratios are {subject} / {REFERENCE}, or / "
        "the library named beside the figure; in brackets their quartiles. ↑ higher is better, "
        "↓ lower is better.",
        caption_justify="left",
    )
    table.add_column("scenario", no_wrap=True)
    table.add_column("figure", no_wrap=True)
    table.add_column(subject, justify="right", no_wrap=True)
    table.add_column(REFERENCE, justify="right", no_wrap=True)
    table.add_column("ratio", justify="right", no_wrap=True)
    table.add_column("quartiles", justify="right", no_wrap=True)
    table.add_column("target", no_wrap=True)
    table.add_column("met", no_wrap=True)
    previous = None
    for finding in findings:
        if previous is not None and previous != finding.scenario:
            table.add_section()
        table.add_row(*_cells(finding, first=finding.scenario != previous))
        previous = finding.scenario
    console.print(table)


def print_failure(console: Console, scenario: str, failure: str) -> None:
    """Print that a scenario could not be measured."""
    console.print(f"[bold red]failed[/] {scenario}: ", end="")
    console.print(failure, markup=False)


def _cells(finding: Finding, *, first: bool) -> list[str]:
    line = finding.line
    other = number(finding.other_value)
    if line.against != REFERENCE:
        other = f"{line.against} {other}"
    if line.compare == "ratio":
        median = f"{finding.median:.2f}"
        spread = f"[dim]\\[{finding.low:.2f}-{finding.high:.2f}][/]"
    else:
        median = f"{finding.median:+.1f} {line.unit}"
        spread = f"[dim]\\[{finding.low:+.1f} {finding.high:+.1f}][/]"
    return [
        finding.scenario if first else "",
        f"{line.figure}, {line.unit} {'↑' if line.better == 'higher' else '↓'}",
        number(finding.subject_value),
        other,
        median,
        spread,
        "" if line.target is None else str(line.target),
        {None: "", True: "[green]yes[/]", False: "[bold red]no[/]"}[finding.met],
    ]


def number(value: float) -> str:
    """Write a number with about three digits that mean something, and thousands apart."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
